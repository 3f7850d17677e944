import Alert from "@cloudscape-design/components/alert";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { ApiError } from "../api/client";
import { useStaleness, type Read } from "../api/staleness";
import { paths } from "../lib/router";
import { clock } from "../lib/time";
import { Link } from "./Link";
import { Text } from "./Text";

/** A refusal or a failure, in its own words. */
export function ProblemAlert({ error, header }: { error: unknown; header?: string }) {
  if (!error) return null;
  const known = error instanceof ApiError ? error : null;
  const problem = known?.problem;
  return (
    <Alert type="error" header={header ?? problem?.title ?? "Failed"} statusIconAriaLabel="Error">
      <Text>{error instanceof Error ? error.message : String(error)}</Text>
      {problem?.errors && problem.errors.length > 0 && (
        <ul className="wb-faults">
          {problem.errors.map((fault, at) => (
            <li key={at}>
              <Text>{`${fault.pointer}: ${fault.message}`}</Text>
            </li>
          ))}
        </ul>
      )}
      {problem?.executionId && (
        <div>
          Held by <Link to={paths.execution(problem.executionId)}>{problem.executionId}</Link>
        </div>
      )}
      {known?.code && (
        <div>
          Code: {known.code}
          {known.status ? ` (HTTP ${known.status})` : ""}
          {problem?.correlationId ? `, ${problem.correlationId}` : ""}
        </div>
      )}
    </Alert>
  );
}

/** Says that what is shown is old, since when, and why; and what of it could not be read at all. */
export function StaleAlert({ of, name = "A part of this page" }: { of: readonly Read<unknown>[]; name?: string }) {
  const stale = useStaleness(of);
  const unread = of.find((read) => read.data === undefined && read.error)?.error;
  if (!stale && !unread) return null;
  return (
    <SpaceBetween size="s">
      {stale && (
        <Alert type="warning" header={`Old: as it was at ${clock(new Date(stale.since).toISOString())}`} statusIconAriaLabel="Warning">
          {stale.error ? (
            <>
              {stale.error.away ? "The API does not answer" : "The API refuses to say more"}: <Text>{stale.error.message}</Text>
            </>
          ) : (
            "The API takes long to answer."
          )}
        </Alert>
      )}
      {unread && (
        <Alert type="warning" header={`${name} could not be read`} statusIconAriaLabel="Warning">
          <Text>{unread.message}</Text>
        </Alert>
      )}
    </SpaceBetween>
  );
}
