// The API's shapes. All come from docs/openapi.json; `Foreseen…` are fields that the contract names and an API of today
// leaves out: once the description has them, its own types hold. What is absent is not shown.
import type { components } from "./schema";

type Schemas = components["schemas"];

/** `T` as the API describes it, and of `Foreseen` what it does not have yet. */
type With<T, Foreseen> = T & Omit<Foreseen, keyof T>;

/** An API from before `actions` leaves them out: then the page goes by the contract's table. */
interface ForeseenExecution {
  actions?: string[];
}

interface ForeseenWave {
  actions?: string[];
  attempts?: ApiWave["attempts"];
}

type ApiWave = Schemas["Execution"]["waves"][number];
export type Server = ApiWave["servers"][number];
export type Wave = With<Omit<ApiWave, "actions" | "attempts">, ForeseenWave>;
export type ExecutionSummary = Schemas["ExecutionSummary"];
export type Execution = With<Omit<Schemas["Execution"], "waves" | "actions">, ForeseenExecution> & { waves: Wave[] };
type ApiPhases = Schemas["Progress"]["servers"][number];
export type PhaseTimes = ApiPhases["phases"][number];
/** An API of before `phases` tells the present one alone. */
export type ServerProgress = Omit<ApiPhases, "phases"> & { phases?: PhaseTimes[] };
export type Progress = Omit<Schemas["Progress"], "servers"> & { servers: ServerProgress[] };
export type TrailEvent = Schemas["Event"];
export type CommandRun = Schemas["CommandRun"];
export type CommandResult = Schemas["CommandResult"];
export type RecordedError = Schemas["Error"];
export type ErrorSummary = Schemas["ErrorSummary"];
export type Health = Schemas["Health"];
export type Readiness = Schemas["Readiness"];
export type PlanDocument = Schemas["PlanDocument"];
export type Problem = Omit<Partial<Schemas["Problem"]>, "code"> & { code?: string };
export type CommandName = Schemas["CommandName"];

interface StoredReadiness {
  checkedAt: string;
  ready: boolean;
  failing?: { check: string; subject: string; message: string }[];
  planVersion?: number;
}
export type StoredPlan = With<
  Omit<Schemas["StoredPlan"], "plan">,
  {
    readiness?: StoredReadiness | null;
  }
> & { plan: PlanDocument };

export interface Page<T> {
  items: T[];
  nextToken: string | null;
}

export interface Session {
  apiUrl: string;
  region: string;
  credentials: { expiresAt: string | null; problem: string | null };
}

export interface Fault {
  pointer: string;
  message: string;
  line?: number;
}

export interface Chain {
  intact: boolean;
  events: number;
  brokenAt: number | null;
  reason: string | null;
}
