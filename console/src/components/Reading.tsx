import Box from "@cloudscape-design/components/box";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Spinner from "@cloudscape-design/components/spinner";
import type { UseQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { staleness } from "../api/queries";
import { ProblemAlert, StaleAlert } from "./Problem";

/** What was read, or that it is being read, or why it cannot be; what is old says so above. */
export function Reading<T>({ query, children }: { query: UseQueryResult<T>; children: (data: T) => ReactNode }) {
  if (query.data === undefined) {
    if (query.error) return <ProblemAlert error={query.error} />;
    return (
      <Box textAlign="center" padding="xxl">
        <Spinner size="large" /> <span role="status">Loading</span>
      </Box>
    );
  }
  return (
    <SpaceBetween size="l">
      <StaleAlert stale={staleness(query)} />
      {children(query.data)}
    </SpaceBetween>
  );
}
