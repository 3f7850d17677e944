import Button from "@cloudscape-design/components/button";
import ButtonDropdown from "@cloudscape-design/components/button-dropdown";
import ContentLayout from "@cloudscape-design/components/content-layout";
import Header from "@cloudscape-design/components/header";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import { useMemo, useState } from "react";
import { useExecutions, usePlans } from "../api/queries";
import type { StoredPlan } from "../api/model";
import { DataTable, type Column } from "../components/DataTable";
import { Link } from "../components/Link";
import { PlanEditor } from "../components/PlanEditor";
import { Reading } from "../components/Reading";
import { StartDialog } from "../components/StartDialog";
import { DisplayBadge, Word } from "../components/Status";
import { Text } from "../components/Text";
import { runsByPlan, type PlanRuns } from "../lib/drills";
import { go, paths, useQueryValue } from "../lib/router";
import { duration, moment } from "../lib/time";

interface Row extends PlanRuns {
  stored: StoredPlan;
}

const NEW_PLAN = `planId: new-plan
name: New plan
objectives: {rtoMinutes: 60, rpoMinutes: 15}
waves:
  - name: first
    servers:
      - {sourceServerId: put-the-id-of-a-source-server-here}
`;

export function Plans() {
  const query = usePlans();
  const newest = useExecutions({}, 200);
  const [starting, setStarting] = useState<{ plan: StoredPlan; mode: "DRILL" | "RECOVERY" } | null>(null);
  const [fresh] = useQueryValue("new");
  const runs = useMemo(() => runsByPlan(newest.data?.items ?? []), [newest.data]);
  const rows = useMemo(
    () => (query.data ?? []).map((stored): Row => ({ stored, ...(runs.get(stored.plan.planId) ?? { busy: null, lastDrill: null, rtos: [] }) })),
    [query.data, runs],
  );
  if (fresh) {
    return (
      <ContentLayout header={<Header variant="h1">New plan</Header>}>
        <PlanEditor stored={null} newest={null} initial={NEW_PLAN} onStored={(plan) => go(paths.plan(plan.plan.planId))} />
      </ContentLayout>
    );
  }
  const columns = planColumns(newest.data !== undefined, (plan, mode) => setStarting({ plan, mode }));
  return (
    <ContentLayout header={<Header variant="h1">Recovery plans</Header>}>
      <Reading query={query}>
        {() => (
          <DataTable
            title="Plans"
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

function planColumns(known: boolean, start: (plan: StoredPlan, mode: "DRILL" | "RECOVERY") => void): Column<Row>[] {
  const unknown = <StatusIndicator type="loading">reading</StatusIndicator>;
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
            <Text most={120}>{row.stored.plan.name}</Text>
          </div>
        </>
      ),
      width: 150,
    },
    { id: "ready", header: "Ready", value: (row) => readiness(row.stored), cell: (row) => <Ready stored={row.stored} />, width: 120 },
    {
      id: "busy",
      header: "Busy with",
      value: (row) => row.busy?.status ?? null,
      cell: (row) =>
        !known ? unknown : row.busy ? (
          <>
            <DisplayBadge display={row.busy.display} />
            <div>
              <Link to={paths.execution(row.busy.executionId)}>
                {row.busy.mode.toLowerCase()} since {moment(row.busy.startedAt)}
              </Link>
            </div>
          </>
        ) : (
          "nothing"
        ),
      width: 140,
    },
    {
      id: "drill",
      header: "Last drill",
      value: (row) => row.lastDrill?.startedAt ?? null,
      cell: (row) =>
        !known ? unknown : row.lastDrill ? (
          <>
            <DisplayBadge display={row.lastDrill.display} />
            {row.lastDrill.verdict && <Word status={row.lastDrill.verdict.verdict} text={`verdict ${row.lastDrill.verdict.verdict.toLowerCase()}`} />}
            <div>
              <Link to={paths.execution(row.lastDrill.executionId)}>
                {moment(row.lastDrill.startedAt)}
              </Link>
            </div>
          </>
        ) : (
          "none"
        ),
      width: 140,
    },
    {
      id: "rto",
      header: "RTO of the last drills",
      value: (row) => row.rtos[0] ?? null,
      cell: (row) => `${row.rtos.map(duration).join(", ") || "–"} (objective ${row.stored.plan.objectives?.rtoMinutes ?? 60}m)`,
      width: 120,
    },
    { id: "next", header: "Next drill", value: (row) => nextDrill(row.stored), cell: (row) => <Text>{nextDrill(row.stored)}</Text> },
    {
      id: "actions",
      header: "Start",
      cell: ({ stored }) => (
        <ButtonDropdown
          expandToViewport
          ariaLabel={`Start ${stored.plan.planId}`}
          items={[
            { id: "DRILL", text: "Start a drill" },
            { id: "RECOVERY", text: "Start a recovery" },
            { id: "validate", text: "Validate" },
          ]}
          onItemClick={({ detail }) =>
            detail.id === "validate" ? go(paths.plan(stored.plan.planId, "readiness")) : start(stored, detail.id as "DRILL" | "RECOVERY")
          }
        >
          Start
        </ButtonDropdown>
      ),
      width: 130,
    },
  ];
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
          <Text most={200}>{one.message}</Text>
        </div>
      ))}
      <div>at {moment(found.checkedAt)}</div>
    </>
  );
}

function nextDrill({ plan, schedule }: StoredPlan): string {
  const wanted = plan.drill?.schedule;
  if (!wanted) return "none";
  const state = schedule ? ` (${schedule.state.toLowerCase()}${schedule.error ? `: ${schedule.error}` : ""})` : "";
  return `${wanted.expression} ${wanted.timezone}${state}`;
}
