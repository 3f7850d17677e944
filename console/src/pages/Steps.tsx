import type { Execution, Wave } from "../api/model";
import { DataTable } from "../components/DataTable";
import { Link } from "../components/Link";
import { More } from "../components/More";
import { Word } from "../components/Status";
import { Text } from "../components/Text";
import { paths } from "../lib/router";
import { short } from "../lib/text";
import { duration, moment, secondsBetween } from "../lib/time";

interface Row {
  key: string;
  wave: Wave;
  kind: string;
  name: string;
  phase: string;
  required: boolean;
  status: string;
  commandId: string | null;
  automation: string | null;
  startedAt: string | null;
  endedAt: string | null;
  error: string | null;
}

/** What else waves do before and after their launch, as the API tells it. */
export function Steps({ execution }: { execution: Execution }) {
  return (
    <DataTable
      title="Steps"
      name="step"
      items={stepsOf(execution)}
      rowKey={(row) => row.key}
      empty="The waves have no steps."
      columns={[
        { id: "wave", header: "Wave", value: (row) => row.wave.waveNumber, cell: (row) => <Text>{`${row.wave.waveNumber} ${short(row.wave.name, 60)}`}</Text>, width: 120 },
        { id: "phase", header: "When", value: (row) => row.phase, cell: (row) => row.phase.toLowerCase() },
        { id: "name", header: "Step", isRowHeader: true, value: (row) => row.name, cell: (row) => <Text>{`${row.kind} ${row.name}`}</Text>, width: 140 },
        { id: "required", header: "Required", value: (row) => String(row.required), cell: (row) => (row.required ? "yes" : "no") },
        { id: "status", header: "Status", value: (row) => row.status, cell: (row) => <Word status={row.status} /> },
        { id: "started", header: "Started", value: (row) => row.startedAt, cell: (row) => moment(row.startedAt), width: 130 },
        { id: "took", header: "Took", value: tookOf, cell: (row) => duration(tookOf(row)), width: 80 },
        {
          id: "run",
          header: "Run",
          value: (row) => row.commandId ?? row.automation,
          cell: (row) => (row.commandId ? <Link to={paths.command(row.commandId)}>{row.commandId}</Link> : (row.automation ?? "–")),
          width: 160,
        },
        { id: "error", header: "Error", value: (row) => row.error, cell: (row) => <More label={`the error of ${row.name}`}>{row.error}</More>, width: 160 },
      ]}
    />
  );
}

function tookOf({ startedAt, endedAt }: Row): number | null {
  return startedAt && endedAt ? secondsBetween(startedAt, endedAt) : null;
}

export function stepsOf(execution: Execution): Row[] {
  return execution.waves.flatMap((wave) => {
    const steps = wave.steps?.map((step) => ({ ...step, kind: step.kind?.toLowerCase() ?? "step", commandId: step.commandId ?? null }));
    return (steps ?? []).map((one, at): Row => ({
      key: `${wave.waveNumber}-${at}`,
      wave,
      kind: one.kind,
      name: one.name,
      phase: one.phase,
      required: one.required,
      status: one.status,
      commandId: one.commandId,
      automation: one.automationExecutionId ?? null,
      startedAt: one.startedAt ?? null,
      endedAt: one.endedAt ?? null,
      error: one.error,
    }));
  });
}
