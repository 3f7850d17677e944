// The API's shapes. All come from docs/openapi.json; `Foreseen…` are fields that the contract names and an API of today
// may leave out: once the description has them, its own types hold. What is absent is not shown.
import type { components } from "./schema";

type Schemas = components["schemas"];

export type Action = "cancel" | "pause" | "resume" | "terminate" | "lease" | "verdict";
export type WaveAction = "approve" | "reject" | "retry" | "skip";

/** `T` as the API describes it, and of `Foreseen` what it does not have yet. */
type With<T, Foreseen> = T & Omit<Foreseen, keyof T>;

interface WaveCommand {
  phase: string;
  command: string;
  required: boolean;
  status: string;
  commandId: string | null;
  error: string | null;
}

export interface Step {
  kind?: string;
  name: string;
  required: boolean;
  phase: string;
  status: string;
  error: string | null;
  startedAt?: string | null;
  endedAt?: string | null;
  output?: string | null;
  commandId?: string | null;
}

export interface Lease {
  minutes: number;
  expiresAt: string | null;
  extendedBy?: string | null;
  extendedAt?: string | null;
}

interface ForeseenExecution {
  actions?: string[];
  lease?: Lease | null;
  lastSeenAt?: string | null;
}

interface ForeseenWave {
  actions?: string[];
  steps?: Step[];
  commands?: WaveCommand[];
  approval?: { askedAt: string | null; by: string | null; at: string | null; reason: string | null } | null;
  attempts?: { attempt: number; startedAt: string | null; endedAt: string | null; status: string; error: string | null }[];
}

type ApiWave = Schemas["Execution"]["waves"][number];
export type Server = With<ApiWave["servers"][number], { name?: string | null }>;
export type Wave = With<Omit<ApiWave, "servers" | "commands">, ForeseenWave> & { servers: Server[] };
export type ExecutionSummary = With<Schemas["ExecutionSummary"], ForeseenExecution>;
export type Execution = With<Omit<Schemas["Execution"], "waves">, ForeseenExecution> & { waves: Wave[] };
export type Progress = Schemas["Progress"];
export type TrailEvent = Schemas["Event"];
export type CommandRun = Schemas["CommandRun"];
export type CommandResult = Schemas["CommandResult"];
export type RecordedError = Schemas["Error"];
export type ErrorSummary = Schemas["ErrorSummary"];
export type Health = Schemas["Health"];
export type Readiness = Schemas["Readiness"];
export type PlanDocument = Schemas["PlanDocument"];
export type PlanWave = PlanDocument["waves"][number];
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
    schedule?: { state: string; error: string | null } | null;
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
