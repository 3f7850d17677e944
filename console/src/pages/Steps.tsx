import type { Execution, Wave } from "../api/model";
import { DataTable } from "../components/DataTable";
import { Link } from "../components/Link";
import { Word } from "../components/Status";
import { Text } from "../components/Text";
import { paths } from "../lib/router";

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
        { id: "wave", header: "Wave", value: (row) => row.wave.waveNumber, cell: (row) => `${row.wave.waveNumber} ${row.wave.name}`, width: 140 },
        { id: "phase", header: "When", value: (row) => row.phase, cell: (row) => row.phase.toLowerCase() },
        { id: "name", header: "Step", isRowHeader: true, value: (row) => row.name, cell: (row) => <Text>{`${row.kind} ${row.name}`}</Text>, width: 140 },
        { id: "required", header: "Required", value: (row) => String(row.required), cell: (row) => (row.required ? "yes" : "no") },
        { id: "status", header: "Status", value: (row) => row.status, cell: (row) => <Word status={row.status} /> },
        {
          id: "run",
          header: "Run",
          value: (row) => row.commandId ?? row.automation,
          cell: (row) => (row.commandId ? <Link to={paths.command(row.commandId)}>{row.commandId}</Link> : (row.automation ?? "–")),
          width: 160,
        },
        { id: "error", header: "Error", value: (row) => row.error, cell: (row) => <Text>{row.error}</Text>, width: 180 },
      ]}
    />
  );
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
      error: one.error,
    }));
  });
}
