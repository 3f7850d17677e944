// Bars of a timeline: each wave, and below it its servers while they fit; of many servers one row for each state.
import type { Execution, Progress, Server, Wave } from "../api/model";
import { inWords, launchedOf } from "./words";

export interface Bar {
  key: string;
  label: string;
  /** Seconds after the start of the execution. */
  from: number;
  to: number;
  status: string;
  level: "wave" | "server" | "group";
  note: string;
}

export interface Timeline {
  bars: Bar[];
  /** Seconds that the axis spans. */
  span: number;
  objective: number | null;
}

const MOST_SERVERS = 40;

export function timeline(execution: Execution, progress: Progress | undefined, now: number, objective: number | null): Timeline {
  const zero = new Date(execution.startedAt).getTime();
  const at = (time: string | null | undefined, otherwise: number) =>
    time ? Math.max(0, (new Date(time).getTime() - zero) / 1000) : otherwise;
  const current = at(execution.endedAt, Math.max(0, (now - zero) / 1000));
  const servers = execution.waves.reduce((sum, wave) => sum + wave.servers.length, 0);
  const bars: Bar[] = [];
  for (const wave of execution.waves) {
    if (!wave.startedAt) continue;
    const from = at(wave.startedAt, 0);
    const to = Math.max(from, at(wave.endedAt, current));
    bars.push({
      key: `wave-${wave.waveNumber}`,
      label: `${wave.waveNumber} ${wave.name}`,
      from,
      to,
      status: wave.status,
      level: "wave",
      note: `${launchedOf(wave)} launched`,
    });
    bars.push(...(servers <= MOST_SERVERS ? single(wave, progress, from, to, at) : grouped(wave, from, to)));
  }
  const last = Math.max(current, ...bars.map((bar) => bar.to), 1);
  return { bars, span: Math.max(last, Math.min(objective ?? 0, last * 3)), objective };
}

function single(
  wave: Wave,
  progress: Progress | undefined,
  from: number,
  to: number,
  at: (time: string | null | undefined, otherwise: number) => number,
): Bar[] {
  return wave.servers.map((server) => {
    const phase = progress?.servers.find(
      (one) => one.waveNumber === wave.waveNumber && one.sourceServerId === server.sourceServerId,
    );
    return {
      key: `${wave.waveNumber}-${server.sourceServerId}`,
      label: server.name ?? server.sourceServerId,
      from: phase?.since ? Math.max(from, at(phase.since, from)) : from,
      to,
      status: server.launchStatus,
      level: "server" as const,
      note: phaseWords(server, phase?.phase),
    };
  });
}

export function phaseWords(server: Server, phase: string | null | undefined): string {
  if (server.launchStatus === "IN_PROGRESS" && phase) return inWords(phase);
  return inWords(server.launchStatus);
}

function grouped(wave: Wave, from: number, to: number): Bar[] {
  const counts = new Map<string, number>();
  for (const server of wave.servers) counts.set(server.launchStatus, (counts.get(server.launchStatus) ?? 0) + 1);
  return [...counts].map(([status, count]) => ({
    key: `${wave.waveNumber}-${status}`,
    label: `${count} ${inWords(status)}`,
    from,
    to,
    status,
    level: "group" as const,
    note: `${count} of ${wave.servers.length} servers`,
  }));
}

/** Marks of an axis: at most `most`, at times that people count in. */
export function ticks(span: number, most = 6): number[] {
  const steps = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400];
  const step = steps.find((one) => span / one <= most) ?? Math.ceil(span / most / 86400) * 86400;
  return Array.from({ length: Math.floor(span / step) + 1 }, (_, at) => at * step);
}
