import Button from "@cloudscape-design/components/button";
import ContentLayout from "@cloudscape-design/components/content-layout";
import Header from "@cloudscape-design/components/header";
import Input from "@cloudscape-design/components/input";
import Select from "@cloudscape-design/components/select";
import { useState } from "react";
import { useExecutions } from "../api/queries";
import type { ExecutionSummary } from "../api/model";
import { DataTable, type Column } from "../components/DataTable";
import { Link } from "../components/Link";
import { Reading } from "../components/Reading";
import { DisplayBadge, Word } from "../components/Status";
import { Text } from "../components/Text";
import { paths, useQueryValue } from "../lib/router";
import { actor } from "../lib/text";
import { duration, moment } from "../lib/time";
import { inWords, leftInWords } from "../lib/words";

const STATUSES = ["PENDING", "IN_PROGRESS", "PAUSED", "CANCELLING", "COMPLETED", "PARTIAL_SUCCESS", "FAILED", "CANCELLED"];
const STEP = 50;

export function Executions() {
  const [planId, setPlanId] = useQueryValue("planId");
  const [status, setStatus] = useQueryValue("status");
  const [mode, setMode] = useQueryValue("mode");
  const [limit, setLimit] = useState(STEP);
  const query = useExecutions({ planId, status, mode }, limit);
  return (
    <ContentLayout header={<Header variant="h1">Executions</Header>}>
      <Reading query={query}>
        {(page) => (
          <DataTable
            title="Executions"
            items={page.items}
            columns={executionColumns}
            rowKey={(row) => row.executionId}
            empty="No execution yet. A drill is started on the page of plans."
            loading={query.isPlaceholderData}
            filters={
              <>
                <Input
                  value={planId}
                  ariaLabel="Plan id"
                  placeholder="Plan id"
                  onChange={({ detail }) => setPlanId(detail.value.trim())}
                />
                <Choice label="Status" value={status} values={STATUSES} onChange={setStatus} />
                <Choice label="Mode" value={mode} values={["DRILL", "RECOVERY"]} onChange={setMode} />
              </>
            }
            footer={
              page.nextToken && limit < 1000 ? (
                <Button onClick={() => setLimit(Math.min(1000, limit + 4 * STEP))}>Show older ones</Button>
              ) : undefined
            }
          />
        )}
      </Reading>
    </ContentLayout>
  );
}

interface ChoiceProps {
  label: string;
  value: string;
  values: readonly string[];
  onChange: (value: string) => void;
}

export function Choice({ label, value, values, onChange }: ChoiceProps) {
  const all = { value: "", label: `${label}: all` };
  const options = [all, ...values.map((one) => ({ value: one, label: inWords(one) }))];
  return (
    <Select
      selectedOption={options.find((option) => option.value === value) ?? all}
      options={options}
      ariaLabel={label}
      onChange={({ detail }) => onChange(detail.selectedOption.value ?? "")}
    />
  );
}

export const executionColumns: Column<ExecutionSummary>[] = [
  {
    id: "execution",
    header: "Execution",
    isRowHeader: true,
    value: (row) => row.executionId,
    cell: (row) => <Link to={paths.execution(row.executionId)}>{row.executionId}</Link>,
    width: 200,
  },
  {
    id: "plan",
    header: "Plan",
    value: (row) => `${row.planName} ${row.planId}`,
    cell: (row) => (
      <Link to={paths.plan(row.planId)}>
        <Text most={80}>{row.planName}</Text>
      </Link>
    ),
    width: 150,
  },
  { id: "mode", header: "Mode", value: (row) => row.mode, cell: (row) => row.mode.toLowerCase() },
  { id: "status", header: "Status", value: (row) => row.status, cell: (row) => <DisplayBadge display={row.display} />, width: 150 },
  { id: "waves", header: "Waves completed", value: (row) => row.completedWaves, cell: (row) => `${row.completedWaves} of ${row.totalWaves}` },
  {
    id: "left",
    header: "Left running",
    value: (row) => row.instancesLeft,
    cell: leftInWords,
    width: 120,
  },
  { id: "started", header: "Started", value: (row) => row.startedAt, cell: (row) => moment(row.startedAt), width: 140 },
  { id: "duration", header: "Duration", value: (row) => row.durationSeconds, cell: (row) => duration(row.durationSeconds) },
  {
    id: "verdict",
    header: "Verdict",
    value: (row) => row.verdict?.verdict ?? null,
    cell: (row) => (row.verdict ? <Word status={row.verdict.verdict} /> : "–"),
  },
  { id: "by", header: "By", value: (row) => row.requestedBy, cell: (row) => <Text>{actor(row.requestedBy)}</Text>, width: 120 },
];
