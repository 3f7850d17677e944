import { memo, useMemo } from "react";
import type { Execution, Progress, Server, Wave } from "../api/model";
import { phaseWords } from "../lib/timeline";
import { clock, duration, secondsBetween } from "../lib/time";
import { DataTable, type Column } from "./DataTable";
import { Word } from "./Status";
import { Text } from "./Text";

interface Row extends Server {
  wave: Wave;
  phase: Progress["servers"][number] | undefined;
}

interface Props {
  execution: Execution;
  progress: Progress | undefined;
  now: number;
}

/** Every server of an execution: where it is in its launch, and since when. */
export const ServersTable = memo(function ServersTable({ execution, progress, now }: Props) {
  const rows = useMemo(() => {
    const phases = new Map(progress?.servers.map((one) => [`${one.waveNumber}-${one.sourceServerId}`, one]));
    return execution.waves.flatMap((wave) =>
      wave.servers.map((server): Row => ({ ...server, wave, phase: phases.get(`${wave.waveNumber}-${server.sourceServerId}`) })),
    );
  }, [execution.waves, progress]);
  const columns = useMemo(() => columnsAt(now), [now]);
  return (
    <DataTable
      title="Servers"
      name="server"
      items={rows}
      columns={columns}
      rowKey={(row) => `${row.wave.waveNumber}-${row.sourceServerId}`}
      empty="No servers yet: selectors choose them when the execution starts."
      description={progress?.asOf ? `Phases as DRS told them at ${clock(progress.asOf)}` : undefined}
    />
  );
});

function columnsAt(now: number): Column<Row>[] {
  return [
    {
      id: "server",
      header: "Server",
      isRowHeader: true,
      value: (row) => `${row.name ?? ""} ${row.sourceServerId}`,
      cell: (row) => (
        <>
          {row.name && (
            <div>
              <Text>{row.name}</Text>
            </div>
          )}
          <Text>{row.sourceServerId}</Text>
        </>
      ),
      width: 170,
    },
    { id: "wave", header: "Wave", value: (row) => row.wave.waveNumber, cell: (row) => `${row.wave.waveNumber} ${row.wave.name}`, width: 120 },
    { id: "impact", header: "Impact", value: (row) => row.impact, cell: (row) => row.impact.toLowerCase() },
    {
      id: "status",
      header: "Launch",
      value: (row) => row.launchStatus,
      cell: (row) => <Word status={row.launchStatus} text={phaseWords(row, row.phase?.phase)} />,
      width: 130,
    },
    {
      id: "time",
      header: "Time in it",
      value: (row) => (row.phase?.since ? secondsBetween(row.phase.since, now) : null),
      cell: (row) => {
        if (row.launchStatus !== "IN_PROGRESS" || !row.phase?.since) return "–";
        const usual = row.phase.usualSeconds === null ? "" : ` (usually ${duration(row.phase.usualSeconds)})`;
        return `${duration(secondsBetween(row.phase.since, now))}${usual}`;
      },
    },
    { id: "instance", header: "Instance", value: (row) => row.recoveryInstanceId, cell: (row) => <Text>{row.recoveryInstanceId}</Text>, width: 170 },
    { id: "point", header: "Recovery point", value: (row) => row.snapshotAt, cell: (row) => clock(row.snapshotAt) },
    { id: "error", header: "Error", value: (row) => row.error, cell: (row) => (row.error ? <Text>{row.error}</Text> : "–"), width: 200 },
  ];
}
