import { readFileSync } from "node:fs";
import { afterEach, describe, expect, test, vi } from "vitest";
import { ApiError, api } from "../src/api/client";
import { newer } from "../src/api/queries";
import { actionsOf, confirmationOf, waitingOf, waveActionsOf } from "../src/lib/actions";
import { diffLines, hunks } from "../src/lib/diff";
import { busyByPlan, drillsByPlan, startRefusal } from "../src/lib/drills";
import { layout, planNodes } from "../src/lib/graph";
import { nextDrill } from "../src/lib/next-drill";
import { placeOf } from "../src/lib/router";
import { actor, cut, visible } from "../src/lib/text";
import { ticks, timeline } from "../src/lib/timeline";
import { duration } from "../src/lib/time";
import { execution, server, wave } from "./samples";

afterEach(() => vi.unstubAllGlobals());

const NOTHING_LEFT = { terminated: 0, remaining: [], unknown: [] };
const CAN = { canTerminate: true, reason: null, hasRecoveryInstances: true };

describe("buttons (contract 2 and 14)", () => {
  test.each([
    ["PENDING", {}, ["cancel", "lease", "pause"]],
    ["IN_PROGRESS", {}, ["cancel", "lease", "pause"]],
    ["PAUSED", { pausedBy: ["OPERATOR"] }, ["cancel", "lease", "resume"]],
    ["PAUSED", { pausedBy: ["FAILURE"] }, ["cancel", "lease"]],
    ["CANCELLING", { cancel: { at: "", actor: "", reason: null, then: "KEEP" } }, ["cancel", "lease"]],
    ["CANCELLING", { cancel: { at: "", actor: "", reason: null, then: "TERMINATE" } }, []],
    ["COMPLETED", { terminationMetadata: CAN }, ["lease", "terminate", "verdict"]],
    ["CANCELLED", {}, ["lease", "verdict"]],
    ["FAILED", {}, ["lease", "verdict"]],
  ] as const)("an execution that is %s %j offers %j", (status, more, wanted) => {
    expect([...actionsOf(execution(status, [wave(1, "COMPLETED")], more as object))].sort()).toEqual(wanted);
  });

  test.each([
    [{}, true],
    [{ mode: "RECOVERY" }, false],
    [{ cancel: { at: "", actor: "", reason: null, then: "KEEP" } }, true],
    [{ cancel: { at: "", actor: "", reason: null, then: "TERMINATE" } }, false],
    [{ termination: { ...NOTHING_LEFT, status: "IN_PROGRESS" } }, false],
    [{ termination: { ...NOTHING_LEFT, status: "INCOMPLETE" } }, false],
    [{ termination: { ...NOTHING_LEFT, status: "COMPLETED" } }, false],
  ] as const)("the lease of %j may be set: %s", (more, offered) => {
    for (const status of ["PENDING", "IN_PROGRESS", "PAUSED", "CANCELLING", "COMPLETED", "PARTIAL_SUCCESS", "FAILED", "CANCELLED"] as const) {
      expect(actionsOf(execution(status, [], more as object)).has("lease")).toBe(offered);
    }
  });

  test("what the API says goes before what the table would", () => {
    const told = execution("IN_PROGRESS", [wave(1, "FAILED", [], { actions: ["approve"] })], { actions: ["pause", "lease"] });
    expect([...actionsOf(told)]).toEqual(["pause", "lease"]);
    expect([...waveActionsOf(told, told.waves[0]!)]).toEqual(["approve"]);
  });

  test("terminate is offered exactly when canTerminate, and not while it runs", () => {
    for (const [canTerminate, status, offered] of [
      [true, "NOT_REQUESTED", true],
      [true, "INCOMPLETE", true],
      [true, "IN_PROGRESS", false],
      [false, "NOT_REQUESTED", false],
    ] as const) {
      const one = execution("PARTIAL_SUCCESS", [], {
        terminationMetadata: { ...CAN, canTerminate },
        termination: { status, terminated: 0, remaining: [], unknown: [] },
      });
      expect(actionsOf(one).has("terminate")).toBe(offered);
    }
  });

  test.each([
    ["IN_PROGRESS", "AWAITING_APPROVAL", ["approve", "reject", "skip"]],
    ["PENDING", "NOT_STARTED", ["skip"]],
    ["PAUSED", "FAILED", ["retry", "skip"]],
    ["IN_PROGRESS", "COMPLETED", []],
    ["CANCELLING", "FAILED", []],
    ["FAILED", "FAILED", ["retry", "skip"]],
    ["COMPLETED", "SKIPPED", []],
    ["CANCELLED", "CANCELLED", []],
  ] as const)("in an execution that is %s a wave that is %s offers %j", (status, waveStatus, wanted) => {
    const one = execution(status, [wave(1, waveStatus)]);
    expect([...waveActionsOf(one, one.waves[0]!)]).toEqual(wanted);
  });

  test("an ended execution that was cancelled or terminated is not taken up again", () => {
    const cancelled = execution("PARTIAL_SUCCESS", [wave(1, "FAILED")], { cancel: { at: "", actor: "", reason: null, then: "KEEP" } });
    const terminated = execution("FAILED", [wave(1, "FAILED")], { termination: { status: "COMPLETED", terminated: 1, remaining: [], unknown: [] } });
    expect([...waveActionsOf(cancelled, cancelled.waves[0]!)]).toEqual([]);
    expect([...waveActionsOf(terminated, terminated.waves[0]!)]).toEqual([]);
  });

  test("the id is asked for where the API asks for it", () => {
    const recovery = execution("IN_PROGRESS", [], { mode: "RECOVERY", executionId: "recovery-1" });
    expect(confirmationOf(recovery, "terminate")).toBe("recovery-1");
    expect(confirmationOf(recovery, "cancel", "TERMINATE")).toBe("recovery-1");
    expect(confirmationOf(recovery, "cancel", "KEEP")).toBeNull();
    expect(confirmationOf(execution("COMPLETED", []), "terminate")).toBeNull();
  });

  test("what waits for somebody is found, failures first", () => {
    const waves = [wave(1, "AWAITING_APPROVAL"), wave(2, "FAILED", [], { error: "no room" })];
    const found = waitingOf(execution("PAUSED", waves, { pausedBy: ["FAILURE", "OPERATOR"] }));
    expect(found.map((one) => one.kind)).toEqual(["failure", "approval", "pause"]);
    expect(found[0]!.text).toContain("no room");
    expect(waitingOf(execution("FAILED", waves))).toHaveLength(1);
  });

  const APPROVAL = { askedAt: "2026-01-26T18:02:00.000Z", by: null, at: null, reason: null, dueAt: "2026-01-26T19:02:00.000Z", then: "REJECT", notBy: "REQUESTER" } as const;

  test("a pause is told with who made it and why, as the trail has it; a failure's own pause is nobody's", () => {
    const event = (sequence: number, actor: string, reason: string | null) => ({ sequence, at: "2026-01-26T18:05:00.000Z", type: "EXECUTION_PAUSED", executionId: "drill-1", actor, data: { reason }, previousHash: null, hash: "" });
    const paused = execution("PAUSED", [], { pausedBy: ["OPERATOR"] });
    const trail = [event(1, "arn:aws:iam::111122223333:user/bo", "lunch"), event(2, "arn:aws:iam::111122223333:user/ana", "coffee"), event(3, "wavebreak", null)];
    expect(waitingOf(paused, trail)[0]!.text).toMatch(/^Paused by ana at .+ \(coffee\): no further wave starts/);
    expect(waitingOf(paused)[0]!.text).toBe("Paused by an operator: no further wave starts until somebody resumes it");
  });

  test("an approval says since when, until when, what follows and who may not give it", () => {
    const [one] = waitingOf(execution("IN_PROGRESS", [wave(2, "AWAITING_APPROVAL", [], { approval: APPROVAL })]));
    expect(one!.text).toMatch(/^Wave 2 starts when somebody approves it \(asked at .+, rejected at .+, not by who asked for the execution\)$/);
    const [again] = waitingOf(execution("IN_PROGRESS", [wave(2, "AWAITING_APPROVAL", [], { approval: { ...APPROVAL, then: "REMIND", notBy: null } })]));
    expect(again!.text).toContain("asked again at");
  });

  test("what is accepted and changes nothing has no button, and an approval that was given waits for nobody", () => {
    const given = wave(2, "AWAITING_APPROVAL", [], { approval: { ...APPROVAL, by: "ana" }, actions: ["approve", "reject", "skip"] });
    const paused = execution("PAUSED", [given], { pausedBy: ["OPERATOR"], actions: ["cancel", "pause", "resume"] });
    expect([...actionsOf(paused)]).toEqual(["cancel", "resume"]);
    expect([...waveActionsOf(paused, given)]).toEqual(["reject", "skip"]);
    expect(waitingOf(paused).map((found) => found.kind)).toEqual(["pause"]);
    const cancel = { at: "", actor: "", reason: null, then: "TERMINATE" } as const;
    expect([...actionsOf(execution("CANCELLING", [], { cancel, actions: ["cancel"] }))]).toEqual([]);
  });
});

describe("answers", () => {
  test("an older answer never replaces a newer one, and equal parts stay the same objects", () => {
    const shown = execution("IN_PROGRESS", [wave(1, "COMPLETED"), wave(2, "IN_PROGRESS")], { version: 5 });
    expect(newer(shown, execution("PENDING", [], { version: 4 }))).toBe(shown);
    const next = newer(shown, execution("IN_PROGRESS", [wave(1, "COMPLETED"), wave(2, "COMPLETED")], { version: 6 })) as typeof shown;
    expect(next.waves[0]).toBe(shown.waves[0]);
    expect(next.waves[1]).not.toBe(shown.waves[1]);
  });

  const answering = (status: number, body: string) => vi.stubGlobal("fetch", () => Promise.resolve(new Response(body, { status })));

  test("a problem keeps its words, code and faults", async () => {
    answering(409, JSON.stringify({ title: "Conflict", detail: "held by drill-2", code: "PLAN_BUSY", executionId: "drill-2" }));
    const error: ApiError = await api.plan("x").catch((caught: ApiError) => caught) as ApiError;
    expect([error.message, error.code, error.status, error.away]).toEqual(["held by drill-2", "PLAN_BUSY", 409, false]);
    answering(403, JSON.stringify({ message: "not authorized" }));
    await expect(api.plan("x")).rejects.toThrow("not authorized");
    answering(502, "<html>bad</html>");
    await expect(api.plan("x")).rejects.toMatchObject({ away: true, message: "<html>bad</html>" });
  });

  test("a server that is gone is said to be", async () => {
    vi.stubGlobal("fetch", () => Promise.reject(new TypeError("Failed to fetch")));
    await expect(api.health()).rejects.toMatchObject({ code: "CONSOLE_ENDED", away: true });
  });

  test("an open critical circuit is an answer", async () => {
    answering(503, JSON.stringify({ status: "degraded", circuit_breakers: {}, critical_circuits_open: ["drs"] }));
    await expect(api.health()).resolves.toMatchObject({ status: "degraded" });
  });

  test("lists are read to their end", async () => {
    const asked: string[] = [];
    vi.stubGlobal("fetch", (path: string) => {
      asked.push(path);
      const token = asked.length < 3 ? `t${asked.length}` : null;
      return Promise.resolve(new Response(JSON.stringify({ items: [asked.length], nextToken: token })));
    });
    await expect(api.plans()).resolves.toEqual([1, 2, 3]);
    expect(asked[2]).toContain("nextToken=t2");
  });

  test("a plan is stored over the version that was read, a new one over none", async () => {
    const sent: string[] = [];
    vi.stubGlobal("fetch", (_path: string, options: { headers: Record<string, string> }) => {
      sent.push(options.headers["if-match"]!);
      return Promise.resolve(new Response("{}"));
    });
    await api.putPlan({ planId: "x" } as never, "x", 7);
    await api.putPlan({ planId: "x" } as never, "x", null);
    expect(sent).toEqual(['"7"', '"0"']);
  });
});

describe("text of others", () => {
  test("marks that turn the direction or hide are shown", () => {
    expect(visible("exe\u202egnp\u0000\u200b")).toBe("exe\u2423202Egnp\u24230000\u2423200B");
    expect(visible("tab\tline\n😀 é")).toBe("tab\tline\n😀 é");
  });
  test("megabytes are cut, and said to be", () => {
    expect(cut("x".repeat(3_000_000)).length).toBeLessThan(21_000);
    expect(cut("x".repeat(30_000))).toContain("10000 more characters");
  });
  test("an actor is the end of an ARN", () => {
    expect(actor("arn:aws:sts::111122223333:assumed-role/ops/ana")).toBe("ops/ana");
    expect(actor("arn:aws:iam::111122223333:root")).toBe("root");
    expect(actor("wavebreak")).toBe("wavebreak");
  });
  test("a place is what the address says, even if nobody encoded it rightly", () => {
    expect(placeOf("/plans/a%2Fb?tab=edit").segments).toEqual(["plans", "a/b"]);
    expect(placeOf("/plans/%zz").segments).toEqual(["plans", "%zz"]);
  });
});

test.each([
  [38, "38s"],
  [0, "0s"],
  [3600 * 5 + 61, "5h 1m"],
  [86400 * 2, "2d 0h"],
  [null, "–"],
])("a duration of %s seconds is %s", (seconds, words) => expect(duration(seconds)).toBe(words));

describe("graph", () => {
  test("a wave stands one column behind the last that it waits for", () => {
    const placed = layout([
      { name: "a", dependsOn: [] },
      { name: "b", dependsOn: ["a"] },
      { name: "c", dependsOn: ["a"] },
      { name: "d", dependsOn: ["b", "c"] },
      { name: "e", dependsOn: [] },
    ]);
    expect([...placed.nodes.values()].map((node) => node.column)).toEqual([0, 1, 1, 2, 0]);
    expect(new Set([...placed.nodes.values()].map((node) => `${node.column}-${node.row}`)).size).toBe(5);
    expect(placed.arrows).toHaveLength(4);
  });
  test("a draft with a circle or an unknown name is drawn all the same", () => {
    expect(layout([{ name: "a", dependsOn: ["b", "x"] }, { name: "b", dependsOn: ["a"] }]).nodes.size).toBe(2);
  });
  test("without dependsOn a wave waits for the one before", () => {
    expect(planNodes([{ name: "a" }, { name: "b" }, { name: "c", dependsOn: [] }]).map((node) => node.dependsOn)).toEqual([[], ["a"], []]);
  });
});

describe("timeline", () => {
  const now = new Date("2026-01-26T18:04:00.000Z").getTime();
  const PHASE = (phase: "SNAPSHOT" | "CONVERSION" | "LAUNCH", from: number | null, to: number | null) => ({ phase, startedAt: timeAt(from), endedAt: timeAt(to) });
  const timeAt = (seconds: number | null) => (seconds === null ? null : new Date(new Date("2026-01-26T18:02:00.000Z").getTime() + seconds * 1000).toISOString());
  const told = (number: number, phase: "CONVERSION" | null, phases: ReturnType<typeof PHASE>[]) => ({ waveNumber: 1, sourceServerId: server(number).sourceServerId, phase, since: null, usualSeconds: null, phases });

  test("of a few servers each has the phases that the job log tells, and a server of which none is known has no bar", () => {
    const one = execution("IN_PROGRESS", [wave(1, "IN_PROGRESS", [server(1, "IN_PROGRESS"), server(2), server(3, "FAILED")])]);
    const servers = [
      told(1, "CONVERSION", [PHASE("SNAPSHOT", 5, 20), PHASE("CONVERSION", 30, null)]),
      told(2, null, [PHASE("SNAPSHOT", 5, null), PHASE("CONVERSION", 25, 60), PHASE("LAUNCH", null, 70)]),
    ];
    const drawn = timeline(one, { asOf: null, servers }, now, null);
    expect(drawn.bars.map((bar) => [bar.level, bar.note, bar.segments.map(({ kind, from, to, open }) => [kind, from, to, open])])).toEqual([
      ["wave", "1 of 3 launched", [["IN_PROGRESS", 0, 120, true]]],
      ["server", "conversion", [["SNAPSHOT", 5, 20, false], ["CONVERSION", 30, 120, true]]],
      ["server", "launched", [["SNAPSHOT", 5, 25, true], ["CONVERSION", 25, 60, false]]],
      ["server", "failed", []],
    ]);
    expect(timeline(one, undefined, now, null).bars.slice(1).map((bar) => bar.segments)).toEqual([[], [], []]);
  });
  test("of three hundred servers there is a row for each phase that one came to, from the first to the last", () => {
    const servers = Array.from({ length: 300 }, (_, at) => server(at, at < 200 ? "LAUNCHED" : "IN_PROGRESS"));
    const one = execution("IN_PROGRESS", [wave(1, "IN_PROGRESS", servers), wave(2, "NOT_STARTED")]);
    const phases = servers.map((_, at) => (at < 200 ? told(at, null, [PHASE("SNAPSHOT", at / 10, 40), PHASE("CONVERSION", 40, 90)]) : told(at, "CONVERSION", [PHASE("CONVERSION", 50, null)])));
    const drawn = timeline(one, { asOf: null, servers: phases }, now, null);
    expect(drawn.bars.map((bar) => [bar.label, bar.note])).toEqual([["1 wave 1", "200 of 300 launched"], ["snapshot", "200 servers"], ["conversion", "100 of 300 in it"]]);
    expect(drawn.bars[2]!.segments).toEqual([{ kind: "CONVERSION", from: 40, to: 120, open: true }]);
    expect(timeline(one, undefined, now, null).bars).toHaveLength(1);
  });
  test("a wave's earlier attempts and its wait for an approval are drawn as what they were", () => {
    const attempts = [
      { attempt: 1, startedAt: timeAt(20), endedAt: timeAt(40), status: "FAILED" as const, error: "x" },
      { attempt: 2, startedAt: timeAt(60), endedAt: null, status: "IN_PROGRESS" as const, error: null },
    ];
    const approval = { askedAt: timeAt(0), by: "ana", at: timeAt(20), reason: null, dueAt: null, then: "REMIND", notBy: null } as const;
    const [bar] = timeline(execution("IN_PROGRESS", [wave(1, "IN_PROGRESS", [], { attempts, approval })]), undefined, now, null).bars;
    expect(bar!.segments.map(({ kind, from, to }) => [kind, from, to])).toEqual([["APPROVAL", 0, 20], ["FAILED", 20, 40], ["IN_PROGRESS", 60, 120]]);
  });
  test("phases have the colours of the report", () => {
    const colours = (text: string, name: RegExp) => [...text.matchAll(name)].map((found) => found.slice(1).join(" "));
    const style = readFileSync("src/style.css", "utf-8");
    const report = readFileSync("../lambda/wavebreak/domain/evidence/page_style.py", "utf-8");
    expect(colours(style, /--wb-(p[1-4]): (#[0-9a-f]{6})/g)).toEqual(colours(report, /^ {4}(p[1-4])="(#[0-9a-f]{6})"/gm));
    expect(colours(style, /--wb-(p[1-4]): (#[0-9a-f]{6})/g)).toHaveLength(8);
  });
  test("the objective is in sight unless it is far", () => {
    const one = execution("COMPLETED", [wave(1, "COMPLETED")], { endedAt: "2026-01-26T18:02:38.000Z" });
    expect(timeline(one, undefined, now, 60).span).toBeCloseTo(61.2);
    expect(timeline(one, undefined, now, 3600).span).toBe(38);
  });
  test.each([[1, 6], [38, 6], [4000, 6], [200_000, 6], [5_000_000, 6]])("an axis of %s seconds has few marks", (span, most) => {
    expect(ticks(span, most).length).toBeLessThanOrEqual(most + 1);
    expect(ticks(span, most)[0]).toBe(0);
  });
});

test("a difference names what was added and removed, and leaves out what is far", () => {
  const before = Array.from({ length: 30 }, (_, at) => `line ${at}`);
  const after = before.toSpliced(10, 1, "changed", "added");
  const lines = diffLines(before.join("\n"), after.join("\n"));
  expect(lines.filter((line) => line.kind !== "same").map((line) => `${line.kind} ${line.text}`)).toEqual(["removed line 10", "added changed", "added added"]);
  const shown = hunks(lines);
  expect(shown).toHaveLength(1 + 3 + 3 + 3 + 1);
  expect(shown[0]).toBeNull();
  expect(lines.filter((l) => l.kind !== "removed").map((l) => l.text)).toEqual(after);
});

describe("what executions tell of a plan", () => {
  const ended = { display: { label: "", color: "", icon: "" } };
  const run = (id: string, more: object) => ({ ...execution("COMPLETED", [], { executionId: id, durationSeconds: 10, ...ended, ...more }) });

  test("its last drill and what the last drills took", () => {
    const found = drillsByPlan([run("5", { status: "IN_PROGRESS" }), run("4", { mode: "RECOVERY" }), run("3", { status: "FAILED" }), run("2", { durationSeconds: 20 }), run("1", {})]);
    const runs = found.get("three-tier")!;
    expect([runs.lastDrill?.executionId, runs.rtos]).toEqual(["3", [20, 10]]);
  });

  test("what it is busy with, a recovery before a drill, and what cannot be started meanwhile", () => {
    const drill = run("5", { status: "IN_PROGRESS" });
    const recovery = run("6", { status: "PENDING", mode: "RECOVERY" });
    expect(busyByPlan([drill, run("4", {}), recovery]).get("three-tier")?.executionId).toBe("6");
    expect(busyByPlan([run("4", {})]).size).toBe(0);
    expect([startRefusal("DRILL", drill), startRefusal("RECOVERY", drill)]).toEqual(["The plan is busy with 5", null]);
    expect(startRefusal("RECOVERY", recovery)).toBe("The plan is busy with 6");
    expect(startRefusal("DRILL", undefined)).toBeNull();
  });
});

describe("the next scheduled drill", () => {
  const NOW = new Date("2026-11-29T12:00:00Z"); // a Sunday

  test.each([
    ["cron(0 6 ? * SUN *)", "Europe/Berlin", "2026-12-06T05:00:00.000Z"],
    ["cron(0 6 ? * 1 *)", "Europe/Berlin", "2026-12-06T05:00:00.000Z"],
    ["cron(30 14 ? * 2-6 *)", "UTC", "2026-11-30T14:30:00.000Z"],
    ["cron(0 22 ? * SAT,SUN *)", "America/New_York", "2026-11-30T03:00:00.000Z"],
    ["cron(0 6 L * ? *)", "UTC", "2026-11-30T06:00:00.000Z"],
    ["cron(0 6 ? * 6L *)", "UTC", "2026-12-25T06:00:00.000Z"],
    ["cron(0 6 ? * FRIL *)", "UTC", "2026-12-25T06:00:00.000Z"],
    ["cron(0 6 ? * 3#2 *)", "UTC", "2026-12-08T06:00:00.000Z"],
    ["cron(0/15 * * * ? *)", "UTC", "2026-11-29T12:15:00.000Z"],
    ["cron(0 6 1 JAN ? 2028)", "UTC", "2028-01-01T06:00:00.000Z"],
    ["cron(0 6/8 ? 2/2 * *)", "UTC", "2026-12-01T06:00:00.000Z"],
  ])("%s in %s comes at %s", (expression, timezone, wanted) => {
    expect(nextDrill(expression, timezone, NOW)?.toISOString()).toBe(wanted);
  });

  test.each([
    ["rate(7 days)", "UTC"],
    ["cron(0 6 1 1 ? 2020)", "UTC"],
    ["cron(0 6 ? * 9 *)", "UTC"],
    ["cron(nonsense)", "UTC"],
    ["cron(0 6 ? * SUN *)", "Mars/Olympus"],
  ])("%s in %s is not foretold", (expression, timezone) => {
    expect(nextDrill(expression, timezone, NOW)).toBeNull();
  });
});
