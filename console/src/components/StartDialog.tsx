import Alert from "@cloudscape-design/components/alert";
import Box from "@cloudscape-design/components/box";
import Checkbox from "@cloudscape-design/components/checkbox";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { api } from "../api/client";
import type { StoredPlan } from "../api/model";
import { go, paths } from "../lib/router";
import { counted } from "../lib/words";
import { ConfirmDialog, ReasonField, TypedId } from "./Dialog";
import { Text } from "./Text";

interface Props {
  plan: StoredPlan;
  mode: "DRILL" | "RECOVERY";
  onClose: () => void;
}

/** Starts a drill, or a recovery for which the plan's id has to be typed. */
export function StartDialog({ plan, mode, onClose }: Props) {
  const { planId } = plan.plan;
  const [reason, setReason] = useState("");
  const [typed, setTyped] = useState("");
  const [preempt, setPreempt] = useState(true);
  const start = useMutation({
    mutationFn: () =>
      api.start(mode, {
        planId,
        ...(reason.trim() ? { reason: reason.trim() } : {}),
        ...(mode === "RECOVERY" ? { preempt } : {}),
      }),
    onSuccess: (execution) => go(paths.execution(execution.executionId)),
  });
  const recovery = mode === "RECOVERY";
  const servers = plan.plan.waves.reduce((sum, wave) => sum + (wave.servers?.length ?? 0), 0);
  const selected = plan.plan.waves.filter((wave) => wave.selector).length;
  const title = recovery ? "Start a recovery" : "Start a drill";
  return (
    <ConfirmDialog title={title} button={title} call={start} onClose={onClose} ready={!recovery || typed === planId}>
      <Box>
        <Text>{plan.plan.name}</Text>, version {plan.version}: {counted(plan.plan.waves.length, "wave")}, {counted(servers, "server")}
        {selected > 0 && ` and those that ${selected === 1 ? "a selector chooses" : `${selected} selectors choose`}`}.
      </Box>
      {recovery && (
        <Alert type="warning" statusIconAriaLabel="Warning">
          This is no rehearsal: it launches every server, replaces what drills launched, and cancels drills that hold one.
        </Alert>
      )}
      {recovery && (
        <Checkbox checked={preempt} onChange={({ detail }) => setPreempt(detail.checked)}>
          Cancel drills that stand in the way
        </Checkbox>
      )}
      <ReasonField value={reason} onChange={setReason} />
      {recovery && <TypedId label="Plan id" wanted={planId} value={typed} onChange={setTyped} />}
    </ConfirmDialog>
  );
}
