// Answers as an API of today gives them, whole, which their types hold them to; fields that a newer one has besides are left out, as an older one does.
import type { Execution, Server, Wave } from "../src/api/model";

export function server(number: number, launchStatus: Server["launchStatus"] = "LAUNCHED"): Server {
  const digits = String(number).padStart(17, "0");
  return {
    sourceServerId: `s-${digits}`,
    name: null,
    impact: "CRITICAL",
    launchStatus,
    recoveryInstanceId: launchStatus === "LAUNCHED" ? `i-${digits}` : null,
    ending: null,
    error: null,
    snapshotAt: null,
  };
}

const DISPLAYS: Record<string, Wave["display"]> = {
  COMPLETED: { label: "Completed", color: "green", icon: "✓" },
  FAILED: { label: "Failed", color: "red", icon: "✗" },
  CANCELLED: { label: "Cancelled", color: "gray", icon: "⊘" },
  IN_PROGRESS: { label: "In Progress", color: "blue", icon: "⟳" },
  NOT_STARTED: { label: "Not Started", color: "gray", icon: "○" },
  SKIPPED: { label: "Skipped", color: "gray", icon: "↷" },
  AWAITING_APPROVAL: { label: "Awaiting Approval", color: "orange", icon: "⏸" },
};

export function wave(waveNumber: number, status: Wave["status"], servers: Server[] = [server(waveNumber)], more: Partial<Wave> = {}): Wave {
  const started = !["NOT_STARTED", "AWAITING_APPROVAL"].includes(status);
  return {
    waveNumber,
    name: `wave ${waveNumber}`,
    status,
    display: DISPLAYS[status]!,
    dependsOn: waveNumber > 1 ? [`wave ${waveNumber - 1}`] : [],
    accountId: null,
    region: null,
    jobId: started ? `drsjob-${waveNumber}` : null,
    jobIds: [],
    attempt: 1,
    startedAt: started ? "2026-01-26T18:02:00.000Z" : null,
    endedAt: ["COMPLETED", "FAILED"].includes(status) ? "2026-01-26T18:02:38.000Z" : null,
    durationSeconds: started ? 38 : null,
    attempts: [],
    error: null,
    servers,
    steps: [],
    approval: null,
    deadlineAt: null,
    ...more,
  };
}

export function execution(status: Execution["status"], waves: Wave[], more: Partial<Execution> = {}): Execution {
  return {
    executionId: "drill-990a8744",
    planId: "three-tier",
    planName: "3TierRecoveryPlan",
    planVersion: 1,
    mode: "DRILL",
    status,
    display: { label: status.replaceAll("_", " "), color: "blue", icon: "⟳" },
    requestedBy: "arn:aws:sts::111122223333:assumed-role/ops/ana",
    reason: null,
    startedAt: "2026-01-26T18:02:00.000Z",
    endedAt: null,
    durationSeconds: 38,
    totalWaves: waves.length,
    completedWaves: 0,
    failedWaves: 0,
    cancelledWaves: 0,
    pausedBy: [],
    pause: null,
    cancel: null,
    terminationMetadata: { canTerminate: false, reason: "Execution not in terminal state", hasRecoveryInstances: false },
    termination: { status: "NOT_REQUESTED", terminated: 0, remaining: [], unknown: [] },
    instancesTerminated: false,
    instancesLeft: 0,
    leftSince: null,
    warnings: [],
    lastFailure: null,
    verdict: null,
    lease: null,
    before: null,
    factors: {},
    version: 1,
    waves,
    checks: [],
    lastSeenAt: null,
    ...more,
  };
}
