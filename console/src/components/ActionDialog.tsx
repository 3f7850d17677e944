import Alert from "@cloudscape-design/components/alert";
import Box from "@cloudscape-design/components/box";
import FormField from "@cloudscape-design/components/form-field";
import Input from "@cloudscape-design/components/input";
import RadioGroup from "@cloudscape-design/components/radio-group";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api } from "../api/client";
import { newer } from "../api/queries";
import type { Execution, Wave } from "../api/model";
import { confirmationOf, endsInstances, isEnded, launchedServers } from "../lib/actions";
import { short, visible } from "../lib/text";
import { counted } from "../lib/words";
import { ConfirmDialog, ReasonField, TypedId } from "./Dialog";
import { Text } from "./Text";

export interface Asked {
  action: string;
  wave?: Wave;
}

interface Words {
  title: string;
  does: string;
  button: string;
  dangerous?: boolean;
}

function wordsOf({ action, wave }: Asked, execution: Execution): Words {
  const name = wave ? `wave ${wave.waveNumber}` : "the execution";
  const words: Record<string, Words> = {
    approve: { title: `Approve ${name}`, does: "It starts as soon as its dependencies allow.", button: "Approve" },
    reject: { title: `Reject ${name}`, does: "It fails, and what the plan says of a failure applies.", button: "Reject", dangerous: true },
    retry: { title: `Retry ${name}`, does: `Only the servers that failed are recovered again${execution.mode === "RECOVERY" ? "; drills that hold them are cancelled" : ""}.`, button: "Retry" },
    skip: { title: `Skip ${name}`, does: "It is left out, and the waves that wait for it go on.", button: "Skip", dangerous: true },
    pause: { title: "Pause", does: "No further wave starts; those that run go on.", button: "Pause" },
    resume: { title: "Resume", does: "Waves that wait start again.", button: "Resume" },
    cancel: {
      title: "Cancel the execution",
      does: "Waves that have not started are cancelled. DRS jobs that run cannot be stopped: what they launch is recorded. A cancel is final.",
      button: "Cancel the execution",
      dangerous: true,
    },
    terminate: {
      title: "Terminate Recovery Instances",
      does: "The recovery instances of these servers are terminated. What is on them is lost.",
      button: "Terminate Recovery Instances",
      dangerous: true,
    },
    lease: { title: "Set the lease", does: `The drill's instances stay until that much from ${isEnded(execution) ? "now" : "its end"}.`, button: "Set the lease" },
    verdict: { title: "Give a verdict", does: "What people say of this execution; the last one counts.", button: "Give the verdict" },
  };
  return words[action] ?? { title: action, does: "", button: action };
}

interface Props {
  execution: Execution;
  asked: Asked;
  onClose: () => void;
  onDone: (message: string) => void;
}

/** Says what a call will do and to which servers, takes reason and confirmation, shows the outcome or the refusal. */
export function ActionDialog({ execution, asked, onClose, onDone }: Props) {
  const { action, wave } = asked;
  const words = wordsOf(asked, execution);
  const [reason, setReason] = useState("");
  const [then, setThen] = useState(execution.status === "CANCELLING" ? "TERMINATE" : "KEEP");
  const [typed, setTyped] = useState("");
  const [verdict, setVerdict] = useState("PASSED");
  const [minutes, setMinutes] = useState(String(execution.lease?.minutes ?? 60));
  const client = useQueryClient();
  const confirmation = confirmationOf(execution, action, then);
  const call = useMutation({
    mutationFn: () => send(),
    onSuccess: (answer) => {
      if (answer && "version" in answer) {
        client.setQueryData(["execution", execution.executionId], (shown: Execution | undefined) => newer(shown, answer));
      }
      void client.invalidateQueries({ queryKey: ["execution", execution.executionId] });
      onDone(`${words.title}: accepted`);
      onClose();
    },
  });

  const because = reason.trim() ? { reason: reason.trim() } : {};
  const confirm = confirmation ? { confirm: typed } : {};
  function send(): Promise<Execution> {
    if (wave) return api.operateWave(execution.executionId, wave.waveNumber, action, because);
    if (action === "cancel") return api.operate(execution.executionId, action, { ...because, then, ...confirm });
    if (action === "terminate") return api.operate(execution.executionId, action, { ...because, ...confirm });
    if (action === "verdict") {
      return api.operate(execution.executionId, action, { verdict, ...(reason.trim() ? { notes: reason.trim() } : {}) });
    }
    if (action === "lease") return api.operate(execution.executionId, action, { minutes: Number(minutes), ...because });
    return api.operate(execution.executionId, action, because);
  }

  const ready = (!confirmation || typed === confirmation) && (action !== "lease" || /^[0-9]+$/.test(minutes));
  const affected = endsInstances(action, then) ? launchedServers(execution) : [];
  return (
    <ConfirmDialog title={words.title} button={words.button} call={call} onClose={onClose} ready={ready}>
      {words.dangerous ? (
        <Alert type="warning" statusIconAriaLabel="Warning">
          {words.does}
        </Alert>
      ) : (
        <Box>{words.does}</Box>
      )}
      {wave && wave.servers.length > 0 && (
        <Servers names={(action === "retry" ? wave.servers.filter((s) => s.launchStatus === "FAILED") : wave.servers).map((one) => nameOf(one))} />
      )}
      {affected.length > 0 && <Servers names={affected.map((one) => nameOf(one, true))} />}
      {action === "cancel" && (
        <FormField label="What was launched">
          <RadioGroup
            value={then}
            onChange={({ detail }) => setThen(detail.value)}
            items={[
              { value: "KEEP", label: "Keep", description: "Instances stay until they are terminated.", disabled: execution.status === "CANCELLING" },
              { value: "TERMINATE", label: "Terminate", description: "Instances are terminated once nothing is in flight." },
            ]}
          />
        </FormField>
      )}
      {action === "verdict" && (
        <FormField label="Verdict">
          <RadioGroup
            value={verdict}
            onChange={({ detail }) => setVerdict(detail.value)}
            items={[
              { value: "PASSED", label: "Passed" },
              { value: "FAILED", label: "Failed" },
            ]}
          />
        </FormField>
      )}
      {action === "lease" && (
        <FormField label={isEnded(execution) ? "Minutes from now" : "Minutes from its end"} constraintText="15 to 10080">
          <Input value={minutes} inputMode="numeric" onChange={({ detail }) => setMinutes(detail.value)} />
        </FormField>
      )}
      <ReasonField label={action === "verdict" ? "Notes" : "Reason"} value={reason} onChange={setReason} />
      {confirmation && <TypedId label="Execution id" wanted={confirmation} value={typed} onChange={setTyped} />}
    </ConfirmDialog>
  );
}

interface Named {
  name: string;
  ids: string[];
}

/** A server by its name, and the ids that say which it is. */
function nameOf(server: { name?: string | null; sourceServerId: string; recoveryInstanceId?: string | null }, instance = false): Named {
  const ids = [...(server.name ? [server.sourceServerId] : []), ...(instance && server.recoveryInstanceId ? [server.recoveryInstanceId] : [])];
  return { name: server.name ?? server.sourceServerId, ids };
}

function Servers({ names }: { names: Named[] }) {
  const words = counted(names.length, "server");
  return (
    <div>
      <Box variant="awsui-key-label">{words}</Box>
      <ul className="wb-names" aria-label={words} {...(names.length > SHORT ? { tabIndex: 0 } : {})}>
        {names.slice(0, SHOWN).map(({ name, ids }) => (
          <li key={`${name} ${ids.join()}`}>
            <Text>{short(name, 80)}</Text>
            {ids.map((id) => (
              <span key={id} className="wb-id">
                {visible(id)}
              </span>
            ))}
          </li>
        ))}
        {names.length > SHOWN && <li>and {names.length - SHOWN} more</li>}
      </ul>
    </div>
  );
}

const SHORT = 4;
const SHOWN = 100;
