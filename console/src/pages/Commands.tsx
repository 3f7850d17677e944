import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import ContentLayout from "@cloudscape-design/components/content-layout";
import Form from "@cloudscape-design/components/form";
import FormField from "@cloudscape-design/components/form-field";
import Header from "@cloudscape-design/components/header";
import Input from "@cloudscape-design/components/input";
import Select from "@cloudscape-design/components/select";
import SpaceBetween from "@cloudscape-design/components/space-between";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import Textarea from "@cloudscape-design/components/textarea";
import { useMutation, useQueries } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { api } from "../api/client";
import { CALM, commandQuery, useSession } from "../api/queries";
import type { CommandName, CommandRun } from "../api/model";
import { DataTable } from "../components/DataTable";
import { Link } from "../components/Link";
import { More } from "../components/More";
import { ProblemAlert } from "../components/Problem";
import { Word } from "../components/Status";
import { recentCommands, rememberCommand } from "../lib/recent";
import { go, paths, useQueryValue } from "../lib/router";
import { moment } from "../lib/time";
import { commandText } from "../lib/words";

const NAMES: CommandName[] = ["query", "status", "watch", "fix-config", "start", "stop", "uninstall"];
const DANGEROUS = new Set(["stop", "uninstall"]);

interface Row {
  commandId: string;
  run: CommandRun | undefined;
  error: Error | null;
}

export function Commands() {
  const apiUrl = useSession().data?.apiUrl;
  const known = useMemo(() => (apiUrl ? recentCommands(apiUrl) : []), [apiUrl]);
  const runs = useQueries({
    queries: known.map((commandId) => commandQuery(commandId, CALM, false)),
  });
  const rows = known.map((commandId, at): Row => ({ commandId, run: runs[at]?.data, error: runs[at]?.error ?? null }));
  return (
    <ContentLayout header={<Header variant="h1">Commands</Header>}>
      <SpaceBetween size="l">
        <Forward />
        <DataTable
          title="Runs of this browser"
          items={rows}
          rowKey={(row) => row.commandId}
          empty="No command was forwarded from here."
          loading={apiUrl === undefined}
          filters={<OpenRun />}
          columns={[
            { id: "run", header: "Run", isRowHeader: true, value: (row) => row.commandId, cell: (row) => <Link to={paths.command(row.commandId)}>{row.commandId}</Link>, width: 250 },
            { id: "command", header: "Command", value: ({ run }) => (run ? commandText(run) : null), cell: ({ run }) => (run ? <More most={100}>{commandText(run)}</More> : "–"), width: 140 },
            { id: "status", header: "Status", value: ({ run }) => run?.status ?? null, cell: (row) => <Standing row={row} />, width: 160 },
            { id: "results", header: "Succeeded", value: ({ run }) => run?.succeeded ?? null, cell: ({ run }) => (run ? `${run.succeeded} of ${run.total}, ${run.failed} failed` : "–"), width: 130 },
            { id: "started", header: "Started", value: ({ run }) => run?.startedAt ?? null, cell: ({ run }) => moment(run?.startedAt), width: 130 },
            { id: "execution", header: "Execution", value: ({ run }) => run?.executionId ?? null, cell: ({ run }) => (run ? <Link to={paths.execution(run.executionId)}>{run.executionId}</Link> : "–"), width: 200 },
          ]}
        />
      </SpaceBetween>
    </ContentLayout>
  );
}

/** How a run stands, as it was last read; and that it could not be read again, in the API's words. */
function Standing({ row: { run, error } }: { row: Row }) {
  return (
    <>
      {run ? <Word status={run.status} /> : !error && <StatusIndicator type="loading">reading</StatusIndicator>}
      {error && (
        <div>
          <StatusIndicator type="warning">{run ? "old" : "not read"}</StatusIndicator> <More most={120} label="why a run is not read">{error.message}</More>
        </div>
      )}
    </>
  );
}

function OpenRun() {
  const [commandId, setCommandId] = useState("");
  const open = () => commandId.trim() && go(paths.command(commandId.trim()));
  return (
    <div className="wb-filters">
      <Input
        value={commandId}
        ariaLabel="Id of a run"
        placeholder="Id of a run"
        onChange={({ detail }) => setCommandId(detail.value)}
        onKeyDown={({ detail }) => detail.key === "Enter" && open()}
      />
      <Button onClick={open}>Open</Button>
    </div>
  );
}

const words = (text: string) => text.split(/\s+/).filter(Boolean);

function Forward() {
  const [executionId] = useQueryValue("executionId");
  const [command, setCommand] = useState<string>("status");
  const [args, setArgs] = useState("");
  const [execution, setExecution] = useState(executionId);
  const [targets, setTargets] = useState("");
  const [seconds, setSeconds] = useState("");
  const [limit, setLimit] = useState("10");
  const [typed, setTyped] = useState("");
  const apiUrl = useSession().data?.apiUrl;
  const run = useMutation({
    mutationFn: () =>
      api.forward({
        command,
        args: args.split("\n").filter(Boolean),
        ...(execution.trim() ? { executionId: execution.trim() } : {}),
        ...(words(targets).length ? { targets: words(targets) } : {}),
        ...(seconds ? { timeoutSeconds: Number(seconds) } : {}),
        ...(command === "query" ? { limit: Number(limit) } : {}),
      }),
    onSuccess: (started) => {
      if (apiUrl) rememberCommand(apiUrl, started.commandId);
      go(paths.command(started.commandId));
    },
  });
  const confirmed = !DANGEROUS.has(command) || typed === command;
  const aimed = execution.trim() !== "" || words(targets).length > 0;
  const missing = !aimed ? "Name an execution or targets." : !confirmed ? `Type ${command} to confirm.` : null;
  return (
    <Form
      actions={
        <Button variant="primary" disabled={missing !== null} {...(missing ? { disabledReason: missing } : {})} loading={run.isPending} onClick={() => run.mutate()}>
          Forward the command
        </Button>
      }
    >
      <Container header={<Header variant="h2">Forward a command</Header>}>
        <SpaceBetween size="m">
          <ProblemAlert error={run.error} />
          <FormField label="Command">
            <Select
              selectedOption={{ value: command, label: command }}
              options={NAMES.map((name) => ({ value: name, label: name }))}
              onChange={({ detail }) => setCommand(detail.selectedOption.value ?? "status")}
            />
          </FormField>
          <FormField label="Arguments" description="One a line.">
            <Textarea value={args} rows={2} onChange={({ detail }) => setArgs(detail.value)} />
          </FormField>
          <FormField label="Execution" description="All that it launched, unless targets are named.">
            <Input value={execution} onChange={({ detail }) => setExecution(detail.value)} />
          </FormField>
          <FormField label="Targets" description="Source servers or recovery instances, with spaces or line breaks between them.">
            <Textarea value={targets} rows={2} onChange={({ detail }) => setTargets(detail.value)} />
          </FormField>
          <FormField label="Seconds for each target" description="Empty: the command's own limit.">
            <Input value={seconds} inputMode="numeric" onChange={({ detail }) => setSeconds(detail.value.replace(/\D/g, ""))} />
          </FormField>
          {command === "query" && (
            <FormField label="Rows" description="Of the merged answer; 0 is all.">
              <Input value={limit} inputMode="numeric" onChange={({ detail }) => setLimit(detail.value.replace(/\D/g, ""))} />
            </FormField>
          )}
          {DANGEROUS.has(command) && (
            <FormField label="Confirmation" description={`Type ${command}: it is run on every target, one after another.`}>
              <Input value={typed} onChange={({ detail }) => setTyped(detail.value)} />
            </FormField>
          )}
        </SpaceBetween>
      </Container>
    </Form>
  );
}
