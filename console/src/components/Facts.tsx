import Box from "@cloudscape-design/components/box";
import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import KeyValuePairs, { type KeyValuePairsProps } from "@cloudscape-design/components/key-value-pairs";
import type { Execution } from "../api/model";
import { actor } from "../lib/text";
import { duration, moment, secondsBetween } from "../lib/time";
import { leftInWords } from "../lib/words";
import { More } from "./More";
import { Word } from "./Status";
import { Text } from "./Text";

/** What is known of an execution beside its card: who asked for it and why, what is left of it, what was said of it. */
export function Facts({ execution, now }: { execution: Execution; now: number }) {
  return (
    <Container header={<Header variant="h2">Details</Header>}>
      <KeyValuePairs columns={4} items={[...origin(execution), ...remains(execution, now), ...said(execution)]} />
    </Container>
  );
}

type Items = KeyValuePairsProps.Item[];

function origin(execution: Execution): Items {
  return [
    { label: "Requested", value: <><Text>{actor(execution.requestedBy)}</Text>, {moment(execution.startedAt)}</> },
    { label: "Reason", value: <More label="the reason">{execution.reason}</More> },
    ...(execution.endedAt ? [{ label: "Ended", value: moment(execution.endedAt) }] : []),
    ...(execution.before ? [{ label: "Recovery points", value: `not later than ${moment(execution.before)}` }] : []),
  ];
}

function remains(execution: Execution, now: number): Items {
  const { termination, lease, terminationMetadata } = execution;
  const asked = termination.status !== "NOT_REQUESTED";
  const left = lease?.expiresAt ? secondsBetween(new Date(now).toISOString(), lease.expiresAt) : null;
  return [
    { label: "Instances left running", value: leftInWords(execution) },
    {
      label: "Termination",
      value: (
        <>
          {asked ? <Word status={termination.status} /> : "not requested"}
          {asked && ` ${termination.terminated} terminated`}
          {!terminationMetadata.canTerminate && terminationMetadata.reason && (
            <Box color="text-body-secondary" fontSize="body-s">
              {terminationMetadata.reason}
            </Box>
          )}
        </>
      ),
    },
    ...(lease
      ? [{ label: "Lease", value: left === null ? `${lease.minutes} minutes from the end` : `until ${moment(lease.expiresAt)}${left > 0 ? ` (${duration(left)} left)` : " (over)"}` }]
      : []),
  ];
}

function said({ cancel, verdict, lastSeenAt }: Execution): Items {
  return [
    ...(cancel
      ? [{ label: "Cancelled", value: <><Text>{actor(cancel.actor)}</Text>, {moment(cancel.at)}, {cancel.then.toLowerCase()}{cancel.reason && <>: <More label="the reason of the cancel">{cancel.reason}</More></>}</> }]
      : []),
    ...(verdict
      ? [{ label: "Verdict", value: <><Word status={verdict.verdict} /> <Text>{actor(verdict.by)}</Text>{verdict.notes && <>: <More label="the notes">{verdict.notes}</More></>}</> }]
      : []),
    ...(lastSeenAt ? [{ label: "DRS last answered", value: moment(lastSeenAt) }] : []),
  ];
}
