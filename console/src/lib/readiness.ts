// What is known of a plan's readiness: what the scheduled checks found last, or what was validated here, whichever is newer.
import type { Readiness, StoredPlan } from "../api/model";

export interface KnownReadiness {
  at: string;
  ready: boolean;
  /** Of the scheduled checks only those that failed are stored. */
  checks: Readiness["checks"];
  scheduled: boolean;
}

export interface Validated {
  planId: string;
  version: number;
  at: string;
  found: Readiness;
}

/** The newest readiness of this version of a plan; null where there is none. */
export function readinessOf(stored: StoredPlan, validated: Validated | null | undefined): KnownReadiness | null {
  const { readiness } = stored;
  const own = validated && validated.planId === stored.plan.planId && validated.version === stored.version ? validated : null;
  if (own && (!readiness || own.at >= readiness.checkedAt)) return { at: own.at, ready: own.found.ready, checks: own.found.checks, scheduled: false };
  if (!readiness) return null;
  const checks = (readiness.failing ?? []).map((one) => ({ ...one, status: "FAIL" as const }));
  return { at: readiness.checkedAt, ready: readiness.ready, checks, scheduled: true };
}
