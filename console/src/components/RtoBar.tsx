import ProgressBar from "@cloudscape-design/components/progress-bar";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import type { Rto } from "../lib/recovery";

/** The time against the recovery time objective: what is left of it, or whether the API says that it was met. */
export function RtoBar({ rto }: { rto: Rto | null }) {
  if (!rto) return null;
  if (rto.met !== null) {
    return (
      <div data-testid="rto">
        RTO <StatusIndicator type={rto.met ? "success" : "error"}>{rto.words}</StatusIndicator>
      </div>
    );
  }
  return (
    <div data-testid="rto">
      <ProgressBar value={Math.min(100, Math.round((100 * rto.seconds) / rto.objective))} label="RTO" additionalInfo={rto.words} />
    </div>
  );
}
