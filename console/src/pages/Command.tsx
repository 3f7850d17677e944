import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import ContentLayout from "@cloudscape-design/components/content-layout";
import Header from "@cloudscape-design/components/header";
import KeyValuePairs from "@cloudscape-design/components/key-value-pairs";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { api } from "../api/client";
import { LIVE, paused, useCommand, useResults, useSession } from "../api/queries";
import type { CommandResult, CommandRun } from "../api/model";
import { DataTable } from "../components/DataTable";
import { Link } from "../components/Link";
import { More } from "../components/More";
import { ProblemAlert } from "../components/Problem";
import { Reading } from "../components/Reading";
import { Word } from "../components/Status";
import { Pre, Text } from "../components/Text";
import { rememberCommand } from "../lib/recent";
import { paths, useQueryValue } from "../lib/router";
import { clock, duration, moment } from "../lib/time";
import { commandText } from "../lib/words";

export function Command({ commandId }: { commandId: string }) {
  const query = useCommand(commandId);
  const found = query.data !== undefined;
  const apiUrl = useSession().data?.apiUrl;
  useEffect(() => {
    if (found && apiUrl) rememberCommand(apiUrl, commandId);
  }, [commandId, found, apiUrl]);
  return (
    <ContentLayout header={<Header variant="h1">Command run</Header>}>
      <Reading query={query}>{(run) => <Shown run={run} />}</Reading>
    </ContentLayout>
  );
}

function Shown({ run }: { run: CommandRun }) {
  const running = run.exitCode === null;
  const results = useResults(run.commandId, running);
  const [chosen, setChosen] = useQueryValue("chosen");
  const client = useQueryClient();
  const cancel = useMutation({
    mutationFn: () => api.cancelCommand(run.commandId),
    onSettled: () => client.invalidateQueries({ queryKey: ["command", run.commandId] }),
  });
  const shown = results.data?.find((result) => result.target === chosen);
  return (
    <SpaceBetween size="l">
      <ProblemAlert error={cancel.error} />
      <Container
        header={
          <Header
            variant="h2"
            description={<Text>{run.commandId}</Text>}
            actions={
              run.status === "IN_PROGRESS" && (
                <Button loading={cancel.isPending} onClick={() => cancel.mutate()}>
                  Cancel the command
                </Button>
              )
            }
          >
            <More most={200} label="the command">{commandText(run)}</More>
          </Header>
        }
      >
        <KeyValuePairs
          columns={4}
          items={[
            { label: "Status", value: <Word status={run.status} /> },
            { label: "Exit code", value: run.exitCode ?? "not ended" },
            { label: "Targets", value: `${run.succeeded} succeeded, ${run.failed} failed of ${run.total}${run.waiting ? `, ${run.waiting} cannot be reached yet` : ""}` },
            { label: "Execution", value: <Link to={paths.execution(run.executionId)}>{run.executionId}</Link> },
            { label: "Started", value: moment(run.startedAt) },
            { label: "Ended", value: moment(run.endedAt) },
          ]}
        />
      </Container>
      {run.merged && run.merged.length > 0 && <Merged rows={run.merged} />}
      {run.command === "watch" && <Lines commandId={run.commandId} />}
      <Reading query={results}>
        {(items) => (
          <DataTable
            title="Results"
            name="result"
            items={items}
            rowKey={(result) => result.target}
            empty={running ? "No result yet." : "No targets."}
            selected={shown ? [shown] : []}
            onSelect={([result]) => setChosen(result?.target ?? "")}
            columns={[
              { id: "target", header: "Target", isRowHeader: true, value: (r) => r.target, cell: (r) => <Text>{r.target}</Text>, width: 205 },
              { id: "outcome", header: "Outcome", value: (r) => String(r.success), cell: (r) => <Outcome result={r} />, width: 130 },
              { id: "code", header: "Exit code", value: (r) => r.exitCode, cell: (r) => r.exitCode },
              { id: "duration", header: "Duration", value: (r) => r.durationSeconds ?? null, cell: (r) => duration(r.durationSeconds) },
              { id: "output", header: "Output", value: (r) => r.stdout || r.stderr, cell: (r) => <Text most={200}>{r.stdout || r.stderr || "–"}</Text>, width: 260 },
            ]}
          />
        )}
      </Reading>
      {shown && (
        <Container header={<Header variant="h2" description={shown.truncated ? "There was more; all of it is in CloudWatch Logs." : undefined}>Output of <Text>{shown.target}</Text></Header>}>
          <SpaceBetween size="s">
            <Pre label="Standard output">{shown.stdout || "(nothing on standard output)"}</Pre>
            {shown.stderr && <Pre label="Standard error">{shown.stderr}</Pre>}
          </SpaceBetween>
        </Container>
      )}
      {run.summary && (
        <Container header={<Header variant="h2">Summary</Header>}>
          <Pre label="Summary">{run.summary}</Pre>
        </Container>
      )}
    </SpaceBetween>
  );
}

function Outcome({ result }: { result: CommandResult }) {
  return <Word status={result.success ? "COMPLETE_SUCCESS" : "FAILED"} text={result.success ? "succeeded" : (result.failureKind ?? "failed")} />;
}

function Merged({ rows }: { rows: NonNullable<CommandRun["merged"]> }) {
  const items = rows.map((row, at) => ({ at, target: String(row["target"] ?? ""), score: Number(row["score"] ?? 0), text: String(row["text"] ?? "") }));
  return (
    <DataTable
      title="Merged answer"
      name="row"
      items={items}
      rowKey={(row) => String(row.at)}
      empty="No rows."
      columns={[
        { id: "score", header: "Score", value: (row) => row.score, cell: (row) => row.score },
        { id: "target", header: "Target", value: (row) => row.target, cell: (row) => <Text>{row.target}</Text>, width: 180 },
        { id: "text", header: "Text", isRowHeader: true, value: (row) => row.text, cell: (row) => <Text>{row.text}</Text>, width: 300 },
      ]}
    />
  );
}

const MOST_LINES = 2000;

interface Line {
  target: string;
  at: string;
  line: string;
}

/** Lines as they are written, followed page by page until the API says that no more will come. */
function Lines({ commandId }: { commandId: string }) {
  const [lines, setLines] = useState<Line[]>([]);
  const [error, setError] = useState<unknown>(null);
  useEffect(() => {
    const stop = new AbortController();
    let token: string | undefined;
    async function follow() {
      while (!stop.signal.aborted) {
        try {
          const page = await api.lines(commandId, token, stop.signal);
          setError(null);
          if (page.items.length) setLines((before) => [...before, ...page.items].slice(-MOST_LINES));
          if (page.nextToken === null) return;
          token = page.nextToken;
        } catch (failure) {
          if (stop.signal.aborted) return;
          setError(failure);
        }
        await paused(LIVE);
      }
    }
    void follow();
    return () => stop.abort();
  }, [commandId]);
  return (
    <Container header={<Header variant="h2" counter={`(${lines.length})`}>Followed lines</Header>}>
      <ProblemAlert error={error} />
      <Pre label="Followed lines">{lines.map((line) => `${clock(line.at)} [${line.target}] ${line.line}`).join("\n") || "No line yet."}</Pre>
    </Container>
  );
}
