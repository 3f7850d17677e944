import Container from "@cloudscape-design/components/container";
import ContentLayout from "@cloudscape-design/components/content-layout";
import Header from "@cloudscape-design/components/header";
import KeyValuePairs from "@cloudscape-design/components/key-value-pairs";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useState } from "react";
import { useErrors, useErrorSummary, useHealth } from "../api/queries";
import type { RecordedError } from "../api/model";
import { DataTable } from "../components/DataTable";
import { Link } from "../components/Link";
import { Reading } from "../components/Reading";
import { Word } from "../components/Status";
import { Pre, Text } from "../components/Text";
import { paths, useQueryValue } from "../lib/router";
import { moment } from "../lib/time";
import { inWords } from "../lib/words";
import { Choice } from "./Executions";

const SEVERITIES = ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"];
const CATEGORIES = ["DATABASE", "DRS", "WORKFLOW", "DEPENDENCY", "CIRCUIT_OPEN", "PERMISSION", "CONFIGURATION", "TIMEOUT", "CRASH", "DEAD_LETTER", "INTERNAL"];

export function Operations() {
  const health = useHealth();
  return (
    <ContentLayout header={<Header variant="h1">Operations</Header>}>
      <SpaceBetween size="l">
        <Reading query={health}>
          {(found) => (
            <DataTable
              title="Circuits"
              name="circuit"
              description={found.critical_circuits_open.length ? `Critical ones open: ${found.critical_circuits_open.join(", ")}` : undefined}
              actions={<Word status={found.status} />}
              items={Object.entries(found.circuit_breakers).map(([name, circuit]) => ({ name, ...circuit }))}
              rowKey={(row) => row.name}
              empty="No circuit has been used yet."
              columns={[
                { id: "name", header: "Dependency", isRowHeader: true, value: (row) => row.name, cell: (row) => <Text>{row.name}</Text> },
                { id: "state", header: "State", value: (row) => row.state, cell: (row) => <Word status={row.state} /> },
                { id: "failures", header: "Failures", value: (row) => row.failure_count, cell: (row) => row.failure_count },
              ]}
            />
          )}
        </Reading>
        <Errors />
      </SpaceBetween>
    </ContentLayout>
  );
}

function Errors() {
  const [severity, setSeverity] = useQueryValue("severity");
  const [category, setCategory] = useQueryValue("category");
  const [hours, setHours] = useQueryValue("hours", "24");
  const [chosen, setChosen] = useState<RecordedError | null>(null);
  const within = Number(hours) || 24;
  const query = useErrors({ severity, category, hours: within });
  const summary = useErrorSummary(within);
  return (
    <>
      <Reading query={summary}>
        {(counted) => (
          <Container header={<Header variant="h2">{`Errors of ${counted.hours} hours`}</Header>}>
            <KeyValuePairs
              columns={4}
              items={[
                { label: "All", value: counted.total },
                ...Object.entries(counted.bySeverity).map(([name, count]) => ({ label: inWords(name), value: count })),
                ...Object.entries(counted.byCategory).map(([name, count]) => ({ label: inWords(name), value: count })),
              ]}
            />
          </Container>
        )}
      </Reading>
      <Reading query={query}>
        {(page) => (
          <DataTable
            title="Errors"
            name="error"
            items={page.items}
            rowKey={(row) => row.errorId}
            empty="No errors recorded."
            loading={query.isPlaceholderData}
            selected={chosen ? [chosen] : []}
            onSelect={([row]) => setChosen(row ?? null)}
            filters={
              <>
                <Choice label="Severity" value={severity} values={SEVERITIES} onChange={setSeverity} />
                <Choice label="Category" value={category} values={CATEGORIES} onChange={setCategory} />
                <Choice label="Hours" value={hours} values={["1", "24", "168"]} onChange={(value) => setHours(value || "24")} />
              </>
            }
            columns={[
              { id: "at", header: "At", value: (row) => row.at, cell: (row) => moment(row.at), width: 140 },
              { id: "severity", header: "Severity", value: (row) => row.severity, cell: (row) => inWords(row.severity) },
              { id: "category", header: "Category", value: (row) => row.category, cell: (row) => inWords(row.category) },
              { id: "service", header: "Service", value: (row) => row.service, cell: (row) => <Text>{row.service}</Text> },
              { id: "type", header: "Type", isRowHeader: true, value: (row) => row.errorType, cell: (row) => <Text>{row.errorType}</Text>, width: 130 },
              { id: "message", header: "Message", value: (row) => row.message, cell: (row) => <Text most={300}>{row.message}</Text>, width: 200 },
              {
                id: "execution",
                header: "Execution",
                value: (row) => row.executionId ?? null,
                cell: (row) => (row.executionId ? <Link to={paths.execution(row.executionId)}>{row.executionId}</Link> : "–"),
                width: 160,
              },
            ]}
          />
        )}
      </Reading>
      {chosen && (
        <Container header={<Header variant="h2">Error <Text>{chosen.errorId}</Text></Header>}>
          <SpaceBetween size="s">
            <Pre label="Message">{chosen.message}</Pre>
            {chosen.stackTrace && <Pre label="Stack trace">{chosen.stackTrace}</Pre>}
            {chosen.context && <Pre label="Context">{JSON.stringify(chosen.context, null, 2)}</Pre>}
          </SpaceBetween>
        </Container>
      )}
    </>
  );
}
