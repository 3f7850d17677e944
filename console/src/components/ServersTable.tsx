import { memo, useMemo } from "react";
import type { Execution, Progress, Server, ServerProgress, Wave } from "../api/model";
import { phaseWords } from "../lib/timeline";
import { short } from "../lib/text";
import { clock, duration, moment, secondsBetween } from "../lib/time";
import { DataTable, type Column } from "./DataTable";
import { More } from "./More";
import { Word } from "./Status";
import { Text } from "./Text";

interface Row extends Server {
  wave: Wave;
  phase: ServerProgress | undefined;
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
  const failed = rows.some((row) => row.error);
  const columns = useMemo(() => columnsAt(now, failed), [now, failed]);
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

/** The columns at a time; errors stand beside the launch that they are about, and take no room where there are none. */
function columnsAt(now: number, failed: boolean): Column<Row>[] {
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
              <More most={80} label={`the name of ${row.sourceServerId}`}>{row.name}</More>
            </div>
          )}
          <Text>{row.sourceServerId}</Text>
        </>
      ),
      width: 195,
    },
    { id: "wave", header: "Wave", value: (row) => row.wave.waveNumber, cell: (row) => <Text>{`${row.wave.waveNumber} ${short(row.wave.name, 60)}`}</Text>, width: 110 },
    {
      id: "status",
      header: "Launch",
      value: (row) => row.launchStatus,
      cell: (row) => <Word status={row.launchStatus} text={phaseWords(row, row.phase?.phase)} />,
      width: 130,
    },
    ...(failed
      ? [{ id: "error", header: "Error", value: (row: Row) => row.error, cell: (row: Row) => (row.error ? <More label={`the error of ${row.sourceServerId}`}>{row.error}</More> : "–"), width: 200 }]
      : []),
    {
      id: "time",
      header: "Time in it",
      value: (row) => (row.phase?.since ? secondsBetween(row.phase.since, now) : null),
      cell: (row) => {
        if (row.launchStatus !== "IN_PROGRESS" || !row.phase?.since) return "–";
        const usual = row.phase.usualSeconds === null ? "" : ` (usually ${duration(row.phase.usualSeconds)})`;
        return `${duration(secondsBetween(row.phase.since, now))}${usual}`;
      },
      width: 100,
    },
    { id: "instance", header: "Instance", value: (row) => row.recoveryInstanceId, cell: (row) => <Text>{row.recoveryInstanceId}</Text>, width: 195 },
    { id: "point", header: "Recovery point", value: (row) => row.snapshotAt, cell: (row) => moment(row.snapshotAt), width: 125 },
    { id: "impact", header: "Impact", value: (row) => row.impact, cell: (row) => row.impact.toLowerCase(), width: 100 },
  ];
}
