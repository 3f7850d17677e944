import Button from "@cloudscape-design/components/button";
import ButtonDropdown from "@cloudscape-design/components/button-dropdown";
import ContentLayout from "@cloudscape-design/components/content-layout";
import Header from "@cloudscape-design/components/header";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import { useQueries } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { drillsQuery, useExecutions, usePlans } from "../api/queries";
import type { ExecutionSummary, StoredPlan } from "../api/model";
import { DataTable, type Column } from "../components/DataTable";
import { Link } from "../components/Link";
import { More } from "../components/More";
import { PlanEditor } from "../components/PlanEditor";
import { Reading } from "../components/Reading";
import { StartDialog } from "../components/StartDialog";
import { DisplayBadge, Word } from "../components/Status";
import { Text } from "../components/Text";
import { busyByPlan, drillsByPlan, startRefusal, type PlanRuns } from "../lib/drills";
import { nextDrill } from "../lib/next-drill";
import { go, paths, useQueryValue } from "../lib/router";
import { duration, moment } from "../lib/time";

/** What is told, that it is being read, or that it could not be: never a "none" that nobody said. */
type Told<T> = T | "reading" | "unread";

interface Row {
  stored: StoredPlan;
  busy: Told<ExecutionSummary | null>;
  runs: Told<PlanRuns>;
  /** When its next scheduled drill begins, as far as its expression tells. */
  next: Date | null;
}

const NEWEST = 200;
const NO_RUNS: PlanRuns = { lastDrill: null, rtos: [] };
const NEW_PLAN = `planId: new-plan
name: New plan
objectives: {rtoMinutes: 60, rpoMinutes: 15}
waves:
  - name: first
    servers:
      - {sourceServerId: put-the-id-of-a-source-server-here}
`;

export function Plans() {
  const [fresh] = useQueryValue("new");
  if (!fresh) return <Listed />;
  return (
    <ContentLayout header={<Header variant="h1">New plan</Header>}>
      <PlanEditor stored={null} newest={null} initial={NEW_PLAN} onStored={(plan) => go(paths.plan(plan.plan.planId))} />
    </ContentLayout>
  );
}

function Listed() {
  const query = usePlans();
  const newest = useExecutions({}, NEWEST);
  const active = useExecutions({ active: "true" }, 1000);
  const [starting, setStarting] = useState<{ plan: StoredPlan; mode: "DRILL" | "RECOVERY" } | null>(null);
  const rows = useRows(query.data ?? [], newest, active);
  const columns = planColumns((plan, mode) => setStarting({ plan, mode }));
  return (
    <ContentLayout header={<Header variant="h1">Recovery plans</Header>}>
      <Reading query={query} beside={[newest, active]}>
        {() => (
          <DataTable
            title="Plans"
            titled
            items={rows}
            columns={columns}
            rowKey={(row) => row.stored.plan.planId}
            empty="No plan yet."
            actions={<Button onClick={() => go(paths.newPlan())}>New plan</Button>}
          />
        )}
      </Reading>
      {starting && <StartDialog plan={starting.plan} mode={starting.mode} onClose={() => setStarting(null)} />}
    </ContentLayout>
  );
}

/** Plans with what holds them and their last drills; a plan that the newest executions do not name is asked for. */
function useRows(plans: readonly StoredPlan[], newest: ReturnType<typeof useExecutions>, active: ReturnType<typeof useExecutions>): Row[] {
  const drills = useMemo(() => drillsByPlan(newest.data?.items ?? []), [newest.data]);
  const busy = useMemo(() => busyByPlan(active.data?.items ?? []), [active.data]);
  const beyond = newest.data?.nextToken != null;
  const missing = beyond ? plans.map((stored) => stored.plan.planId).filter((planId) => (drills.get(planId)?.rtos.length ?? 0) === 0) : [];
  const asked = useQueries({ queries: missing.map(drillsQuery) });
  const runsOf = (planId: string): Told<PlanRuns> => {
    const at = missing.indexOf(planId);
    if (at < 0) return newest.data ? (drills.get(planId) ?? NO_RUNS) : newest.error ? "unread" : "reading";
    const own = asked[at]!;
    if (own.data) return drillsByPlan(own.data.items).get(planId) ?? NO_RUNS;
    return own.error ? "unread" : "reading";
  };
  const now = new Date();
  return plans.map((stored): Row => {
    const { planId } = stored.plan;
    return { stored, busy: active.data ? (busy.get(planId) ?? null) : active.error ? "unread" : "reading", runs: runsOf(planId), next: nextOf(stored, now) };
  });
}

function Untold({ told }: { told: "reading" | "unread" }) {
  return told === "reading" ? <StatusIndicator type="loading">reading</StatusIndicator> : <StatusIndicator type="warning">not read</StatusIndicator>;
}

const known = <T,>(told: Told<T>): T | null => (told === "reading" || told === "unread" ? null : told);

function planColumns(start: (plan: StoredPlan, mode: "DRILL" | "RECOVERY") => void): Column<Row>[] {
  return [
    {
      id: "plan",
      header: "Plan",
      isRowHeader: true,
      value: (row) => `${row.stored.plan.name} ${row.stored.plan.planId}`,
      cell: (row) => (
        <>
          <Link to={paths.plan(row.stored.plan.planId)}>{row.stored.plan.planId}</Link>
          <div>
            <More most={80} label={`the name of ${row.stored.plan.planId}`}>{row.stored.plan.name}</More>
          </div>
        </>
      ),
      width: 170,
    },
    { id: "ready", header: "Ready", value: (row) => readiness(row.stored), cell: (row) => <Ready stored={row.stored} />, width: 150 },
    { id: "busy", header: "Busy with", value: (row) => known(row.busy)?.status ?? null, cell: (row) => <Busy busy={row.busy} />, width: 160 },
    { id: "drill", header: "Last drill", value: (row) => known(row.runs)?.lastDrill?.startedAt ?? null, cell: (row) => <LastDrill runs={row.runs} />, width: 160 },
    {
      id: "rto",
      header: "RTO of the last drills",
      value: (row) => known(row.runs)?.rtos[0] ?? null,
      cell: (row) => `${known(row.runs)?.rtos.map(duration).join(", ") || "–"} (objective ${duration((row.stored.plan.objectives?.rtoMinutes ?? 60) * 60)})`,
      width: 130,
    },
    { id: "next", header: "Next scheduled drill", value: (row) => `${row.next?.toISOString() ?? "~"} ${scheduled(row)}`, cell: (row) => <Text>{scheduled(row)}</Text>, width: 120 },
    { id: "actions", header: "Start", cell: (row) => <Start row={row} start={start} />, width: 155 },
  ];
}

function Busy({ busy }: { busy: Row["busy"] }) {
  if (busy === "reading" || busy === "unread") return <Untold told={busy} />;
  if (!busy) return "nothing";
  return (
    <>
      <DisplayBadge display={busy.display} />
      <div>
        <Link to={paths.execution(busy.executionId)}>
          {busy.mode.toLowerCase()} since {moment(busy.startedAt)}
        </Link>
      </div>
    </>
  );
}

function LastDrill({ runs }: { runs: Row["runs"] }) {
  if (runs === "reading" || runs === "unread") return <Untold told={runs} />;
  const { lastDrill } = runs;
  if (!lastDrill) return "none";
  return (
    <>
      <DisplayBadge display={lastDrill.display} />
      {lastDrill.verdict && <Word status={lastDrill.verdict.verdict} text={`verdict ${lastDrill.verdict.verdict.toLowerCase()}`} />}
      <div>
        <Link to={paths.execution(lastDrill.executionId)}>{moment(lastDrill.startedAt)}</Link>
      </div>
    </>
  );
}

function Start({ row: { stored, busy }, start }: { row: Row; start: (plan: StoredPlan, mode: "DRILL" | "RECOVERY") => void }) {
  const item = (mode: "DRILL" | "RECOVERY", text: string) => {
    const refusal = startRefusal(mode, known(busy));
    return { id: mode, text, disabled: refusal !== null, ...(refusal ? { disabledReason: refusal } : {}) };
  };
  return (
    <ButtonDropdown
      expandToViewport
      ariaLabel={`Start ${stored.plan.planId}`}
      items={[item("DRILL", "Start a drill"), item("RECOVERY", "Start a recovery"), { id: "validate", text: "Validate" }]}
      onItemClick={({ detail }) =>
        detail.id === "validate" ? go(paths.plan(stored.plan.planId, "readiness")) : start(stored, detail.id as "DRILL" | "RECOVERY")
      }
    >
      Start
    </ButtonDropdown>
  );
}

function readiness(stored: StoredPlan): string {
  if (!stored.readiness) return "not checked";
  return stored.readiness.ready ? "ready" : "not ready";
}

function Ready({ stored }: { stored: StoredPlan }) {
  const found = stored.readiness;
  if (!found) return <StatusIndicator type="pending">not checked</StatusIndicator>;
  return (
    <>
      <StatusIndicator type={found.ready ? "success" : "error"}>{readiness(stored)}</StatusIndicator>
      {found.failing?.slice(0, 3).map((one, at) => (
        <div key={at}>
          <More most={100} label={`fault ${at + 1} of ${stored.plan.planId}`}>{one.message}</More>
        </div>
      ))}
      <div>at {moment(found.checkedAt)}</div>
    </>
  );
}

function nextOf({ plan }: StoredPlan, now: Date): Date | null {
  const wanted = plan.drill?.schedule;
  return wanted ? nextDrill(wanted.expression, wanted.timezone, now) : null;
}

function scheduled({ stored: { plan, schedule }, next }: Row): string {
  const wanted = plan.drill?.schedule;
  if (!wanted) return "none";
  const state = schedule && schedule.state !== "ACTIVE" ? ` (${schedule.state.toLowerCase()}${schedule.error ? `: ${schedule.error}` : ""})` : "";
  return `${next ? `${moment(next.toISOString())}, ` : ""}${wanted.expression} ${wanted.timezone}${state}`;
}
