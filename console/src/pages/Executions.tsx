import Badge from "@cloudscape-design/components/badge";
import Button from "@cloudscape-design/components/button";
import ContentLayout from "@cloudscape-design/components/content-layout";
import Header from "@cloudscape-design/components/header";
import Input from "@cloudscape-design/components/input";
import Select from "@cloudscape-design/components/select";
import { useExecutions } from "../api/queries";
import type { ExecutionSummary } from "../api/model";
import { DataTable, type Column } from "../components/DataTable";
import { Link } from "../components/Link";
import { Reading } from "../components/Reading";
import { DisplayBadge, Word } from "../components/Status";
import { Text } from "../components/Text";
import { paths, useQueryValue } from "../lib/router";
import { actor, short } from "../lib/text";
import { duration, moment } from "../lib/time";
import { counted, inWords, leftInWords } from "../lib/words";

const STATUSES = ["PENDING", "IN_PROGRESS", "PAUSED", "CANCELLING", "COMPLETED", "PARTIAL_SUCCESS", "FAILED", "CANCELLED"];
const STEP = 50;
const MOST = 1000;

export function Executions() {
  const [planId, setPlanId] = useQueryValue("planId");
  const [status, setStatus] = useQueryValue("status");
  const [mode, setMode] = useQueryValue("mode");
  const [wanted, setLimit] = useQueryValue("limit", String(STEP));
  const limit = Math.min(MOST, Math.max(STEP, Number(wanted) || STEP));
  const query = useExecutions({ planId, status, mode }, limit);
  return (
    <ContentLayout header={<Header variant="h1">Executions</Header>}>
      <Reading query={query}>
        {(page) => (
          <DataTable
            title="Executions"
            titled
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
              page.nextToken && limit < MOST ? (
                <Button onClick={() => setLimit(String(Math.min(MOST, limit + 4 * STEP)))}>Show older ones</Button>
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
  /** Whether all may be chosen, too. */
  whole?: boolean;
  word?: (value: string) => string;
}

/** A filter among values; what is chosen says what it is about. */
export function Choice({ label, value, values, onChange, whole = true, word = (one) => `${label}: ${inWords(one)}` }: ChoiceProps) {
  const options = [...(whole ? [{ value: "", label: `${label}: all` }] : []), ...values.map((one) => ({ value: one, label: word(one) }))];
  return (
    <Select
      selectedOption={options.find((option) => option.value === value) ?? options[0]!}
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
    value: (row) => `${row.executionId} ${row.planName} ${row.planId}`,
    cell: (row) => (
      <>
        <Link to={paths.execution(row.executionId)}>{row.executionId}</Link>
        <div>
          <Link to={paths.plan(row.planId)}>
            <Text>{short(row.planName, 60)}</Text>
          </Link>
        </div>
      </>
    ),
    width: 270,
  },
  { id: "mode", header: "Mode", value: (row) => row.mode, cell: (row) => (row.mode === "RECOVERY" ? <Badge color="red">RECOVERY</Badge> : "drill"), width: 105 },
  {
    id: "status",
    header: "Status",
    value: (row) => row.status,
    cell: (row) => (
      <>
        <DisplayBadge display={row.display} />
        <div>
          {row.completedWaves} of {counted(row.totalWaves, "wave")} completed
        </div>
      </>
    ),
    width: 190,
  },
  { id: "left", header: "Left running", value: (row) => row.instancesLeft, cell: leftInWords, width: 125 },
  {
    id: "started",
    header: "Started",
    value: (row) => row.startedAt,
    cell: (row) => (
      <>
        {moment(row.startedAt)}
        <div>
          by <Text>{short(actor(row.requestedBy), 60)}</Text>
        </div>
      </>
    ),
    width: 150,
  },
  { id: "duration", header: "Duration", value: (row) => row.durationSeconds, cell: (row) => duration(row.durationSeconds), width: 105 },
  {
    id: "verdict",
    header: "Verdict",
    value: (row) => row.verdict?.verdict ?? null,
    cell: (row) => (row.verdict ? <Word status={row.verdict.verdict} /> : "–"),
    width: 105,
  },
];
