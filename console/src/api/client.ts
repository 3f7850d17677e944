// The one place that talks to the server of this page. Answers become values, everything else an ApiError.
import type {
  Chain,
  CommandResult,
  CommandRun,
  ErrorSummary,
  Execution,
  ExecutionSummary,
  Fault,
  Health,
  Page,
  PlanDocument,
  Problem,
  Progress,
  Readiness,
  RecordedError,
  Session,
  StoredPlan,
  TrailEvent,
} from "./model";

export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  readonly problem: Problem;

  constructor(status: number, problem: Problem) {
    super(problem.detail ?? problem.title ?? `HTTP ${status}`);
    this.name = "ApiError";
    this.status = status;
    this.code = problem.code ?? "";
    this.problem = problem;
  }

  /** Whether nothing is known of what the API thinks: what is shown may be old. */
  get away(): boolean {
    return this.status === 0 || this.status >= 500 || this.status === 429;
  }
}

interface Options {
  body?: unknown;
  query?: Record<string, string | number | undefined>;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

/** Only what was asked with a tag is answered so. */
const UNCHANGED = 304;

async function answer(method: string, path: string, options: Options = {}): Promise<Response> {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(options.query ?? {})) {
    if (value !== undefined && value !== "") query.set(name, String(value));
  }
  const headers: Record<string, string> = { accept: "application/json", ...options.headers };
  if (options.body !== undefined) headers["content-type"] = "application/json";
  let response: Response;
  try {
    response = await fetch(path + (query.size > 0 ? `?${query}` : ""), {
      method,
      headers,
      body: options.body === undefined ? null : JSON.stringify(options.body),
      signal: options.signal ?? null,
      credentials: "same-origin",
      cache: "no-store",
    });
  } catch (error) {
    if (options.signal?.aborted) throw error;
    throw new ApiError(0, {
      code: "CONSOLE_ENDED",
      title: "No connection",
      detail: "The server of this page does not answer: has `wavebreak console` ended?",
    });
  }
  if (!response.ok && response.status !== UNCHANGED) throw new ApiError(response.status, await problemOf(response));
  return response;
}

async function problemOf(response: Response): Promise<Problem> {
  const text = await response.text();
  try {
    const document: unknown = JSON.parse(text);
    if (document && typeof document === "object") {
      const told = document as Problem & { message?: string };
      return told.detail === undefined && told.message ? { ...told, detail: told.message } : told;
    }
  } catch {
    // no JSON: the text is all there is to tell
  }
  return { title: response.statusText, detail: text.slice(0, 1000) || `HTTP ${response.status}` };
}

async function json<T>(method: string, path: string, options: Options = {}): Promise<T> {
  const response = await answer(method, path, options);
  const text = await response.text();
  return (text ? JSON.parse(text) : {}) as T;
}

/** The tag of each path's last answer, by which the API knows whether it is unchanged. */
const tags = new Map<string, string>();

/** Read what is shown already: the very same value when the API says that it is unchanged, and sends nothing. */
async function unlessUnchanged<T>(path: string, shown: T | undefined, signal?: AbortSignal): Promise<T> {
  const tag = shown === undefined ? undefined : tags.get(path);
  const response = await answer("GET", path, { signal, ...(tag ? { headers: { "if-none-match": tag } } : {}) });
  if (response.status === UNCHANGED && shown !== undefined) return shown;
  const value = (await response.json()) as T;
  const next = response.headers.get("etag");
  if (next) tags.set(path, next);
  else tags.delete(path);
  return value;
}

const id = encodeURIComponent;

/** A health answer is one with 503 too: then a critical circuit is open. */
async function health(signal?: AbortSignal): Promise<Health> {
  try {
    return await json<Health>("GET", "/api/health", { signal });
  } catch (error) {
    if (error instanceof ApiError && "circuit_breakers" in error.problem) return error.problem as unknown as Health;
    throw error;
  }
}

async function all<T>(path: string, query: Record<string, string | number | undefined>, signal?: AbortSignal) {
  const found: T[] = [];
  let nextToken: string | undefined;
  do {
    const page: Page<T> = await json("GET", path, { query: { limit: 1000, ...query, nextToken }, signal });
    found.push(...page.items);
    nextToken = page.nextToken ?? undefined;
  } while (nextToken);
  return found;
}

export interface ExecutionFilter {
  planId?: string;
  status?: string;
  mode?: string;
  active?: "true";
}

export interface Start {
  planId: string;
  reason?: string;
  preempt?: boolean;
}

export interface Forwarded {
  command: string;
  args: string[];
  executionId?: string;
  targets?: string[];
  timeoutSeconds?: number;
  limit?: number;
}

const newKey = () => ({ "idempotency-key": crypto.randomUUID() });

export const api = {
  session: (signal?: AbortSignal) => json<Session>("GET", "/local/session", { signal }),
  health,

  plans: (signal?: AbortSignal) => all<StoredPlan>("/api/plans", {}, signal),
  plan: (planId: string, signal?: AbortSignal) => json<StoredPlan>("GET", `/api/plans/${id(planId)}`, { signal }),
  putPlan: (plan: PlanDocument, planId: string, version: number | null) =>
    json<StoredPlan>("PUT", `/api/plans/${id(planId)}`, {
      body: plan,
      headers: { "if-match": `"${version ?? 0}"` },
    }),
  deletePlan: (planId: string) => json<object>("DELETE", `/api/plans/${id(planId)}`),
  validatePlan: (planId: string) => json<Readiness>("POST", `/api/plans/${id(planId)}/validate`, { body: {} }),
  planText: (plan: unknown) => json<{ text: string }>("POST", "/local/plan-text", { body: { plan } }),
  planFaults: (text: string, planId: string | null, faults: Fault[] = [], signal?: AbortSignal) =>
    json<{ document: PlanDocument | null; faults: Fault[] }>("POST", "/local/plan-faults", {
      body: { text, planId, faults },
      signal,
    }),

  start: (mode: "DRILL" | "RECOVERY", start: Start) =>
    json<Execution>("POST", mode === "DRILL" ? "/api/drills" : "/api/recoveries", { body: start, headers: newKey() }),
  executions: (filter: ExecutionFilter, limit: number, nextToken?: string, signal?: AbortSignal) =>
    json<Page<ExecutionSummary>>("GET", "/api/executions", { query: { ...filter, limit, nextToken }, signal }),
  execution: (executionId: string, shown?: Execution, signal?: AbortSignal) =>
    unlessUnchanged(`/api/executions/${id(executionId)}`, shown, signal),
  progress: (executionId: string, signal?: AbortSignal) =>
    json<Progress>("GET", `/api/executions/${id(executionId)}/progress`, { signal }),
  events: (executionId: string, signal?: AbortSignal) =>
    all<TrailEvent>(`/api/executions/${id(executionId)}/events`, {}, signal),
  chain: (executionId: string, signal?: AbortSignal) =>
    json<Chain>("GET", `/local/executions/${id(executionId)}/chain`, { signal }),
  reportAddress: (executionId: string) => `/api/executions/${id(executionId)}/report?format=html`,
  operate: (executionId: string, action: string, body: object) =>
    json<Execution>(action === "verdict" ? "PUT" : "POST", `/api/executions/${id(executionId)}/${action}`, {
      body,
      ...(action === "cancel" || action === "terminate" ? { headers: newKey() } : {}),
    }),
  operateWave: (executionId: string, wave: number, action: string, body: object) =>
    json<Execution>("POST", `/api/executions/${id(executionId)}/waves/${wave}/${action}`, { body }),

  forward: (asked: Forwarded) => json<CommandRun>("POST", "/api/commands", { body: asked, headers: newKey() }),
  command: (commandId: string, signal?: AbortSignal) =>
    json<CommandRun>("GET", `/api/commands/${id(commandId)}`, { signal }),
  results: (commandId: string, signal?: AbortSignal) =>
    all<CommandResult>(`/api/commands/${id(commandId)}/results`, {}, signal),
  lines: (commandId: string, nextToken?: string, signal?: AbortSignal) =>
    json<Page<{ target: string; at: string; line: string }>>("GET", `/api/commands/${id(commandId)}/lines`, {
      query: { limit: 1000, nextToken },
      signal,
    }),
  cancelCommand: (commandId: string) =>
    json<CommandRun>("POST", `/api/commands/${id(commandId)}/cancel`, { body: {}, headers: newKey() }),

  errors: (filter: { severity?: string; category?: string; hours?: number }, signal?: AbortSignal) =>
    json<Page<RecordedError>>("GET", "/api/errors", { query: { ...filter, limit: 200 }, signal }),
  errorSummary: (hours: number, signal?: AbortSignal) =>
    json<ErrorSummary>("GET", "/api/errors/summary", { query: { hours }, signal }),
};
