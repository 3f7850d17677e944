// What a timeline draws: each wave with its attempts and what it waited for, and below it what DRS job logs tell of its
// servers: the phases of each, or of many servers one row for each phase. A time that nobody told is not drawn.
import type { Execution, PhaseTimes, Progress, Server, ServerProgress, Wave } from "../api/model";
import { counted, inWords, launchedOf } from "./words";

export interface Segment {
  /** Seconds after the start of the execution. */
  from: number;
  to: number;
  /** What it is drawn as: a phase, a wave's status, or the wait for an approval. */
  kind: string;
  /** It has not ended, or nobody told its end. */
  open: boolean;
}

export interface Bar {
  key: string;
  label: string;
  status: string;
  level: "wave" | "server" | "phase";
  note: string;
  segments: Segment[];
}

export interface Timeline {
  bars: Bar[];
  /** Seconds that the axis spans. */
  span: number;
  objective: number | null;
}

type Seconds = (time: string | null | undefined) => number | null;

export const PHASES = ["SNAPSHOT", "CONVERSION", "LAUNCH", "POST_LAUNCH"] as const;
export const APPROVAL = "APPROVAL";
/** More servers than these are drawn by phase. */
const MOST_SERVERS = 40;
/** Of more waves than these, those that are over have a single row. */
const MOST_WAVES = 20;
/** An objective later than this many times the run would squeeze the run itself; so does the report. */
const OBJECTIVE_IN_SIGHT = 1.6;

export function timeline(execution: Execution, progress: Progress | undefined, now: number, objective: number | null): Timeline {
  const zero = new Date(execution.startedAt).getTime();
  const at: Seconds = (time) => (time ? Math.max(0, (new Date(time).getTime() - zero) / 1000) : null);
  const current = at(execution.endedAt) ?? Math.max(0, (now - zero) / 1000);
  const few = execution.waves.reduce((sum, wave) => sum + wave.servers.length, 0) <= MOST_SERVERS;
  const told = new Map(progress?.servers.map((one) => [`${one.waveNumber}-${one.sourceServerId}`, one]));
  const bars: Bar[] = [];
  for (const wave of execution.waves) {
    const segments = segmentsOf(wave, current, at);
    if (segments.length === 0) continue;
    bars.push({ key: `wave-${wave.waveNumber}`, label: `${wave.waveNumber} ${wave.name}`, status: wave.status, level: "wave", note: `${launchedOf(wave)} launched`, segments });
    const until = at(wave.endedAt) ?? current;
    const phases = (server: Server) => told.get(`${wave.waveNumber}-${server.sourceServerId}`);
    if (few) bars.push(...wave.servers.map((server) => serverBar(wave, server, phases(server), until, at)));
    else if (execution.waves.length <= MOST_WAVES || !wave.endedAt) bars.push(...phaseBars(wave, phases, until, at));
  }
  const last = Math.max(current, 1, ...bars.flatMap((bar) => bar.segments.map((one) => one.to)));
  const near = objective !== null && objective <= last * OBJECTIVE_IN_SIGHT;
  return { bars, span: near ? Math.max(last, objective * 1.02) : last, objective };
}

/** A wave's wait for an approval, and its attempts. */
function segmentsOf(wave: Wave, current: number, at: Seconds): Segment[] {
  const found: Segment[] = [];
  const asked = at(wave.approval?.askedAt);
  if (asked !== null) {
    const given = at(wave.approval?.at) ?? at(wave.startedAt) ?? at(wave.endedAt);
    found.push({ from: asked, to: Math.max(asked, given ?? current), kind: APPROVAL, open: given === null });
  }
  const attempts = wave.attempts?.length ? wave.attempts : [wave];
  attempts.forEach((attempt, position) => {
    const from = at(attempt.startedAt);
    if (from === null) return;
    const ended = at(attempt.endedAt);
    const status = position === attempts.length - 1 ? wave.status : attempt.status;
    found.push({ from, to: Math.max(from, ended ?? current), kind: status, open: ended === null });
  });
  return found;
}

function serverBar(wave: Wave, server: Server, progress: ServerProgress | undefined, until: number, at: Seconds): Bar {
  return {
    key: `${wave.waveNumber}-${server.sourceServerId}`,
    label: server.name ?? server.sourceServerId,
    status: server.launchStatus,
    level: "server",
    note: phaseWords(server, progress?.phase),
    segments: phaseSegments(progress?.phases ?? [], until, at),
  };
}

/** A phase from its start to its end, or else to where the next begins; one whose start nobody told is left out. */
function phaseSegments(phases: readonly PhaseTimes[], until: number, at: Seconds): Segment[] {
  return phases.flatMap((one, position) => {
    const from = at(one.startedAt);
    if (from === null) return [];
    const ended = at(one.endedAt);
    const next = phases.slice(position + 1).map((later) => at(later.startedAt)).find((start) => start !== null);
    return [{ from, to: Math.max(from, ended ?? next ?? until), kind: one.phase, open: ended === null }];
  });
}

/** Of many servers: when the first came to each phase and the last left it, and how many are in it. */
function phaseBars(wave: Wave, told: (server: Server) => ServerProgress | undefined, until: number, at: Seconds): Bar[] {
  const progress = wave.servers.map(told);
  return PHASES.flatMap((phase): Bar[] => {
    const found = progress.flatMap((one) => {
      const own = phaseSegments(one?.phases ?? [], until, at).filter((segment) => segment.kind === phase);
      return own.length ? [{ now: one?.phase === phase, own }] : [];
    });
    if (found.length === 0) return [];
    const all = found.flatMap((one) => one.own);
    const inIt = found.filter((one) => one.now).length;
    const [from, to] = [all.reduce((first, one) => Math.min(first, one.from), Infinity), all.reduce((last, one) => Math.max(last, one.to), 0)];
    return [
      {
        key: `${wave.waveNumber}-${phase}`,
        label: inWords(phase),
        status: phase,
        level: "phase",
        note: inIt ? `${inIt} of ${wave.servers.length} in it` : counted(found.length, "server"),
        segments: [{ from, to, kind: phase, open: inIt > 0 }],
      },
    ];
  });
}

export function phaseWords(server: Server, phase: string | null | undefined): string {
  if (server.launchStatus === "IN_PROGRESS" && phase) return inWords(phase);
  return inWords(server.launchStatus);
}

/** Marks of an axis: at most `most`, at times that people count in. */
export function ticks(span: number, most = 6): number[] {
  const steps = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400];
  const step = steps.find((one) => span / one <= most) ?? Math.ceil(span / most / 86400) * 86400;
  return Array.from({ length: Math.floor(span / step) + 1 }, (_, at) => at * step);
}
