import Badge, { type BadgeProps } from "@cloudscape-design/components/badge";
import StatusIndicator, { type StatusIndicatorProps } from "@cloudscape-design/components/status-indicator";
import { useNarrow } from "../lib/narrow";
import { visible } from "../lib/text";
import { inWords } from "../lib/words";

export interface Display {
  label: string;
  color: string;
  icon: string;
}

const COLORS: Record<string, BadgeProps["color"]> = {
  green: "green",
  red: "red",
  blue: "blue",
  gray: "grey",
  orange: "severity-medium",
};

/** The mark that many machines have in a font of coloured pictures only, even where text is asked for. */
export const PAUSE = "⏸";

/** A mark as text. */
export function asGlyph(icon: string): string {
  return icon === PAUSE ? `${PAUSE}\ufe0e` : icon;
}

/** A badge in the words, mark and colour that the API gives. */
export function DisplayBadge({ display }: { display: Display }) {
  return (
    <Badge color={COLORS[display.color] ?? "grey"}>
      <span aria-hidden="true" className={display.icon === PAUSE ? "wb-pause" : "wb-badge"}>{asGlyph(display.icon)}</span> {visible(display.label)}
    </Badge>
  );
}

const WORDS: Record<string, StatusIndicatorProps.Type> = {
  LAUNCHED: "success",
  FAILED: "error",
  IN_PROGRESS: "in-progress",
  PENDING: "pending",
  TERMINATED: "stopped",
  PASS: "success",
  WARN: "warning",
  FAIL: "error",
  PASSED: "success",
  COMPLETE_SUCCESS: "success",
  SUCCEEDED: "success",
  COMPLETE_FAILURE: "error",
  PARTIAL_SUCCESS: "warning",
  PARTIAL: "warning",
  CANCELLING: "in-progress",
  CANCELLED: "stopped",
  SKIPPED: "stopped",
  NOT_STARTED: "pending",
  closed: "success",
  open: "error",
  half_open: "warning",
  healthy: "success",
  degraded: "error",
  COMPLETED: "success",
  INCOMPLETE: "warning",
};

export function Word({ status, text }: { status: string; text?: string }) {
  const narrow = useNarrow();
  const words = visible(text ?? inWords(status));
  return (
    <StatusIndicator type={WORDS[status] ?? "info"} wrapText={narrow || words.length > 24}>
      {words}
    </StatusIndicator>
  );
}

/** The colour of a wave or a server, in a graph or a timeline. */
export function colorOf(status: string): string {
  switch (status) {
    case "COMPLETED":
    case "LAUNCHED":
      return "green";
    case "FAILED":
      return "red";
    case "IN_PROGRESS":
      return "blue";
    case "AWAITING_APPROVAL":
      return "orange";
    default:
      return "gray";
  }
}
