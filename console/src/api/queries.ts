// What is read, how often, and how old it is. A hidden tab asks rarely; one query never asks twice at once (TanStack
// Query joins them); an answer older than the one shown is dropped by its version.
import { hashKey, keepPreviousData, QueryClient, queryOptions, replaceEqualDeep, useQuery, useQueryClient, type QueryKey, type UseQueryOptions } from "@tanstack/react-query";
import type { Read } from "./staleness";
import { isActive } from "../lib/actions";
import { api, type ExecutionFilter } from "./client";
import type { Execution, StoredPlan } from "./model";

export const LIVE = 1000;
export const CALM = 1500;
const SLOW = 5000;
const HIDDEN = 30_000;
const RARE = 30_000;
/** Servers of an execution whose phases are asked for less often: an answer about 4,000 has a megabyte. */
const MANY_SERVERS = 500;

/** How long to wait before asking again: as long as said, or longer in a tab that nobody sees. */
const pause = (milliseconds: number) => (document.hidden ? HIDDEN : milliseconds);
const every = (milliseconds: number) => () => pause(milliseconds);

/** Wait before asking again; whoever comes back to the tab ends the wait. */
export function paused(milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      window.clearTimeout(timer);
      document.removeEventListener("visibilitychange", end);
      resolve();
    };
    const timer = window.setTimeout(end, pause(milliseconds));
    document.addEventListener("visibilitychange", end);
  });
}

export function makeClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        retry: false, // the next poll is the retry
        refetchOnWindowFocus: true,
        refetchIntervalInBackground: true,
        staleTime: 500,
        gcTime: 60_000,
        networkMode: "always",
      },
      mutations: { retry: false, networkMode: "always" },
    },
  });
}

/** Whether an answer was overtaken by the one that is shown; lists have no version. */
function isOlder(shown: unknown, answer: unknown): boolean {
  const [before, after] = [shown, answer] as ({ version?: number } | null | undefined)[];
  return (after?.version ?? 0) < (before?.version ?? 0);
}

/** Keep the newer of two answers, and of equal parts the very same objects, so that only what changed is drawn anew. */
export function newer<T extends { version: number }>(shown: unknown, answer: unknown): unknown {
  return isOlder(shown, answer) ? shown : replaceEqualDeep(shown as T | undefined, answer as T);
}

/** When each answer that is shown was asked for, by the hash of its key: an answer is as old as its question. */
const askedAt = new Map<string, number>();

/** When each value that is shown was last told whole; that nothing has changed tells no duration anew. */
const toldAt = new WeakMap<object, number>();

/** Share what is equal, and note when it was told. */
function noted(share: (shown: unknown, answer: unknown) => unknown) {
  return (shown: unknown, answer: unknown): unknown => {
    const kept = share(shown, answer);
    const told = answer !== shown && !(kept === shown && isOlder(shown, answer));
    if (told && typeof kept === "object" && kept !== null) toldAt.set(kept, Date.now());
    return kept;
  };
}

interface Options<T> extends Pick<UseQueryOptions<T, Error>, "placeholderData" | "enabled" | "refetchInterval"> {
  key: QueryKey;
  /** `shown` is what is shown already, if anything. */
  ask: (signal: AbortSignal, shown: T | undefined) => Promise<T>;
  /** What to keep of the value that is shown and a new one. */
  share?: (shown: unknown, answer: unknown) => unknown;
  /** Milliseconds between two questions in a tab that is seen; unless `refetchInterval` says otherwise, that is also done. */
  each: number;
}

/**
 * Ask again and again; what is told besides the answer is what its age is judged by. The times are looked up when they
 * are read, so that an answer that changes nothing draws nothing anew.
 */
function useRead<T>({ key, ask, each, refetchInterval, share = replaceEqualDeep, ...options }: Options<T>): Read<T> {
  const hash = hashKey(key);
  const client = useQueryClient();
  const { data, error, isPending, isPlaceholderData, refetch } = useQuery<T, Error>({
    ...options,
    structuralSharing: noted(share),
    queryKey: key,
    queryFn: async ({ signal }) => {
      const at = Date.now();
      const answer = await ask(signal, client.getQueryData<T>(key));
      askedAt.set(hash, at);
      return answer;
    },
    refetchInterval: refetchInterval ?? every(each),
  });
  const heardAt = () => client.getQueryState(key)?.dataUpdatedAt ?? 0;
  return {
    data,
    error,
    isPending,
    isPlaceholderData,
    get at() {
      return (data instanceof Object ? toldAt.get(data) : undefined) ?? heardAt();
    },
    get heardAt() {
      return heardAt();
    },
    get askedAt() {
      return askedAt.get(hash) ?? heardAt();
    },
    each,
    refetch: () => void refetch(),
  };
}

export const useSession = () => useRead({ key: ["session"], ask: api.session, each: SLOW });

export const usePlans = () => useRead({ key: ["plans"], ask: api.plans, each: CALM });

export const usePlan = (planId: string) =>
  useRead({ key: ["plan", planId], ask: (signal) => api.plan(planId, signal), each: CALM, share: newer<StoredPlan> });

export const useExecutions = (filter: ExecutionFilter, limit = 50, enabled = true) =>
  useRead({
    key: ["executions", filter, limit],
    ask: (signal) => api.executions(filter, limit, undefined, signal),
    each: CALM,
    placeholderData: keepPreviousData,
    enabled,
  });

/** The newest drills of one plan, for which a look now and then is enough. */
export const drillsQuery = (planId: string) =>
  queryOptions({
    queryKey: ["drills", planId],
    queryFn: ({ signal }) => api.executions({ planId, mode: "DRILL" }, 10, undefined, signal),
    refetchInterval: every(RARE),
  });

export const useExecution = (executionId: string) =>
  useRead<Execution>({
    key: ["execution", executionId],
    ask: (signal, shown) => api.execution(executionId, shown, signal),
    each: CALM,
    refetchInterval: (query) => pause(query.state.data && !isActive(query.state.data) ? CALM : LIVE),
    share: newer<Execution>,
  });

/** The phases of servers; of an execution that has ended they change no more, but for a log that is kept a little later. */
export const useProgress = (executionId: string, running: boolean, servers: number) =>
  useRead({
    key: ["progress", executionId],
    ask: (signal) => api.progress(executionId, signal),
    each: running ? (servers > MANY_SERVERS ? SLOW : CALM) : RARE,
  });

export const useTrail = (executionId: string, enabled = true) =>
  useRead({ key: ["trail", executionId], ask: (signal) => api.events(executionId, signal), each: CALM, enabled });

export const useChain = (executionId: string, length: number) =>
  useRead({
    key: ["chain", executionId, length],
    ask: (signal) => api.chain(executionId, signal),
    each: Infinity,
    refetchInterval: false,
    enabled: length > 0,
  });

/** A run of a command, asked for as often as said while it runs and once it has ended. */
export const commandQuery = (commandId: string, running: number, ended: number | false) =>
  queryOptions({
    queryKey: ["command", commandId],
    queryFn: ({ signal }) => api.command(commandId, signal),
    refetchInterval: (query) => {
      const wanted = query.state.data?.exitCode == null ? running : ended;
      return wanted === false ? false : pause(wanted);
    },
  });

export const useCommand = (commandId: string) =>
  useRead({
    key: ["command", commandId],
    ask: (signal) => api.command(commandId, signal),
    each: SLOW,
    refetchInterval: (query) => pause(query.state.data?.exitCode == null ? LIVE : SLOW),
  });

export const useResults = (commandId: string, running: boolean) =>
  useRead({
    key: ["results", commandId, running],
    ask: (signal) => api.results(commandId, signal),
    each: running ? LIVE : Infinity,
    ...(running ? {} : { refetchInterval: false as const }),
    placeholderData: keepPreviousData,
  });

export const useHealth = () => useRead({ key: ["health"], ask: api.health, each: CALM });

export const useErrors = (filter: { severity?: string; category?: string; hours?: number }) =>
  useRead({ key: ["errors", filter], ask: (signal) => api.errors(filter, signal), each: CALM, placeholderData: keepPreviousData });

export const useErrorSummary = (hours: number) =>
  useRead({ key: ["errors", "summary", hours], ask: (signal) => api.errorSummary(hours, signal), each: CALM, placeholderData: keepPreviousData });
