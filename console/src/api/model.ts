// The API's shapes. All come from docs/openapi.json; `Foreseen` holds optional fields that the contract names and an
// older API leaves out. What is absent is not shown.
import type { components } from "./schema";

type Schemas = components["schemas"];

export type Action = "cancel" | "pause" | "resume" | "terminate" | "lease" | "verdict";
export type WaveAction = "approve" | "reject" | "retry" | "skip";

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
  commands?: Schemas["Execution"]["waves"][number]["commands"];
  approval?: { askedAt: string | null; by: string | null; at: string | null; reason: string | null } | null;
  attempts?: { attempt: number; startedAt: string | null; endedAt: string | null; status: string; error: string | null }[];
}

export type Server = Schemas["Execution"]["waves"][number]["servers"][number] & { name?: string | null };
export type Wave = Omit<Schemas["Execution"]["waves"][number], "servers" | "commands"> &
  ForeseenWave & { servers: Server[] };
export type ExecutionSummary = Schemas["ExecutionSummary"] & ForeseenExecution;
export type Execution = Omit<Schemas["Execution"], "waves"> & ForeseenExecution & { waves: Wave[] };
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
export type StoredPlan = Omit<Schemas["StoredPlan"], "plan"> & {
  plan: PlanDocument;
  readiness?: StoredReadiness | null;
  schedule?: { state: string; error: string | null; nextAt?: string | null } | null;
};

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
