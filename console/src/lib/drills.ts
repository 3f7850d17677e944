// What executions tell of each plan: what it is busy with, its last drill, how long its last drills took.
import type { ExecutionSummary } from "../api/model";
import { isActive } from "./actions";

export interface PlanRuns {
  lastDrill: ExecutionSummary | null;
  /** Seconds that the last completed drills took, newest first. */
  rtos: number[];
}

const DRILLS = 3;

/** The last drills of each plan among executions. */
export function drillsByPlan(newestFirst: readonly ExecutionSummary[]): Map<string, PlanRuns> {
  const plans = new Map<string, PlanRuns>();
  for (const execution of newestFirst) {
    if (execution.mode !== "DRILL" || isActive(execution)) continue;
    const runs = plans.get(execution.planId) ?? { lastDrill: null, rtos: [] };
    plans.set(execution.planId, runs);
    runs.lastDrill ??= execution;
    const complete = execution.status === "COMPLETED" && execution.durationSeconds !== null;
    if (complete && runs.rtos.length < DRILLS) runs.rtos.push(execution.durationSeconds!);
  }
  return plans;
}

/** What holds each plan: a recovery before a drill, of which it may have cancelled one. */
export function busyByPlan(executions: readonly ExecutionSummary[]): Map<string, ExecutionSummary> {
  const plans = new Map<string, ExecutionSummary>();
  for (const execution of executions) {
    if (!isActive(execution)) continue;
    const known = plans.get(execution.planId);
    if (!known || (known.mode === "DRILL" && execution.mode === "RECOVERY")) plans.set(execution.planId, execution);
  }
  return plans;
}

/** Why a start would be refused by what the plan is busy with: a recovery takes the place of drills, not of another recovery. */
export function startRefusal(mode: "DRILL" | "RECOVERY", busy: ExecutionSummary | null | undefined): string | null {
  if (!busy || (mode === "RECOVERY" && busy.mode === "DRILL")) return null;
  return `The plan is busy with ${busy.executionId}`;
}
