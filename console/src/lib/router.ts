// Where in the page we are: the browser's own address, so that a reload keeps the place.
import { useEffect, useMemo, useSyncExternalStore } from "react";

const listeners = new Set<() => void>();
const tell = () => listeners.forEach((listener) => listener());

function subscribe(listener: () => void): () => void {
  if (listeners.size === 0) window.addEventListener("popstate", tell);
  listeners.add(listener);
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0) window.removeEventListener("popstate", tell);
  };
}

const address = () => window.location.pathname + window.location.search;

/** What is asked before this page is left for another; null where nothing would be lost from sight. */
let leaving: string | null = null;

export function stay(question: string | null): void {
  leaving = question;
}

/** Ask before the page is left, by its own links or by the browser, while there is a question. */
export function useLeaving(question: string | null): void {
  useEffect(() => {
    stay(question);
    if (question === null) return undefined;
    const warn = (event: BeforeUnloadEvent) => event.preventDefault();
    window.addEventListener("beforeunload", warn);
    return () => {
      window.removeEventListener("beforeunload", warn);
      stay(null);
    };
  }, [question]);
}

export function go(path: string, replace = false): void {
  if (path === address()) return;
  const other = path.split("?")[0] !== window.location.pathname;
  if (other && leaving !== null && !window.confirm(leaving)) return;
  if (replace) window.history.replaceState(null, "", path);
  else {
    window.history.pushState(null, "", path);
    window.scrollTo(0, 0);
  }
  tell();
}

export interface Place {
  segments: string[];
  query: URLSearchParams;
}

export function placeOf(path: string): Place {
  const [pathname = "", search = ""] = path.split("?");
  const segments = pathname.split("/").filter(Boolean).map(decoded);
  return { segments, query: new URLSearchParams(search) };
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

export function usePlace(): Place {
  const path = useSyncExternalStore(subscribe, address);
  return useMemo(() => placeOf(path), [path]);
}

/** A value of the address's query: filters, tabs and pages of tables are kept there. */
export function useQueryValue(name: string, otherwise = ""): [string, (value: string) => void] {
  const { query } = usePlace();
  const change = (value: string) => {
    const next = new URLSearchParams(window.location.search);
    if (value && value !== otherwise) next.set(name, value);
    else next.delete(name);
    go(window.location.pathname + (next.size > 0 ? `?${next}` : ""), true);
  };
  return [query.get(name) ?? otherwise, change];
}

export const paths = {
  plans: () => "/plans",
  plan: (planId: string, tab = "") => `/plans/${encodeURIComponent(planId)}${tab ? `?tab=${tab}` : ""}`,
  newPlan: () => "/plans?new=1",
  executions: (planId = "") => `/executions${planId ? `?planId=${encodeURIComponent(planId)}` : ""}`,
  execution: (executionId: string, tab = "") =>
    `/executions/${encodeURIComponent(executionId)}${tab ? `?tab=${tab}` : ""}`,
  commands: (executionId = "") => `/commands${executionId ? `?executionId=${encodeURIComponent(executionId)}` : ""}`,
  command: (commandId: string) => `/commands/${encodeURIComponent(commandId)}`,
  operations: () => "/operations",
};
