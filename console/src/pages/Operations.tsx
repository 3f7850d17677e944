import Box from "@cloudscape-design/components/box";
import Container from "@cloudscape-design/components/container";
import ContentLayout from "@cloudscape-design/components/content-layout";
import Header from "@cloudscape-design/components/header";
import KeyValuePairs from "@cloudscape-design/components/key-value-pairs";
import SpaceBetween from "@cloudscape-design/components/space-between";
import type { ReactNode } from "react";
import { useErrors, useErrorSummary, useHealth } from "../api/queries";
import type { Read } from "../api/staleness";
import type { ErrorSummary, Health, Page, RecordedError } from "../api/model";
import { DataTable } from "../components/DataTable";
import { Link } from "../components/Link";
import { More } from "../components/More";
import { ProblemAlert, StaleAlert } from "../components/Problem";
import { Loading } from "../components/Reading";
import { Word } from "../components/Status";
import { Pre, Text } from "../components/Text";
import { paths, useQueryValue } from "../lib/router";
import { moment } from "../lib/time";
import { inWords } from "../lib/words";
import { Choice } from "./Executions";

const SEVERITIES = ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"];
const CATEGORIES = ["DATABASE", "DRS", "WORKFLOW", "DEPENDENCY", "CIRCUIT_OPEN", "PERMISSION", "CONFIGURATION", "TIMEOUT", "CRASH", "DEAD_LETTER", "INTERNAL"];
const HOURS = ["1", "24", "168"];

export function Operations() {
  const [severity] = useQueryValue("severity");
  const [category] = useQueryValue("category");
  const [hours] = useQueryValue("hours", "24");
  const within = Number(hours) || 24;
  const health = useHealth();
  const summary = useErrorSummary(within);
  const errors = useErrors({ severity, category, hours: within });
  const reads: Read<unknown>[] = [health, summary, errors];
  return (
    <ContentLayout header={<Header variant="h1">Operations</Header>}>
      <SpaceBetween size="l">
        <StaleAlert of={reads.filter((read) => read.data !== undefined)} />
        <Part read={health}>{(found) => <Circuits health={found} />}</Part>
        <Part read={summary}>{(counted) => <Counts summary={counted} />}</Part>
        <Part read={errors}>{(page) => <Errors page={page} loading={errors.isPlaceholderData} />}</Part>
        {reads.some((read) => read.data === undefined && !read.error) && <Loading />}
      </SpaceBetween>
    </ContentLayout>
  );
}

/** One part of the page once it is read, or why it cannot be; while any is awaited the page says so once, below. */
function Part<T>({ read, children }: { read: Read<T>; children: (data: T) => ReactNode }) {
  if (read.data !== undefined) return children(read.data);
  return <ProblemAlert error={read.error} />;
}

function Circuits({ health }: { health: Health }) {
  return (
    <DataTable
      title="Circuits"
      name="circuit"
      description={health.critical_circuits_open.length ? `Critical ones open: ${health.critical_circuits_open.join(", ")}` : undefined}
      actions={<Word status={health.status} />}
      items={Object.entries(health.circuit_breakers).map(([name, circuit]) => ({ name, ...circuit }))}
      rowKey={(row) => row.name}
      empty="No circuit has been used yet."
      columns={[
        { id: "name", header: "Dependency", isRowHeader: true, value: (row) => row.name, cell: (row) => <Text>{row.name}</Text>, width: 200 },
        { id: "state", header: "State", value: (row) => row.state, cell: (row) => <Word status={row.state} />, width: 120 },
        { id: "failures", header: "Failures", value: (row) => row.failure_count, cell: (row) => row.failure_count },
      ]}
    />
  );
}

function Counts({ summary }: { summary: ErrorSummary }) {
  const counts = { ...summary.bySeverity, ...summary.byCategory };
  return (
    <Container header={<Header variant="h2">{`Errors of the last ${summary.hours === 1 ? "hour" : `${summary.hours} hours`}`}</Header>}>
      <KeyValuePairs columns={4} items={[{ label: "All", value: summary.total }, ...Object.entries(counts).map(([name, count]) => ({ label: capitalised(inWords(name)), value: count }))]} />
    </Container>
  );
}

const capitalised = (words: string) => words.charAt(0).toUpperCase() + words.slice(1);

function Errors({ page, loading }: { page: Page<RecordedError>; loading: boolean }) {
  const [severity, setSeverity] = useQueryValue("severity");
  const [category, setCategory] = useQueryValue("category");
  const [hours, setHours] = useQueryValue("hours", "24");
  const [chosenId, setChosen] = useQueryValue("chosen");
  const chosen = page.items.find((one) => one.errorId === chosenId);
  return (
    <SpaceBetween size="l">
      <DataTable
        title="Recorded errors"
        name="error"
        items={page.items}
        rowKey={(row) => row.errorId}
        empty="No errors recorded."
        loading={loading}
        selected={chosen ? [chosen] : []}
        onSelect={([row]) => setChosen(row?.errorId ?? "")}
        filters={
          <>
            <Choice label="Severity" value={severity} values={SEVERITIES} onChange={setSeverity} />
            <Choice label="Category" value={category} values={CATEGORIES} onChange={setCategory} />
            <Choice label="Hours" value={hours} values={HOURS} onChange={setHours} whole={false} word={(value) => `Last ${value === "1" ? "hour" : `${value} hours`}`} />
          </>
        }
        columns={[
          { id: "at", header: "At", value: (row) => row.at, cell: (row) => moment(row.at), width: 130 },
          { id: "severity", header: "Severity", value: (row) => row.severity, cell: (row) => inWords(row.severity), width: 105 },
          { id: "type", header: "Type", isRowHeader: true, value: (row) => `${row.errorType} ${row.category}`, cell: (row) => <><Text>{row.errorType}</Text><Box color="text-body-secondary">{inWords(row.category)}</Box></>, width: 190 },
          { id: "message", header: "Message", value: (row) => row.message, cell: (row) => <More label={`the message of ${row.errorId}`}>{row.message}</More>, width: 240 },
          { id: "service", header: "Service", value: (row) => row.service, cell: (row) => <Text>{row.service}</Text>, width: 170 },
          {
            id: "execution",
            header: "Execution",
            value: (row) => row.executionId ?? null,
            cell: (row) => (row.executionId ? <Link to={paths.execution(row.executionId)}>{row.executionId}</Link> : "–"),
            width: 270,
          },
        ]}
      />
      {chosen && (
        <Container header={<Header variant="h2">Error <Text>{chosen.errorId}</Text></Header>}>
          <SpaceBetween size="s">
            <Pre label="Message">{chosen.message}</Pre>
            {chosen.stackTrace && <Pre label="Stack trace">{chosen.stackTrace}</Pre>}
            {chosen.context && <Pre label="Context">{JSON.stringify(chosen.context, null, 2)}</Pre>}
          </SpaceBetween>
        </Container>
      )}
    </SpaceBetween>
  );
}
