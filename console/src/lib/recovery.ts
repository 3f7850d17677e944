// The recovery time of an execution and its objective, by the API's own measure (factor `recovery_time`, contract 7).
import type { Execution, Wave } from "../api/model";
import { isEnded } from "./actions";
import { duration } from "./time";

interface Measured {
  objectiveSeconds?: number | null;
  achievedSeconds?: number | null;
  met?: boolean | null;
}

export interface Rto {
  objective: number;
  /** Seconds by now, or those that it took. */
  seconds: number;
  /** Null while it runs and may still meet it. */
  met: boolean | null;
  words: string;
}

/** The API's time now: its own duration at its answer, and what has passed since here. No clock of this machine is asked. */
export function apiNow(execution: Execution, at: number, now: number): number {
  if (isEnded(execution) || execution.durationSeconds === null) return now;
  return new Date(execution.startedAt).getTime() + execution.durationSeconds * 1000 + (now - at);
}

/** Seconds that an execution has lasted by then, or lasted. */
export function lasted(execution: Execution, now: number): number | null {
  if (isEnded(execution) || execution.durationSeconds === null) return execution.durationSeconds;
  return Math.max(execution.durationSeconds, Math.floor((now - new Date(execution.startedAt).getTime()) / 1000));
}

/** Seconds that a wave has lasted by then, or lasted; one that runs is counted on from what the API told. */
export function waveLasted({ status, startedAt, durationSeconds }: Wave, now: number): number | null {
  if (status !== "IN_PROGRESS" || startedAt === null || durationSeconds === null) return durationSeconds;
  return Math.max(durationSeconds, Math.floor((now - new Date(startedAt).getTime()) / 1000));
}

/** How an execution stands to its objective; null where the API does not know one. */
export function rtoOf(execution: Execution, now: number): Rto | null {
  const measured = (execution.factors as { recovery_time?: Measured }).recovery_time ?? {};
  const objective = measured.objectiveSeconds;
  const ended = isEnded(execution);
  const seconds = (ended ? measured.achievedSeconds : null) ?? lasted(execution, now);
  if (objective == null || seconds === null) return null;
  const left = objective - seconds;
  if (!ended) {
    const words = left >= 0 ? `${duration(left)} left of ${duration(objective)}` : `passed ${duration(-left)} ago, ${duration(objective)} were the objective`;
    return { objective, seconds, met: left >= 0 ? null : false, words };
  }
  const took = measured.achievedSeconds == null ? "" : `: took ${duration(measured.achievedSeconds)}`;
  const met = measured.met ?? null;
  return { objective, seconds, met, words: `${met === null ? "not known" : met ? "met" : "missed"}${took} of ${duration(objective)}` };
}
