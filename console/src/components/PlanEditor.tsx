import Alert from "@cloudscape-design/components/alert";
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { api, ApiError } from "../api/client";
import { useSession } from "../api/queries";
import type { Fault, PlanDocument, StoredPlan } from "../api/model";
import { diffLines, hunks } from "../lib/diff";
import { keepDraft, keptDraft } from "../lib/drafts";
import { stay, useLeaving } from "../lib/router";
import { visible } from "../lib/text";
import { ConfirmDialog } from "./Dialog";
import { ProblemAlert } from "./Problem";
import { Text } from "./Text";
import { showLine, YamlEditor } from "./YamlEditor";

interface Props {
  /** Null for a new plan. */
  stored: StoredPlan | null;
  /** The newest version that the API has told of: another one than was opened means that somebody stored one. */
  newest: number | null;
  initial?: string;
  onStored: (plan: StoredPlan) => void;
}

const PAUSE = 300;
const LEAVING = "What you typed is not stored. It is kept for this tab until you come back. Leave?";

/** A plan as text: faults at their lines as one types, the difference before it is stored, no lost update, no lost draft. */
export function PlanEditor(props: Props) {
  const session = useSession();
  if (!session.data) return session.error ? <ProblemAlert error={session.error} /> : <Box>Loading</Box>;
  return <Editor {...props} apiUrl={session.data.apiUrl} />;
}

function Editor({ stored, newest, initial = "", onStored, apiUrl }: Props & { apiUrl: string }) {
  const [draft] = useState(() => keptDraft(apiUrl, stored?.plan.planId ?? null));
  const [base, setBase] = useState<{ text: string; version: number | null } | null>(
    draft ? { text: draft.base, version: draft.version } : stored ? null : { text: initial, version: null },
  );
  const [text, setText] = useState(draft?.text ?? initial);
  const [judged, setJudged] = useState<{ text: string; document: PlanDocument | null; faults: Fault[] } | null>(null);
  const [comparing, setComparing] = useState(false);
  const [trouble, setTrouble] = useState<unknown>(null);
  const area = useRef<HTMLTextAreaElement>(null);
  const client = useQueryClient();
  const planId = stored?.plan.planId ?? null;

  async function open(plan: StoredPlan) {
    const { text: written } = await api.planText(plan.plan);
    setBase({ text: written, version: plan.version });
    setText(written);
  }

  useEffect(() => {
    if (stored && !draft) open(stored).catch(setTrouble);
    // Only the plan that is edited opens a text: a version stored by somebody else must not replace what was typed.
  }, [planId]); // eslint-disable-line react-hooks/exhaustive-deps

  const unstored = base !== null && text !== base.text;
  useEffect(() => {
    if (base) keepDraft(apiUrl, planId, unstored ? { version: base.version, base: base.text, text } : null);
  }, [apiUrl, planId, base, text, unstored]);
  useLeaving(unstored ? LEAVING : null);

  useEffect(() => {
    if (!text.trim()) return undefined;
    const stop = new AbortController();
    const timer = window.setTimeout(() => {
      api
        .planFaults(text, planId, [], stop.signal)
        .then((found) => {
          setJudged({ text, ...found });
          setTrouble(null);
        })
        .catch((error: unknown) => !stop.signal.aborted && setTrouble(error));
    }, PAUSE);
    return () => {
      window.clearTimeout(timer);
      stop.abort();
    };
  }, [text, planId]);

  const store = useMutation({
    mutationFn: () => api.putPlan(judged!.document!, planId ?? judged!.document!.planId, base!.version),
    onSuccess: (plan) => {
      client.setQueryData(["plan", plan.plan.planId], plan);
      void client.invalidateQueries({ queryKey: ["plans"] });
      setComparing(false);
      if (stored) setBase({ text, version: plan.version });
      keepDraft(apiUrl, planId, null);
      stay(null);
      onStored(plan);
    },
    onError: async (error) => {
      if (error instanceof ApiError && error.problem.errors) {
        setComparing(false);
        const found = await api.planFaults(text, planId, error.problem.errors).catch(() => null);
        if (found) setJudged({ text, ...found });
      }
    },
  });

  if (!base) return trouble ? <ProblemAlert error={trouble} /> : <Box>Loading</Box>;
  const current = judged?.text === text ? judged : null;
  const faults = current?.faults ?? [];
  const changed = unstored || base.version === null;
  const overtaken = base.version !== null && newest !== null && newest > base.version;
  const storable = changed && current !== null && current.document !== null && faults.length === 0;
  return (
    <Container
      header={
        <Header
          variant="h2"
          description={base.version === null ? "A new plan" : `Version ${base.version}. Comments are not stored: the API keeps the document.`}
          actions={
            <SpaceBetween direction="horizontal" size="xs">
              <Button disabled={!unstored} onClick={() => setText(base.text)}>
                Undo all
              </Button>
              <Button variant="primary" disabled={!storable} onClick={() => { store.reset(); setComparing(true); }}>
                Compare and store
              </Button>
            </SpaceBetween>
          }
        >
          Plan as YAML
        </Header>
      }
    >
      <SpaceBetween size="m">
        {overtaken && (
          <Alert
            type="warning"
            statusIconAriaLabel="Warning"
            header={`Somebody stored version ${newest}`}
            action={<Button onClick={() => planId && api.plan(planId).then(open).catch(setTrouble)}>Open version {newest}</Button>}
          >
            What you have typed belongs to version {base.version}, and cannot be stored over theirs. Opening theirs drops it.
          </Alert>
        )}
        {draft && unstored && (
          <Alert type="info" statusIconAriaLabel="Info">
            This is what you typed before, for {base.version === null ? "a new plan" : `version ${base.version}`}. “Undo all” drops it.
          </Alert>
        )}
        <ProblemAlert error={trouble ?? (comparing ? null : store.error)} />
        <YamlEditor value={text} onChange={setText} faults={faults} label="Plan as YAML" area={area} />
        <div role="status" aria-label="Faults" data-testid="faults">
          {!text.trim() ? "" : current === null ? "Checking" : faults.length === 0 ? "No faults" : (
            <ul className="wb-faults">
              {faults.slice(0, 100).map((fault, at) => (
                <li key={at}>
                  <button type="button" onClick={() => showLine(area.current, fault.line ?? 1)}>
                    {fault.line ? `Line ${fault.line}` : "Text"}
                  </button>{" "}
                  <Text>{`${fault.pointer}: ${fault.message}`}</Text>
                </li>
              ))}
            </ul>
          )}
        </div>
      </SpaceBetween>
      {comparing && (
        <ConfirmDialog
          size="large"
          title={base.version === null ? "Store a new plan" : `Store over version ${base.version}`}
          button="Store"
          call={store}
          onClose={() => setComparing(false)}
        >
          <Diff before={base.version === null ? "" : base.text} after={text} />
        </ConfirmDialog>
      )}
    </Container>
  );
}

const MARKS = { same: "  ", added: "+ ", removed: "- " };

function Diff({ before, after }: { before: string; after: string }) {
  return (
    <div className="wb-diff" role="region" aria-label="Difference" tabIndex={0}>
      {hunks(diffLines(before, after)).map((line, at) =>
        line === null ? (
          <div key={at}>…</div>
        ) : (
          <div key={at} className={line.kind === "same" ? "" : `wb-${line.kind}`}>
            {MARKS[line.kind]}
            {visible(line.text)}
          </div>
        ),
      )}
    </div>
  );
}
