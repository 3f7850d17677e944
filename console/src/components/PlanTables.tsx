import { useMemo } from "react";
import type { PlanDocument, Readiness } from "../api/model";
import type { KnownReadiness } from "../lib/readiness";
import { short } from "../lib/text";
import { moment } from "../lib/time";
import { stepName } from "../lib/words";
import { DataTable } from "./DataTable";
import { More } from "./More";
import { Word } from "./Status";
import { Text } from "./Text";

const told = ({ at, scheduled }: KnownReadiness) => `${scheduled ? "By the scheduled check, which keeps only what failed," : "Validated"} at ${moment(at)}`;

/** The servers of a plan, and what is known of the readiness of each. */
export function PlanServers({ plan, readiness }: { plan: PlanDocument; readiness: KnownReadiness | null }) {
  const found = useMemo(() => {
    const worst = new Map<string, Readiness["checks"][number]>();
    const rank = { PASS: 0, WARN: 1, FAIL: 2 };
    for (const check of readiness?.checks ?? []) {
      const before = worst.get(check.subject);
      if (!before || rank[check.status] > rank[before.status]) worst.set(check.subject, check);
    }
    return worst;
  }, [readiness]);
  const rows = plan.waves.flatMap((wave, at) => (wave.servers ?? []).map((server) => ({ ...server, wave: `${at + 1} ${wave.name}`, waveNumber: at + 1 })));
  return (
    <DataTable
      title="Servers"
      name="server"
      items={rows}
      rowKey={(row) => row.sourceServerId}
      empty="The waves choose their servers by tags when an execution starts."
      description={readiness ? told(readiness) : "Validate the plan to see the readiness of each."}
      columns={[
        { id: "server", header: "Server", isRowHeader: true, value: (row) => row.sourceServerId, cell: (row) => <Text>{row.sourceServerId}</Text>, width: 205 },
        { id: "wave", header: "Wave", value: (row) => row.waveNumber, cell: (row) => <Text>{short(row.wave, 60)}</Text>, width: 120 },
        { id: "impact", header: "Impact", value: (row) => row.impact ?? "CRITICAL", cell: (row) => (row.impact ?? "CRITICAL").toLowerCase(), width: 100 },
        {
          id: "ready",
          header: "Readiness",
          value: (row) => found.get(row.sourceServerId)?.status ?? null,
          cell: (row) => {
            const check = found.get(row.sourceServerId);
            if (!check) return readiness?.scheduled ? "no failure found" : "not checked";
            return <><Word status={check.status} /> <More label={`the readiness of ${row.sourceServerId}`}>{check.message}</More></>;
          },
          width: 240,
        },
      ]}
    />
  );
}

/** Commands run in drills unless the plan says otherwise; what reaches further does not. */
const inDrill = (step: { inDrill?: string }) => step.inDrill ?? ("command" in step ? "RUN" : "SKIP");

/** What a plan's waves do before and after their launch. */
export function PlanSteps({ plan }: { plan: PlanDocument }) {
  const rows = plan.waves.flatMap((wave, number) =>
    (["before", "after"] as const).flatMap((phase) =>
      (wave[phase] ?? []).map((step, at) => ({ key: `${number}-${phase}-${at}`, wave: `${number + 1} ${wave.name}`, waveNumber: number + 1, phase, step })),
    ),
  );
  return (
    <DataTable
      title="Steps"
      name="step"
      items={rows}
      rowKey={(row) => row.key}
      empty="The waves have no steps."
      columns={[
        { id: "wave", header: "Wave", value: (row) => row.waveNumber, cell: (row) => <Text>{short(row.wave, 60)}</Text>, width: 120 },
        { id: "phase", header: "When", value: (row) => row.phase, cell: (row) => `${row.phase} the launch` },
        { id: "name", header: "Step", isRowHeader: true, value: (row) => stepName(row.step), cell: (row) => <Text>{stepName(row.step)}</Text>, width: 220 },
        { id: "required", header: "Required", value: (row) => String(row.step.required ?? false), cell: (row) => (row.step.required ? "yes" : "no") },
        { id: "drill", header: "In drills", value: (row) => inDrill(row.step), cell: (row) => inDrill(row.step).toLowerCase() },
      ]}
    />
  );
}

/** What was checked of a plan, when, and what it came to. */
export function Checks({ readiness }: { readiness: KnownReadiness }) {
  return (
    <DataTable
      title={readiness.ready ? "Ready" : "Not ready"}
      name="check"
      items={readiness.checks}
      rowKey={(row) => `${row.check} ${row.subject} ${row.message}`}
      empty={readiness.scheduled ? "No check failed." : "Nothing was checked."}
      description={told(readiness)}
      columns={[
        { id: "status", header: "Status", value: (row) => row.status, cell: (row) => <Word status={row.status} />, width: 100 },
        { id: "check", header: "Check", isRowHeader: true, value: (row) => row.check, cell: (row) => <Text>{row.check}</Text>, width: 140 },
        { id: "subject", header: "Subject", value: (row) => row.subject, cell: (row) => <Text>{row.subject}</Text>, width: 205 },
        { id: "message", header: "Message", value: (row) => row.message, cell: (row) => <More most={300} label={`the message of ${row.check}, ${row.subject}`}>{row.message}</More>, width: 300 },
      ]}
    />
  );
}
