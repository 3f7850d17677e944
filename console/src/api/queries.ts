// What is read, how often, and how old it is. A hidden tab asks rarely; one query never asks twice at once (TanStack
// Query joins them); an answer older than the one shown is dropped by its version.
import { keepPreviousData, QueryClient, queryOptions, replaceEqualDeep, useQuery, type UseQueryResult } from "@tanstack/react-query";
import { isActive } from "../lib/actions";
import { api, ApiError, type ExecutionFilter } from "./client";
import type { Execution, StoredPlan } from "./model";

export const LIVE = 1000;
export const CALM = 1500;
const SLOW = 5000;
const HIDDEN = 30_000;

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

/** Keep the newer of two answers, and of equal parts the very same objects, so that only what changed is drawn anew. */
export function newer<T extends { version: number }>(shown: unknown, answer: unknown): unknown {
  const [before, after] = [shown as T | undefined, answer as T];
  if (before && after.version < before.version) return before;
  return replaceEqualDeep(before, after);
}

export const useSession = () =>
  useQuery({ queryKey: ["session"], queryFn: ({ signal }) => api.session(signal), refetchInterval: every(SLOW) });

export const usePlans = () =>
  useQuery({ queryKey: ["plans"], queryFn: ({ signal }) => api.plans(signal), refetchInterval: every(CALM) });

export const usePlan = (planId: string, beside = false) =>
  useQuery({
    queryKey: ["plan", planId],
    queryFn: ({ signal }) => api.plan(planId, signal),
    refetchInterval: every(beside ? SLOW : CALM),
    structuralSharing: newer<StoredPlan>,
  });

export const useExecutions = (filter: ExecutionFilter, limit = 50, enabled = true) =>
  useQuery({
    queryKey: ["executions", filter, limit],
    queryFn: ({ signal }) => api.executions(filter, limit, undefined, signal),
    refetchInterval: every(CALM),
    placeholderData: keepPreviousData,
    enabled,
  });

export const useExecution = (executionId: string) =>
  useQuery({
    queryKey: ["execution", executionId],
    queryFn: ({ signal }) => api.execution(executionId, signal),
    refetchInterval: (query) => pause(query.state.data && !isActive(query.state.data) ? CALM : LIVE),
    structuralSharing: newer<Execution>,
  });

export const useProgress = (executionId: string, enabled: boolean) =>
  useQuery({
    queryKey: ["progress", executionId],
    queryFn: ({ signal }) => api.progress(executionId, signal),
    refetchInterval: every(SLOW),
    enabled,
  });

export const useTrail = (executionId: string) =>
  useQuery({
    queryKey: ["trail", executionId],
    queryFn: ({ signal }) => api.events(executionId, signal),
    refetchInterval: every(CALM),
  });

export const useChain = (executionId: string, length: number) =>
  useQuery({
    queryKey: ["chain", executionId, length],
    queryFn: ({ signal }) => api.chain(executionId, signal),
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

export const useCommand = (commandId: string) => useQuery(commandQuery(commandId, LIVE, SLOW));

export const useResults = (commandId: string, running: boolean) =>
  useQuery({
    queryKey: ["results", commandId, running],
    queryFn: ({ signal }) => api.results(commandId, signal),
    refetchInterval: running ? every(LIVE) : false,
    placeholderData: keepPreviousData,
  });

export const useHealth = () =>
  useQuery({ queryKey: ["health"], queryFn: ({ signal }) => api.health(signal), refetchInterval: every(SLOW) });

export const useErrors = (filter: { severity?: string; category?: string; hours?: number }) =>
  useQuery({
    queryKey: ["errors", filter],
    queryFn: ({ signal }) => api.errors(filter, signal),
    refetchInterval: every(SLOW),
    placeholderData: keepPreviousData,
  });

export const useErrorSummary = (hours: number) =>
  useQuery({
    queryKey: ["errors", "summary", hours],
    queryFn: ({ signal }) => api.errorSummary(hours, signal),
    refetchInterval: every(SLOW),
    placeholderData: keepPreviousData,
  });

/** What is wrong with a reading that is shown all the same: it is old, since the API did not answer. */
export function staleness(query: UseQueryResult<unknown>): { since: number; error: ApiError } | null {
  const error = query.error;
  if (!(error instanceof ApiError) || query.data === undefined) return null;
  return { since: query.dataUpdatedAt, error };
}
