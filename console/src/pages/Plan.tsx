import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import ContentLayout from "@cloudscape-design/components/content-layout";
import Header from "@cloudscape-design/components/header";
import SpaceBetween from "@cloudscape-design/components/space-between";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import Tabs from "@cloudscape-design/components/tabs";
import { useMutation } from "@tanstack/react-query";
import { useEffect, useMemo, useState } from "react";
import { api } from "../api/client";
import { useExecutions, usePlan } from "../api/queries";
import type { ExecutionSummary, PlanDocument, StoredPlan } from "../api/model";
import type { Read } from "../api/staleness";
import { DataTable } from "../components/DataTable";
import { Link } from "../components/Link";
import { More } from "../components/More";
import { useNotices } from "../components/Notices";
import { PlanEditor } from "../components/PlanEditor";
import { PlanServers, PlanSteps, Checks } from "../components/PlanTables";
import { ProblemAlert } from "../components/Problem";
import { Reading } from "../components/Reading";
import { StartDialog } from "../components/StartDialog";
import { DisplayBadge } from "../components/Status";
import { WaveGraph } from "../components/WaveGraph";
import { busyByPlan, startRefusal } from "../lib/drills";
import { planNodes } from "../lib/graph";
import { readinessOf, type KnownReadiness, type Validated } from "../lib/readiness";
import { paths, useQueryValue } from "../lib/router";
import { duration, moment } from "../lib/time";
import { counted, stepName } from "../lib/words";
import { executionColumns } from "./Executions";

export function Plan({ planId }: { planId: string }) {
  const query = usePlan(planId);
  const active = useExecutions({ planId, active: "true" });
  return (
    <ContentLayout header={<Header variant="h1">Recovery plan</Header>}>
      <Reading query={query} beside={[active]}>
        {(stored) => <Shown stored={stored} active={active} />}
      </Reading>
    </ContentLayout>
  );
}

/** A validation of a plan, kept with the version that it is about; it begins by itself where readiness is looked at. */
function useValidation({ plan: { planId }, version }: StoredPlan, looked: boolean) {
  const validation = useMutation({
    mutationFn: async (wanted: { planId: string; version: number }): Promise<Validated> => {
      const found = await api.validatePlan(wanted.planId);
      return { ...wanted, at: new Date().toISOString(), found };
    },
  });
  const { mutate } = validation;
  useEffect(() => {
    if (looked) mutate({ planId, version });
  }, [looked, planId, version, mutate]);
  return { ...validation, again: () => mutate({ planId, version }) };
}

function Shown({ stored, active }: { stored: StoredPlan; active: Read<{ items: ExecutionSummary[] }> }) {
  const { plan } = stored;
  const [tab, setTab] = useQueryValue("tab", "graph");
  const [mode, setMode] = useState<"DRILL" | "RECOVERY" | null>(null);
  const notices = useNotices();
  const history = useExecutions({ planId: plan.planId }, 50, tab === "history");
  const validation = useValidation(stored, tab === "readiness");
  const readiness = readinessOf(stored, validation.data);
  const busy = busyByPlan(active.data?.items ?? []).get(plan.planId);
  return (
    <SpaceBetween size="l">
      <Container
        header={
          <Header
            variant="h2"
            description={`${plan.planId}, version ${stored.version}, stored ${moment(stored.updatedAt)}`}
            actions={
              <SpaceBetween direction="horizontal" size="xs">
                <Button loading={validation.isPending} onClick={() => (tab === "readiness" ? validation.again() : setTab("readiness"))}>
                  Validate
                </Button>
                <Start mode="DRILL" busy={busy} onStart={setMode} />
                <Start mode="RECOVERY" busy={busy} onStart={setMode} />
              </SpaceBetween>
            }
          >
            <More most={80} label="the plan's name">{plan.name}</More>
          </Header>
        }
      >
        <SpaceBetween size="xs">
          <More most={300} label="the description">{plan.description ?? "No description."}</More>
          <div>
            Objectives: RTO {duration((plan.objectives?.rtoMinutes ?? 60) * 60)}, RPO {duration((plan.objectives?.rpoMinutes ?? 15) * 60)}.
          </div>
          <Standing readiness={readiness} />
          {busy && (
            <div data-testid="busy">
              Busy with <Link to={paths.execution(busy.executionId)}>{busy.executionId}</Link> <DisplayBadge display={busy.display} />
            </div>
          )}
        </SpaceBetween>
      </Container>
      <Tabs
        activeTabId={tab}
        onChange={({ detail }) => setTab(detail.activeTabId)}
        tabs={[
          { id: "graph", label: "Graph", content: <Graph plan={plan} /> },
          { id: "servers", label: "Servers", content: tab === "servers" ? <PlanServers plan={plan} readiness={readiness} /> : null },
          { id: "steps", label: "Steps", content: tab === "steps" ? <PlanSteps plan={plan} /> : null },
          {
            id: "readiness",
            label: "Readiness",
            content: (
              <SpaceBetween size="m">
                <ProblemAlert error={validation.error} />
                {validation.isPending && <StatusIndicator type="loading">Validating</StatusIndicator>}
                {readiness && <Checks readiness={readiness} />}
              </SpaceBetween>
            ),
          },
          {
            id: "edit",
            label: "Edit",
            content: tab === "edit" ? <PlanEditor stored={stored} newest={stored.version} onStored={(now) => notices.tell(`Version ${now.version} is stored`)} /> : null,
          },
          {
            id: "history",
            label: "History",
            content:
              tab === "history" ? (
                <Reading query={history}>{(page) => <DataTable title="Executions" name="run" items={page.items} columns={executionColumns} rowKey={(row) => row.executionId} empty="This plan has not run." />}</Reading>
              ) : null,
          },
        ]}
      />
      {mode && <StartDialog plan={stored} mode={mode} onClose={() => setMode(null)} />}
    </SpaceBetween>
  );
}

/** What starts a drill or a recovery: the recovery in a way that nobody takes for the other. */
function Start({ mode, busy, onStart }: { mode: "DRILL" | "RECOVERY"; busy: ExecutionSummary | undefined; onStart: (mode: "DRILL" | "RECOVERY") => void }) {
  const refusal = startRefusal(mode, busy);
  const reason = refusal ? { disabled: true, disabledReason: refusal } : {};
  return mode === "DRILL" ? (
    <Button {...reason} onClick={() => onStart(mode)}>
      Start a drill
    </Button>
  ) : (
    <Button {...reason} variant="primary" iconName="status-warning" onClick={() => onStart(mode)}>
      Start a recovery
    </Button>
  );
}

function Standing({ readiness }: { readiness: KnownReadiness | null }) {
  if (!readiness) return <StatusIndicator type="pending">not checked</StatusIndicator>;
  return (
    <div data-testid="readiness">
      <StatusIndicator type={readiness.ready ? "success" : "error"}>{readiness.ready ? "ready" : "not ready"}</StatusIndicator>{" "}
      <Box variant="span" color="text-body-secondary">
        {readiness.scheduled ? "by the scheduled check" : "validated"} at {moment(readiness.at)}
      </Box>
    </div>
  );
}

function steps({ before, after }: PlanDocument["waves"][number]): string[] {
  const list = (word: string, found: Parameters<typeof stepName>[0][] | undefined) => (found?.length ? [`${word}: ${found.map(stepName).join(", ")}`] : []);
  return [...list("before", before), ...list("after", after)];
}

function Graph({ plan }: { plan: PlanDocument }) {
  const nodes = useMemo(
    () =>
      planNodes(plan.waves).map((node, at) => {
        const wave = plan.waves[at]!;
        const many = wave.servers ? counted(wave.servers.length, "server") : `tags ${Object.entries(wave.selector?.tags ?? {}).map((tag) => tag.join("=")).join(", ")}`;
        const approval = wave.requiresApproval || (wave as { approval?: object }).approval ? "asks for approval" : "";
        return { ...node, label: `${at + 1} ${node.name}`, note: steps(wave).join("; ") || `on failure ${wave.onFailure ?? "STOP"}`, state: [many, approval].filter(Boolean).join(", "), color: approval ? "orange" : "blue" };
      }),
    [plan],
  );
  return (
    <Container header={<Header variant="h2">Graph of waves</Header>}>
      <WaveGraph nodes={nodes} label="Graph of waves" />
    </Container>
  );
}
