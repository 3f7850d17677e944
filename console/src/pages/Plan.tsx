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
import type { PlanDocument, Readiness, StoredPlan } from "../api/model";
import { DataTable } from "../components/DataTable";
import { useNotices } from "../components/Notices";
import { PlanEditor } from "../components/PlanEditor";
import { ProblemAlert } from "../components/Problem";
import { Reading } from "../components/Reading";
import { StartDialog } from "../components/StartDialog";
import { Word } from "../components/Status";
import { Text } from "../components/Text";
import { WaveGraph } from "../components/WaveGraph";
import { planNodes } from "../lib/graph";
import { useQueryValue } from "../lib/router";
import { moment } from "../lib/time";
import { executionColumns } from "./Executions";

export function Plan({ planId }: { planId: string }) {
  const query = usePlan(planId);
  return (
    <ContentLayout header={<Header variant="h1">Recovery plan</Header>}>
      <Reading query={query}>{(stored) => <Shown stored={stored} />}</Reading>
    </ContentLayout>
  );
}

function Shown({ stored }: { stored: StoredPlan }) {
  const { plan } = stored;
  const [tab, setTab] = useQueryValue("tab", "graph");
  const [mode, setMode] = useState<"DRILL" | "RECOVERY" | null>(null);
  const notices = useNotices();
  const history = useExecutions({ planId: plan.planId }, 50, tab === "history");
  const validation = useMutation({ mutationFn: () => api.validatePlan(plan.planId) });
  const { mutate: validate } = validation;
  useEffect(() => {
    if (tab === "readiness") validate();
  }, [tab, validate]);
  return (
    <SpaceBetween size="l">
      <Container
        header={
          <Header
            variant="h2"
            description={`${plan.planId}, version ${stored.version}, stored ${moment(stored.updatedAt)}`}
            actions={
              <SpaceBetween direction="horizontal" size="xs">
                <Button loading={validation.isPending} onClick={() => (tab === "readiness" ? validate() : setTab("readiness"))}>
                  Validate
                </Button>
                <Button onClick={() => setMode("DRILL")}>Start a drill</Button>
                <Button onClick={() => setMode("RECOVERY")}>Start a recovery</Button>
              </SpaceBetween>
            }
          >
            <Text>{plan.name}</Text>
          </Header>
        }
      >
        <Text>{plan.description ?? "No description."}</Text>
        <div>
          Objectives: RTO {plan.objectives?.rtoMinutes ?? 60} minutes, RPO {plan.objectives?.rpoMinutes ?? 15} minutes.
        </div>
      </Container>
      <Tabs
        activeTabId={tab}
        onChange={({ detail }) => setTab(detail.activeTabId)}
        tabs={[
          { id: "graph", label: "Graph", content: <Graph plan={plan} /> },
          { id: "servers", label: "Servers", content: <Servers plan={plan} readiness={validation.data} /> },
          {
            id: "readiness",
            label: "Readiness",
            content: (
              <SpaceBetween size="m">
                <ProblemAlert error={validation.error} />
                {validation.isPending && <StatusIndicator type="loading">Validating</StatusIndicator>}
                {validation.data && <Checks readiness={validation.data} />}
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
            content: <Reading query={history}>{(page) => <DataTable title="Executions" name="run" items={page.items} columns={executionColumns} rowKey={(row) => row.executionId} empty="This plan has not run." />}</Reading>,
          },
        ]}
      />
      {mode && <StartDialog plan={stored} mode={mode} onClose={() => setMode(null)} />}
    </SpaceBetween>
  );
}

interface StepWords {
  command?: string;
  automation?: string;
  function?: string;
}

function steps(wave: object): string[] {
  const { before, after } = wave as Record<string, StepWords[] | undefined>;
  const name = (step: StepWords) => step.command ?? step.automation ?? step.function ?? "step";
  const list = (word: string, found: StepWords[] | undefined) => (found?.length ? [`${word}: ${found.map(name).join(", ")}`] : []);
  return [...list("before", before), ...list("after", after)];
}

function Graph({ plan }: { plan: PlanDocument }) {
  const nodes = useMemo(
    () =>
      planNodes(plan.waves).map((node, at) => {
        const wave = plan.waves[at]!;
        const many = wave.servers ? `${wave.servers.length} servers` : `tags ${Object.entries(wave.selector?.tags ?? {}).map((tag) => tag.join("=")).join(", ")}`;
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

function Servers({ plan, readiness }: { plan: PlanDocument; readiness: Readiness | undefined }) {
  const found = useMemo(() => {
    const worst = new Map<string, Readiness["checks"][number]>();
    const rank = { PASS: 0, WARN: 1, FAIL: 2 };
    for (const check of readiness?.checks ?? []) {
      const before = worst.get(check.subject);
      if (!before || rank[check.status] > rank[before.status]) worst.set(check.subject, check);
    }
    return worst;
  }, [readiness]);
  const rows = plan.waves.flatMap((wave, at) => (wave.servers ?? []).map((server) => ({ ...server, wave: `${at + 1} ${wave.name}` })));
  return (
    <DataTable
      title="Servers"
      name="server"
      items={rows}
      rowKey={(row) => row.sourceServerId}
      empty="The waves choose their servers by tags when an execution starts."
      description={readiness ? undefined : "Validate the plan to see the readiness of each."}
      columns={[
        { id: "server", header: "Server", isRowHeader: true, value: (row) => row.sourceServerId, cell: (row) => <Text>{row.sourceServerId}</Text> },
        { id: "wave", header: "Wave", value: (row) => row.wave, cell: (row) => row.wave },
        { id: "impact", header: "Impact", value: (row) => row.impact ?? "CRITICAL", cell: (row) => (row.impact ?? "CRITICAL").toLowerCase() },
        {
          id: "ready",
          header: "Readiness",
          value: (row) => found.get(row.sourceServerId)?.status ?? null,
          cell: (row) => {
            const check = found.get(row.sourceServerId);
            return check ? <><Word status={check.status} /> <Text>{check.message}</Text></> : "not checked";
          },
        },
      ]}
    />
  );
}

function Checks({ readiness }: { readiness: Readiness }) {
  return (
    <DataTable
      title={readiness.ready ? "Ready" : "Not ready"}
      name="check"
      items={readiness.checks}
      rowKey={(row) => `${row.check} ${row.subject} ${row.message}`}
      empty="Nothing was checked."
      columns={[
        { id: "status", header: "Status", value: (row) => row.status, cell: (row) => <Word status={row.status} /> },
        { id: "check", header: "Check", isRowHeader: true, value: (row) => row.check, cell: (row) => <Text>{row.check}</Text> },
        { id: "subject", header: "Subject", value: (row) => row.subject, cell: (row) => <Text>{row.subject}</Text>, width: 160 },
        { id: "message", header: "Message", value: (row) => row.message, cell: (row) => <Text>{row.message}</Text>, width: 240 },
      ]}
    />
  );
}
