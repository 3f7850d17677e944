// What the newest executions tell of each plan.
import type { ExecutionSummary } from "../api/model";
import { isActive } from "./actions";

export interface PlanRuns {
  busy: ExecutionSummary | null;
  lastDrill: ExecutionSummary | null;
  /** Seconds that the last completed drills took, newest first. */
  rtos: number[];
}

const DRILLS = 3;

export function runsByPlan(newestFirst: readonly ExecutionSummary[]): Map<string, PlanRuns> {
  const plans = new Map<string, PlanRuns>();
  for (const execution of newestFirst) {
    const runs = plans.get(execution.planId) ?? { busy: null, lastDrill: null, rtos: [] };
    plans.set(execution.planId, runs);
    if (isActive(execution)) runs.busy ??= execution;
    else if (execution.mode === "DRILL") runs.lastDrill ??= execution;
    const complete = execution.mode === "DRILL" && execution.status === "COMPLETED" && execution.durationSeconds !== null;
    if (complete && runs.rtos.length < DRILLS) runs.rtos.push(execution.durationSeconds!);
  }
  return plans;
}
