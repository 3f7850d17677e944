import Box from "@cloudscape-design/components/box";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Spinner from "@cloudscape-design/components/spinner";
import type { ReactNode } from "react";
import type { Read } from "../api/staleness";
import { ProblemAlert, StaleAlert } from "./Problem";

interface Props<T> {
  query: Read<T>;
  /** What else is shown in it: what of it is old or could not be read is said above, too. */
  beside?: readonly Read<unknown>[];
  children: (data: T) => ReactNode;
}

/** What was read, or that it is being read, or why it cannot be; what is old says so above. */
export function Reading<T>({ query, beside = [], children }: Props<T>) {
  if (query.data === undefined) {
    if (query.error) return <ProblemAlert error={query.error} />;
    return <Loading />;
  }
  return (
    <SpaceBetween size="l">
      <StaleAlert of={[query, ...beside]} />
      {children(query.data)}
    </SpaceBetween>
  );
}

export function Loading() {
  return (
    <Box textAlign="center" padding="xxl">
      <Spinner size="large" /> <span role="status">Loading</span>
    </Box>
  );
}
