// How old what is shown is. It is old when the API refuses or does not answer, and also when it answers too late: the age
// of an answer counts from its question, and in a tab that is seen it must not be more than the pause between two
// questions and two seconds.
import { useEffect, useReducer } from "react";
import { ApiError } from "./client";

/** An answer, as far as there is one, and what its age is judged by. */
export interface Read<T> {
  data: T | undefined;
  error: Error | null;
  isPending: boolean;
  isPlaceholderData: boolean;
  /** When this value was last told whole. */
  readonly at: number;
  /** When the last answer came, be it that nothing has changed. */
  readonly heardAt: number;
  /** When that was asked for. */
  readonly askedAt: number;
  /** Milliseconds between two questions. */
  each: number;
  refetch: () => void;
}

export interface Staleness {
  since: number;
  /** Null when the API answers, but late. */
  error: ApiError | null;
}

export const LATE = 2000;
const LOOK = 500;

let seenSince = 0;
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) seenSince = Date.now();
});

/** What is old of one answer, judged at a time; nothing of one that was never given. */
export function stalenessOf(read: Read<unknown>, now: number, seen = document.hidden ? now : seenSince): Staleness | null {
  if (read.data === undefined) return null;
  if (read.error) return { since: read.askedAt, error: read.error instanceof ApiError ? read.error : null };
  if (read.isPlaceholderData) return null; // it is shown as being read anew
  return now - Math.max(read.askedAt, seen) > read.each + LATE ? { since: read.askedAt, error: null } : null;
}

export function oldest(reads: readonly Read<unknown>[], now: number): Staleness | null {
  const found = reads.map((read) => stalenessOf(read, now)).filter((one) => one !== null);
  return found.sort((one, other) => Number(!one.error) - Number(!other.error) || one.since - other.since)[0] ?? null;
}

/** The same, told anew when an answer grows old by itself. */
export function useStaleness(reads: readonly Read<unknown>[]): Staleness | null {
  const [, draw] = useReducer((times: number) => times + 1, 0);
  const found = oldest(reads, Date.now());
  useEffect(() => {
    const timer = window.setInterval(() => {
      if (oldest(reads, Date.now())?.since !== found?.since) draw();
    }, LOOK);
    return () => window.clearInterval(timer);
  });
  return found;
}
