import Alert from "@cloudscape-design/components/alert";
import { ApiError } from "../api/client";
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

/** Says that what is shown is old, since when, and why. */
export function StaleAlert({ stale }: { stale: { since: number; error: ApiError } | null }) {
  if (!stale) return null;
  const known = stale.error.away ? "The API does not answer" : "The API refuses to say more";
  return (
    <Alert type="warning" header={`Old: as it was at ${clock(new Date(stale.since).toISOString())}`} statusIconAriaLabel="Warning">
      {known}: <Text>{stale.error.message}</Text>
    </Alert>
  );
}
