import Alert from "@cloudscape-design/components/alert";
import Badge from "@cloudscape-design/components/badge";
import Button from "@cloudscape-design/components/button";
import ContentLayout from "@cloudscape-design/components/content-layout";
import Container from "@cloudscape-design/components/container";
import Grid from "@cloudscape-design/components/grid";
import Header from "@cloudscape-design/components/header";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Tabs from "@cloudscape-design/components/tabs";
import { useMemo, useState } from "react";
import type { Execution as ExecutionAnswer, Progress } from "../api/model";
import { api } from "../api/client";
import { useExecution, useProgress, useTrail } from "../api/queries";
import { useStaleness, type Read } from "../api/staleness";
import { ActionDialog, type Asked } from "../components/ActionDialog";
import { ExecutionCard } from "../components/ExecutionCard";
import { Facts } from "../components/Facts";
import { Link } from "../components/Link";
import { More } from "../components/More";
import { useNotices } from "../components/Notices";
import { StaleAlert } from "../components/Problem";
import { Reading } from "../components/Reading";
import { RtoBar } from "../components/RtoBar";
import { ServersTable } from "../components/ServersTable";
import { colorOf } from "../components/Status";
import { Text } from "../components/Text";
import { TimelineChart } from "../components/TimelineChart";
import { WaveGraph } from "../components/WaveGraph";
import { WAVE_WORDS, WaveList } from "../components/WaveList";
import { actionsOf, isActive, isEnded, waitingOf, waveActionsOf } from "../lib/actions";
import { useNow } from "../lib/now";
import { apiNow, lasted, rtoOf } from "../lib/recovery";
import { paths, useQueryValue } from "../lib/router";
import { timeline } from "../lib/timeline";
import { counted, launchedOf } from "../lib/words";
import { Steps } from "./Steps";
import { Trail } from "./Trail";

export function Execution({ executionId }: { executionId: string }) {
  const query = useExecution(executionId);
  const recovery = executionId.startsWith("recovery-");
  return (
    <ContentLayout
      header={
        <Header variant="h1" info={<Badge color={recovery ? "red" : "blue"}>{recovery ? "RECOVERY" : "DRILL"}</Badge>}>
          Execution
        </Header>
      }
    >
      <Reading query={query}>{(execution) => <Shown execution={execution} query={query} />}</Reading>
    </ContentLayout>
  );
}

const EXECUTION_WORDS: [string, string][] = [
  ["resume", "Resume"],
  ["pause", "Pause"],
  ["cancel", "Cancel"],
  ["terminate", "Terminate Recovery Instances"],
  ["lease", "Set the lease"],
  ["verdict", "Give a verdict"],
];

/** The API's time, once a second while it matters; it stands still beside what is old, or that would look alive. */
function useApiTime(execution: ExecutionAnswer, query: Read<ExecutionAnswer>, fresh: boolean): number {
  const ticking = fresh && (isActive(execution) || Boolean(execution.lease?.expiresAt));
  const now = useNow(ticking);
  return apiNow(execution, query.at, ticking ? Math.max(now, query.at) : query.heardAt);
}

function Shown({ execution, query }: { execution: ExecutionAnswer; query: Read<ExecutionAnswer> }) {
  const [asked, setAsked] = useState<Asked | null>(null);
  const [tab, setTab] = useQueryValue("tab", "overview");
  const notices = useNotices();
  const fresh = useStaleness([query]) === null;
  const now = useApiTime(execution, query, fresh);
  const running = !isEnded(execution);
  const servers = execution.waves.reduce((sum, wave) => sum + wave.servers.length, 0);
  const progress = useProgress(execution.executionId, running, servers);
  const actions = actionsOf(execution);
  const ask = (action: string, wave?: Asked["wave"]) => setAsked({ action, ...(wave ? { wave } : {}) });
  return (
    <SpaceBetween size="l">
      {fresh && (tab === "overview" || tab === "servers") && <StaleAlert of={[progress]} name="The phases of servers" />}
      <Waiting execution={execution} ask={ask} canResume={actions.has("resume")} />
      <Warnings execution={execution} />
      <Container
        header={
          <Header
            variant="h2"
            description={
              <>
                <Link to={paths.plan(execution.planId)}>{execution.planId}</Link>, version {execution.planVersion}
              </>
            }
            actions={
              <SpaceBetween direction="horizontal" size="xs">
                {EXECUTION_WORDS.filter(([action]) => actions.has(action)).map(([action, word]) => (
                  <Button key={action} variant={action === "terminate" ? "primary" : "normal"} onClick={() => ask(action)}>
                    {word}
                  </Button>
                ))}
                <Button href={api.reportAddress(execution.executionId)} target="_blank" iconName="external" iconAlign="right">
                  Report
                </Button>
              </SpaceBetween>
            }
          >
            <Text>{execution.executionId}</Text>
          </Header>
        }
      >
        <Grid gridDefinition={[{ colspan: { default: 12, s: 5 } }, { colspan: { default: 12, s: 7 } }]}>
          <div className="wb-left">
            <ExecutionCard execution={execution} seconds={lasted(execution, now)} />
            <RtoBar rto={rtoOf(execution, now)} />
          </div>
          <WaveList execution={execution} now={now} onAction={(wave, action) => ask(action, wave)} />
        </Grid>
      </Container>
      <Facts execution={execution} now={now} />
      <Tabs
        activeTabId={tab}
        onChange={({ detail }) => setTab(detail.activeTabId)}
        tabs={[
          { id: "overview", label: "Graph and timeline", content: tab === "overview" ? <Overview execution={execution} progress={progress.data} now={now} /> : null },
          { id: "servers", label: "Servers", content: tab === "servers" ? <ServersTable execution={execution} progress={progress.data} now={running ? now : 0} /> : null },
          { id: "steps", label: "Steps", content: tab === "steps" ? <Steps execution={execution} /> : null },
          { id: "trail", label: "Trail", content: tab === "trail" ? <Trail executionId={execution.executionId} /> : null },
        ]}
      />
      {asked && (
        <ActionDialog
          execution={execution}
          asked={asked}
          onClose={() => setAsked(null)}
          onDone={notices.tell}
        />
      )}
    </SpaceBetween>
  );
}

function Waiting({ execution, ask, canResume }: { execution: ExecutionAnswer; ask: (action: string, wave?: Asked["wave"]) => void; canResume: boolean }) {
  const paused = execution.status === "PAUSED" && execution.pausedBy.includes("OPERATOR");
  const trail = useTrail(execution.executionId, paused);
  const waiting = waitingOf(execution, paused ? trail.data : undefined);
  if (waiting.length === 0) return null;
  return (
    <SpaceBetween size="s">
      {waiting.map((one, at) => {
        const offered = one.wave ? [...waveActionsOf(execution, one.wave)] : canResume ? ["resume"] : [];
        return (
          <Alert
            key={at}
            type={one.kind === "failure" ? "error" : "warning"}
            statusIconAriaLabel={one.kind === "failure" ? "Error" : "Warning"}
            header="Waiting for somebody"
            action={
              <SpaceBetween direction="horizontal" size="xs">
                {offered.map((action) => (
                  <Button key={action} onClick={() => ask(action, one.wave)} ariaLabel={one.wave ? `${WAVE_WORDS[action]} wave ${one.wave.waveNumber}, which waits` : "Resume, which is waited for"}>
                    {WAVE_WORDS[action] ?? "Resume"}
                  </Button>
                ))}
              </SpaceBetween>
            }
          >
            <More most={400} label="what is waited for">{one.text}</More>
          </Alert>
        );
      })}
    </SpaceBetween>
  );
}

function Warnings({ execution }: { execution: ExecutionAnswer }) {
  const { termination, warnings } = execution;
  const left = [...termination.remaining, ...termination.unknown];
  return (
    <>
      {warnings.length > 0 && (
        <Alert type="warning" statusIconAriaLabel="Warning" header={warnings.length === 1 ? "Warning" : `${warnings.length} warnings`}>
          <ul className="wb-faults">
            {warnings.slice(0, 20).map((warning, at) => (
              <li key={at}>
                <More label={`warning ${at + 1}`}>{warning.message}</More>
              </li>
            ))}
          </ul>
        </Alert>
      )}
      {termination.status === "INCOMPLETE" && (
        <Alert type="error" statusIconAriaLabel="Error" header={`${counted(left.length, "instance")} not known to be terminated`}>
          <ul className="wb-faults">
            {left.slice(0, 20).map((one, at) => (
              <li key={at}>
                <Text>{`${one.recoveryInstanceId ?? one.sourceServerId}: ${one.reason ?? "no reason known"}`}</Text>
              </li>
            ))}
            {left.length > 20 && <li>and {left.length - 20} more</li>}
          </ul>
        </Alert>
      )}
    </>
  );
}

function Overview({ execution, progress, now }: { execution: ExecutionAnswer; progress: Progress | undefined; now: number }) {
  const objective = rtoOf(execution, now)?.objective ?? null;
  const nodes = useMemo(
    () =>
      execution.waves.map((wave) => ({
        name: wave.name,
        dependsOn: wave.dependsOn,
        label: `${wave.waveNumber} ${wave.name}`,
        icon: wave.display.icon,
        state: wave.display.label,
        color: colorOf(wave.status),
        note: `${launchedOf(wave)} servers launched`,
      })),
    [execution.waves],
  );
  const bars = useMemo(() => timeline(execution, progress, now, objective), [execution, progress, now, objective]);
  return (
    <SpaceBetween size="l">
      <Container header={<Header variant="h2">Graph of waves</Header>}>
        <WaveGraph nodes={nodes} label="Graph of waves" />
      </Container>
      <Container header={<Header variant="h2">Timeline</Header>}>
        <TimelineChart timeline={bars} />
      </Container>
    </SpaceBetween>
  );
}
