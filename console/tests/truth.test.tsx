// Nothing is shown that nobody told: what is old, unread, or of another version says so.
import { QueryClientProvider } from "@tanstack/react-query";
import { render, screen, waitFor } from "@testing-library/react";
import { Profiler } from "react";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { ApiError } from "../src/api/client";
import type { Execution, Readiness, StoredPlan, Wave } from "../src/api/model";
import { makeClient } from "../src/api/queries";
import { LATE, oldest, stalenessOf, type Read } from "../src/api/staleness";
import { RtoBar } from "../src/components/RtoBar";
import { keepDraft, keptDraft } from "../src/lib/drafts";
import { readinessOf } from "../src/lib/readiness";
import { rememberCommand } from "../src/lib/recent";
import { apiNow, lasted, rtoOf, waveLasted } from "../src/lib/recovery";
import { Commands } from "../src/pages/Commands";
import { Execution as ExecutionPage } from "../src/pages/Execution";
import { Plans } from "../src/pages/Plans";
import { execution } from "./samples";

const API = "https://api.example/v1";

afterEach(() => {
  vi.unstubAllGlobals();
  window.localStorage.clear();
  window.sessionStorage.clear();
});

function read(more: Partial<Read<unknown>>): Read<unknown> {
  return { data: {}, error: null, isPending: false, isPlaceholderData: false, at: 1000, heardAt: 1000, askedAt: 1000, each: 1500, refetch: () => undefined, ...more };
}

describe("age", () => {
  test("an answer is old once it is older than the pause between two questions and two seconds", () => {
    expect(stalenessOf(read({}), 1000 + 1500 + LATE, 0)).toBeNull();
    expect(stalenessOf(read({}), 1001 + 1500 + LATE, 0)).toEqual({ since: 1000, error: null });
  });
  test("an answer that took long is as old as its question", () => {
    expect(stalenessOf(read({ at: 6000, askedAt: 2000 }), 6000, 0)).toEqual({ since: 2000, error: null });
  });
  test("in a tab that was hidden the time since it is seen again counts", () => {
    expect(stalenessOf(read({}), 60_000, 59_000)).toBeNull();
    expect(stalenessOf(read({}), 63_000, 59_000)).not.toBeNull();
  });
  test("what is asked for once does not grow old, and what was never told is not old", () => {
    expect(stalenessOf(read({ each: Infinity }), 1e12, 0)).toBeNull();
    expect(stalenessOf(read({ data: undefined, error: new Error("away") }), 1e12, 0)).toBeNull();
  });
  test("of several the one with a reason is told, else the oldest", () => {
    const error = new ApiError(503, {});
    const reads = [read({ askedAt: 1 }), read({ askedAt: 900, error }), read({ askedAt: 500 })];
    expect(oldest(reads, 1e9)).toEqual({ since: 900, error });
    expect(oldest([reads[0]!, reads[2]!], 1e9)).toEqual({ since: 1, error: null });
  });
});

describe("recovery time", () => {
  const factors = (more: object) => ({ factors: { recovery_time: { objectiveSeconds: 3600, achievedSeconds: null, met: null, ...more } } });
  test("counts on from the API's own duration, whatever this machine's clock says", () => {
    const running = execution("IN_PROGRESS", [], { durationSeconds: 100, ...factors({}) });
    const wrong = new Date("2030-01-01T00:00:00.000Z").getTime();
    expect(lasted(running, apiNow(running, wrong, wrong + 5000))).toBe(105);
    expect(rtoOf(running, apiNow(running, wrong, wrong + 5000))).toEqual({ objective: 3600, seconds: 105, met: null, words: "58m 15s left of 1h 0m" });
  });
  test("is of the plan that runs: the objective comes with the execution, and without one there is none", () => {
    expect(rtoOf(execution("IN_PROGRESS", []), Date.now())).toBeNull();
  });
  test.each([
    [{ met: true, achievedSeconds: 600 }, "success", "met: took 10m 0s of 1h 0m"],
    [{ met: false }, "error", "missed of 1h 0m"],
  ])("says %j as the API does", (more, _type, words) => {
    render(<RtoBar rto={rtoOf(execution("COMPLETED", [], factors(more)), Date.now())} />);
    expect(screen.getByTestId("rto").textContent).toContain(words);
  });
  test("once it is past, it is missed though the execution runs", () => {
    const running = execution("IN_PROGRESS", [], { durationSeconds: 4000, ...factors({ met: false }) });
    expect(rtoOf(running, apiNow(running, 0, 0))).toMatchObject({ met: false, words: "passed 6m 40s ago, 1h 0m were the objective" });
  });
});

describe("readiness", () => {
  const stored = (version: number, checkedAt: string | null): StoredPlan =>
    ({
      plan: { planId: "three-tier", name: "x", waves: [] },
      version,
      readiness: checkedAt ? { checkedAt, ready: false, failing: [{ check: "lag", subject: "s-1", message: "far behind" }], planVersion: version } : null,
    }) as unknown as StoredPlan;
  const validated = (version: number, planId = "three-tier") => ({ planId, version, at: "2026-01-26T18:00:00.000Z", found: { ready: true, checks: [], names: {} } as Readiness });

  test("of another version or another plan is never shown", () => {
    expect(readinessOf(stored(2, null), validated(1))).toBeNull();
    expect(readinessOf(stored(1, null), validated(1, "other"))).toBeNull();
    expect(readinessOf(stored(2, null), validated(2))).toMatchObject({ ready: true, at: "2026-01-26T18:00:00.000Z", scheduled: false });
  });
  test("is what the scheduled checks found until a validation is newer", () => {
    expect(readinessOf(stored(1, "2026-01-26T17:00:00.000Z"), null)).toMatchObject({ ready: false, scheduled: true, checks: [{ status: "FAIL", subject: "s-1" }] });
    expect(readinessOf(stored(1, "2026-01-26T17:00:00.000Z"), validated(1))).toMatchObject({ scheduled: false });
    expect(readinessOf(stored(1, "2026-01-26T19:00:00.000Z"), validated(1))).toMatchObject({ scheduled: true });
  });
});

test("a draft is kept with its version, by plan and API, and forgotten when it is stored", () => {
  const draft = { version: 3, base: "a", text: "b" };
  keepDraft(API, "three-tier", draft);
  expect(keptDraft(API, "three-tier")).toEqual(draft);
  expect(keptDraft(API, "other")).toBeNull();
  expect(keptDraft("https://other.example", "three-tier")).toBeNull();
  keepDraft(API, "three-tier", null);
  expect(keptDraft(API, "three-tier")).toBeNull();
});

/** Answer paths with values; one that is not known is refused. */
function answering(answers: Record<string, unknown>): string[] {
  const asked: string[] = [];
  vi.stubGlobal("fetch", (path: string) => {
    asked.push(path);
    const known = answers[path];
    const body = known ?? { title: "Forbidden", detail: `ana may not read ${path}`, code: "FORBIDDEN" };
    return Promise.resolve(new Response(JSON.stringify(body), { status: known ? 200 : 403 }));
  });
  return asked;
}

const shown = (page: React.ReactElement) => render(<QueryClientProvider client={makeClient()}>{page}</QueryClientProvider>);

describe("an execution that is shown", () => {
  const path = (executionId: string) => `/api/executions/${executionId}`;

  /** Answer an execution with a tag, and 304 to whoever gives it; everything else is refused. */
  function tagged(shown: Execution): { tags: (string | null)[]; now: { shown: Execution } } {
    const asked = { tags: [] as (string | null)[], now: { shown } };
    vi.stubGlobal("fetch", (address: string, init: RequestInit) => {
      if (address !== path(shown.executionId)) return Promise.resolve(new Response("{}", { status: 403 }));
      const given = new Headers(init.headers).get("if-none-match");
      const tag = `W/"${asked.now.shown.version}-a"`;
      asked.tags.push(given);
      const known = given === tag;
      return Promise.resolve(new Response(known ? null : JSON.stringify(asked.now.shown), { status: known ? 304 : 200, headers: { etag: tag } }));
    });
    return asked;
  }

  test("is asked for with its tag, and an answer that changes nothing draws nothing anew", async () => {
    const ended = execution("COMPLETED", [], { executionId: "drill-tagged" });
    const asked = tagged(ended);
    let drawn = 0;
    render(
      <QueryClientProvider client={makeClient()}>
        <Profiler id="page" onRender={() => (drawn += 1)}>
          <ExecutionPage executionId="drill-tagged" />
        </Profiler>
      </QueryClientProvider>,
    );
    await waitFor(() => expect(asked.tags.length).toBeGreaterThan(1), { timeout: 4000 });
    const before = drawn;
    const questions = asked.tags.length;
    await waitFor(() => expect(asked.tags.length).toBeGreaterThan(questions + 1), { timeout: 6000 });
    expect(asked.tags.slice(0, 3)).toEqual([null, 'W/"1-a"', 'W/"1-a"']);
    expect(drawn).toBe(before);
    expect(document.body.textContent).not.toContain("Old: as it was");

    asked.now.shown = { ...ended, version: 2, reason: "told in version 2" };
    expect(await screen.findByText("told in version 2", {}, { timeout: 4000 })).toBeTruthy();
    expect(drawn).toBeGreaterThan(before);
  }, 20_000);

  test("counts its waves on, whatever the API leaves unsaid meanwhile", () => {
    const wave = { status: "IN_PROGRESS", startedAt: "2026-01-26T18:00:00.000Z", durationSeconds: 30 } as Wave;
    const at = (seconds: number) => new Date("2026-01-26T18:00:00.000Z").getTime() + seconds * 1000;
    expect(waveLasted(wave, at(29))).toBe(30);
    expect(waveLasted(wave, at(75))).toBe(75);
    expect(waveLasted({ ...wave, status: "COMPLETED" }, at(75))).toBe(30);
    expect(waveLasted({ ...wave, status: "NOT_STARTED", startedAt: null, durationSeconds: null }, at(75))).toBeNull();
  });
});

describe("pages", () => {
  const PLANS = { items: [{ plan: { planId: "three-tier", name: "x", waves: [] }, version: 1, readiness: null, schedule: null, createdAt: "", updatedAt: "" }], nextToken: null };
  const run = (executionId: string, more: object) => ({ ...execution("COMPLETED", [], { executionId, ...more }), waves: undefined });
  const NEWEST = "/api/executions?limit=200";
  const ACTIVE = "/api/executions?active=true&limit=1000";
  beforeEach(() => window.history.replaceState(null, "", "/plans"));

  test("what a plan is busy with, and its last drill, are found though two hundred executions came later", async () => {
    const busy = run("drill-old", { status: "PAUSED", display: { label: "PAUSED", color: "blue", icon: "⟳" } });
    const last = run("drill-last", { startedAt: "2026-01-20T18:02:00.000Z" });
    answering({
      "/api/plans?limit=1000": PLANS,
      [NEWEST]: { items: [run("recovery-1", { planId: "other" })], nextToken: "more" },
      [ACTIVE]: { items: [busy], nextToken: null },
      "/api/executions?planId=three-tier&mode=DRILL&limit=10": { items: [busy, last], nextToken: null },
    });
    shown(<Plans />);
    await waitFor(() => expect(document.querySelector('a[href="/executions/drill-last"]')).toBeTruthy());
    expect(document.querySelector('a[href="/executions/drill-old"]')).toBeTruthy();
    expect(screen.queryByText("nothing")).toBeNull();
  });

  test("what could not be read is neither none nor nothing", async () => {
    answering({ "/api/plans?limit=1000": PLANS });
    shown(<Plans />);
    expect(await screen.findByText(`ana may not read ${NEWEST}`)).toBeTruthy();
    expect(screen.getAllByText("not read")).toHaveLength(2);
    expect(screen.queryByText("nothing")).toBeNull();
  });

  test("a run that cannot be read is a row with the reason", async () => {
    answering({ "/local/session": { apiUrl: API, region: "", credentials: { expiresAt: null, problem: null } } });
    rememberCommand(API, "cmd-1");
    rememberCommand("https://other.example", "cmd-2");
    shown(<Commands />);
    expect(await screen.findByText("ana may not read /api/commands/cmd-1")).toBeTruthy();
    expect(screen.getByText("cmd-1")).toBeTruthy();
    expect(screen.queryByText("cmd-2")).toBeNull();
    expect(screen.queryByText("No command was forwarded from here.")).toBeNull();
  });
});
