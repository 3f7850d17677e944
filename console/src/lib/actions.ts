// Which buttons there are. The API says it in `actions`; to one that does not yet, the contract's table (section 2) is
// applied here, and it judges every call anyway.
import type { Execution, TrailEvent, Wave } from "../api/model";
import { actor } from "./text";
import { moment } from "./time";

const ENDED = new Set(["COMPLETED", "PARTIAL_SUCCESS", "FAILED", "CANCELLED"]);

export function isEnded(execution: { status: string }): boolean {
  return ENDED.has(execution.status);
}

/** Whether anything of it may still change by itself. */
export function isActive(execution: { status: string; termination: { status: string } }): boolean {
  return !isEnded(execution) || execution.termination.status === "IN_PROGRESS";
}

export function actionsOf(execution: Execution): Set<string> {
  const told: readonly string[] | undefined = execution.actions;
  const actions = new Set<string>(told ?? steering(execution));
  if (told === undefined || told.includes("terminate")) {
    if (execution.terminationMetadata.canTerminate && execution.termination.status !== "IN_PROGRESS") {
      actions.add("terminate");
    } else {
      actions.delete("terminate");
    }
  }
  // A call that is accepted and changes nothing has no button.
  if (execution.pausedBy.includes("OPERATOR")) actions.delete("pause");
  if (execution.cancel?.then === "TERMINATE") actions.delete("cancel");
  if (told === undefined && isEnded(execution)) actions.add("verdict");
  if (told === undefined && hasLease(execution)) actions.add("lease");
  return actions;
}

/** A drill's lease may be set until its termination was asked for; a recovery has none. */
function hasLease(execution: Execution): boolean {
  const ordered = execution.cancel?.then === "TERMINATE" || execution.termination.status !== "NOT_REQUESTED";
  return execution.mode === "DRILL" && !ordered;
}

function steering(execution: Execution): string[] {
  switch (execution.status) {
    case "PENDING":
    case "IN_PROGRESS":
      return ["cancel", "pause"];
    case "PAUSED":
      return execution.pausedBy.includes("FAILURE") ? ["cancel"] : ["cancel", "resume"];
    case "CANCELLING":
      return execution.cancel?.then === "KEEP" ? ["cancel"] : [];
    default:
      return [];
  }
}

export function waveActionsOf(execution: Execution, wave: Wave): Set<string> {
  const actions = new Set<string>(wave.actions ?? steeringWave(execution, wave));
  if (wave.approval?.by) actions.delete("approve");
  return actions;
}

function steeringWave(execution: Execution, wave: Wave): string[] {
  const live = ["PENDING", "IN_PROGRESS", "PAUSED"].includes(execution.status);
  const ended = ["FAILED", "PARTIAL_SUCCESS"].includes(execution.status);
  const reopens = ended && execution.cancel === null && execution.termination.status === "NOT_REQUESTED";
  if (!live && !reopens) return [];
  switch (wave.status) {
    case "AWAITING_APPROVAL":
      return live && execution.status !== "PENDING" ? ["approve", "reject", "skip"] : ["skip"];
    case "FAILED":
      return execution.status === "PENDING" ? ["skip"] : ["retry", "skip"];
    case "NOT_STARTED":
      return ["skip"];
    default:
      return [];
  }
}

export interface Waiting {
  kind: "approval" | "failure" | "pause";
  text: string;
  wave?: Wave;
}

/** What waits for somebody, most pressing first; its trail, where it is known, tells who paused it and why. */
export function waitingOf(execution: Execution, trail: readonly TrailEvent[] = []): Waiting[] {
  const waiting: Waiting[] = [];
  for (const wave of execution.waves) {
    if (wave.status === "FAILED" && execution.pausedBy.includes("FAILURE") && !isEnded(execution)) {
      const why = wave.error ? `: ${wave.error}` : "";
      waiting.push({ kind: "failure", wave, text: `Wave ${wave.waveNumber} failed and the plan says to ask${why}` });
    }
  }
  for (const wave of execution.waves) {
    if (wave.status === "AWAITING_APPROVAL" && !wave.approval?.by) {
      waiting.push({ kind: "approval", wave, text: `Wave ${wave.waveNumber} starts when somebody approves it${asked(wave)}` });
    }
  }
  if (execution.status === "PAUSED" && execution.pausedBy.includes("OPERATOR")) {
    waiting.push({ kind: "pause", text: `${pausedIn(trail)}: no further wave starts until somebody resumes it` });
  }
  return waiting;
}

const ENGINE = "wavebreak";

/** Who paused an execution, when and why, by its last pause that was not the engine's own. */
function pausedIn(trail: readonly TrailEvent[]): string {
  const event = trail.findLast((one) => one.type === "EXECUTION_PAUSED" && one.actor !== ENGINE);
  if (!event) return "Paused by an operator";
  const reason = event.data["reason"];
  return `Paused by ${actor(event.actor)} at ${moment(event.at)}${typeof reason === "string" && reason ? ` (${reason})` : ""}`;
}

/** Since when an approval is waited for, what follows when nobody gives it, and who may not. */
function asked({ approval }: Wave): string {
  const told = approval?.askedAt ? [`asked at ${moment(approval.askedAt)}`] : [];
  if (approval?.dueAt) told.push(`${approval.then === "REJECT" ? "rejected" : "asked again"} at ${moment(approval.dueAt)}`);
  if (approval?.notBy) told.push("not by who asked for the execution");
  return told.length ? ` (${told.join(", ")})` : "";
}

/** Whether a call ends the instances that were launched. */
export function endsInstances(action: string, then: string): boolean {
  return action === "terminate" || (action === "cancel" && then === "TERMINATE");
}

/** What a person has to type before a call: the id that the API itself asks for, or null. */
export function confirmationOf(execution: Execution, action: string, then: string = "KEEP"): string | null {
  return endsInstances(action, then) && execution.mode === "RECOVERY" ? execution.executionId : null;
}

/** The servers whose instances a termination would end, by what is stored. */
export function launchedServers(execution: Execution) {
  return execution.waves.flatMap((wave) =>
    wave.servers.filter((server) => server.launchStatus === "LAUNCHED" && server.recoveryInstanceId),
  );
}
