import Alert from "@cloudscape-design/components/alert";
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import ColumnLayout from "@cloudscape-design/components/column-layout";
import Container from "@cloudscape-design/components/container";
import ContentLayout from "@cloudscape-design/components/content-layout";
import Grid from "@cloudscape-design/components/grid";
import Header from "@cloudscape-design/components/header";
import KeyValuePairs from "@cloudscape-design/components/key-value-pairs";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Tabs from "@cloudscape-design/components/tabs";
import { useMemo, useState } from "react";
import type { Execution as ExecutionAnswer } from "../api/model";
import { api } from "../api/client";
import { useExecution, usePlan, useProgress } from "../api/queries";
import { ActionDialog, type Asked } from "../components/ActionDialog";
import { ExecutionCard } from "../components/ExecutionCard";
import { Link } from "../components/Link";
import { useNotices } from "../components/Notices";
import { Reading } from "../components/Reading";
import { ServersTable } from "../components/ServersTable";
import { Word, colorOf } from "../components/Status";
import { Text } from "../components/Text";
import { TimelineChart } from "../components/TimelineChart";
import { WaveGraph } from "../components/WaveGraph";
import { WAVE_WORDS, WaveList } from "../components/WaveList";
import { actionsOf, isActive, isEnded, waitingOf, waveActionsOf } from "../lib/actions";
import { useNow } from "../lib/now";
import { paths, useQueryValue } from "../lib/router";
import { actor } from "../lib/text";
import { timeline } from "../lib/timeline";
import { duration, moment, secondsBetween } from "../lib/time";
import { launchedOf, leftInWords } from "../lib/words";
import { Steps } from "./Steps";
import { Trail } from "./Trail";

export function Execution({ executionId }: { executionId: string }) {
  const query = useExecution(executionId);
  return (
    <ContentLayout header={<Header variant="h1">Execution</Header>}>
      <Reading query={query}>{(execution) => <Shown execution={execution} at={query.dataUpdatedAt} fresh={!query.error} />}</Reading>
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

function Shown({ execution, at, fresh }: { execution: ExecutionAnswer; at: number; fresh: boolean }) {
  const [asked, setAsked] = useState<Asked | null>(null);
  const [tab, setTab] = useQueryValue("tab", "overview");
  const notices = useNotices();
  const active = isActive(execution);
  const running = !isEnded(execution);
  const clockNow = useNow(fresh && active);
  const now = fresh && active ? Math.max(clockNow, at) : at; // a clock that ran on beside old news would look alive
  const progress = useProgress(execution.executionId, running || tab === "servers");
  const plan = usePlan(execution.planId, true);
  const started = plan.data?.version === execution.planVersion ? plan.data.plan : null;
  const objective = started && (started.objectives?.rtoMinutes ?? 60) * 60;
  const seconds = running ? Math.max(execution.durationSeconds ?? 0, Math.floor(secondsBetween(execution.startedAt, now))) : execution.durationSeconds;
  const actions = actionsOf(execution);
  const ask = (action: string, wave?: Asked["wave"]) => setAsked({ action, ...(wave ? { wave } : {}) });
  return (
    <SpaceBetween size="l">
      <Waiting execution={execution} ask={ask} canResume={actions.has("resume")} />
      <Warnings execution={execution} />
      <Container
        header={
          <Header
            variant="h2"
            description={
              <>
                <Link to={paths.plan(execution.planId)}>{execution.planId}</Link>, version {execution.planVersion},{" "}
                {execution.mode.toLowerCase()} <Text>{execution.executionId}</Text>
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
            {execution.mode === "RECOVERY" ? "Recovery" : "Drill"}
          </Header>
        }
      >
        <Grid gridDefinition={[{ colspan: { default: 12, s: 5 } }, { colspan: { default: 12, s: 7 } }]}>
          <ExecutionCard execution={execution} seconds={seconds} />
          <WaveList execution={execution} onAction={(wave, action) => ask(action, wave)} />
        </Grid>
      </Container>
      <Facts execution={execution} seconds={seconds} objective={objective} now={now} />
      <Tabs
        activeTabId={tab}
        onChange={({ detail }) => setTab(detail.activeTabId)}
        tabs={[
          { id: "overview", label: "Graph and timeline", content: <Overview execution={execution} progress={progress.data} now={now} objective={objective} /> },
          { id: "servers", label: "Servers", content: <ServersTable execution={execution} progress={progress.data} now={active ? now : 0} /> },
          { id: "steps", label: "Steps", content: <Steps execution={execution} /> },
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
  const waiting = waitingOf(execution);
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
            <Text>{one.text}</Text>
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
                <Text>{warning.message}</Text>
              </li>
            ))}
          </ul>
        </Alert>
      )}
      {termination.status === "INCOMPLETE" && (
        <Alert type="error" statusIconAriaLabel="Error" header={`${left.length} instances are not known to be terminated`}>
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

function Facts({ execution, seconds, objective, now }: { execution: ExecutionAnswer; seconds: number | null; objective: number | null; now: number }) {
  const { termination, lease, verdict, cancel } = execution;
  const late = objective !== null && seconds !== null && seconds > objective;
  return (
    <Container header={<Header variant="h2">What is known</Header>}>
      <KeyValuePairs
        columns={4}
        items={[
          {
            label: "Time against the RTO",
            value: objective === null ? "objective not known" : <span className={late ? "wb-red" : ""}>{`${duration(seconds)} of ${duration(objective)}${late ? ", passed" : ""}`}</span>,
          },
          { label: "Requested", value: <><Text>{actor(execution.requestedBy)}</Text>, {moment(execution.startedAt)}</> },
          { label: "Reason", value: <Text>{execution.reason}</Text> },
          { label: "Ended", value: moment(execution.endedAt) },
          ...(execution.before ? [{ label: "Recovery points", value: `not later than ${moment(execution.before)}` }] : []),
          {
            label: "Instances left running",
            value: leftInWords(execution),
          },
          {
            label: "Termination",
            value: (
              <>
                {termination.status === "NOT_REQUESTED" ? "not requested" : <Word status={termination.status} />}
                {termination.status !== "NOT_REQUESTED" && ` ${termination.terminated} terminated`}
                {!execution.terminationMetadata.canTerminate && execution.terminationMetadata.reason && (
                  <Box color="text-body-secondary" fontSize="body-s">
                    {execution.terminationMetadata.reason}
                  </Box>
                )}
              </>
            ),
          },
          ...(lease
            ? [{ label: "Lease", value: lease.expiresAt ? `until ${moment(lease.expiresAt)} (${duration(secondsBetween(new Date(now).toISOString(), lease.expiresAt))} left)` : `${lease.minutes} minutes from the end` }]
            : []),
          ...(cancel ? [{ label: "Cancelled", value: <><Text>{actor(cancel.actor)}</Text>, {moment(cancel.at)}, {cancel.then.toLowerCase()}: <Text>{cancel.reason}</Text></> }] : []),
          ...(verdict ? [{ label: "Verdict", value: <><Word status={verdict.verdict} /> <Text>{actor(verdict.by)}</Text>: <Text>{verdict.notes}</Text></> }] : []),
          ...(execution.lastSeenAt ? [{ label: "DRS last answered", value: moment(execution.lastSeenAt) }] : []),
        ]}
      />
    </Container>
  );
}

function Overview({ execution, progress, now, objective }: { execution: ExecutionAnswer; progress: Parameters<typeof timeline>[1]; now: number; objective: number | null }) {
  const nodes = useMemo(
    () =>
      execution.waves.map((wave) => ({
        name: wave.name,
        dependsOn: wave.dependsOn,
        label: `${wave.waveNumber} ${wave.name}`,
        state: `${wave.display.icon} ${wave.display.label}`,
        color: colorOf(wave.status),
        note: `${launchedOf(wave)} servers launched`,
      })),
    [execution.waves],
  );
  const bars = useMemo(() => timeline(execution, progress, now, objective), [execution, progress, now, objective]);
  return (
    <ColumnLayout columns={1}>
      <Container header={<Header variant="h2">Graph of waves</Header>}>
        <WaveGraph nodes={nodes} label="Graph of waves" />
      </Container>
      <Container header={<Header variant="h2">Timeline</Header>}>
        <TimelineChart timeline={bars} />
      </Container>
    </ColumnLayout>
  );
}
