import Button from "@cloudscape-design/components/button";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import { useChain, useTrail } from "../api/queries";
import type { TrailEvent } from "../api/model";
import { DataTable } from "../components/DataTable";
import { More } from "../components/More";
import { Reading } from "../components/Reading";
import { Text } from "../components/Text";
import { actor } from "../lib/text";
import { moment } from "../lib/time";
import { inWords } from "../lib/words";

/** The audit trail: who did what and why, and whether its chain is whole. */
export function Trail({ executionId }: { executionId: string }) {
  const query = useTrail(executionId);
  const chain = useChain(executionId, query.data?.length ?? 0);
  return (
    <Reading query={query}>
      {(events) => (
        <DataTable
          title="Trail"
          name="event"
          items={events}
          rowKey={(event) => String(event.sequence)}
          empty="No events."
          actions={
            <div style={{ display: "flex", gap: 12, alignItems: "center", flexWrap: "wrap" }}>
              <ChainState chain={chain} />
              <Button iconName="download" onClick={() => download(executionId, events)}>
                Download
              </Button>
            </div>
          }
          columns={[
            { id: "sequence", header: "No.", value: (event) => event.sequence, cell: (event) => event.sequence },
            { id: "at", header: "At", value: (event) => event.at, cell: (event) => moment(event.at), width: 150 },
            { id: "type", header: "Event", isRowHeader: true, value: (event) => `${event.type} ${inWords(event.type)}`, cell: (event) => <Text>{inWords(event.type)}</Text>, width: 140 },
            { id: "wave", header: "Wave", value: (event) => event.waveNumber ?? null, cell: (event) => event.waveNumber ?? "–" },
            { id: "actor", header: "Who", value: (event) => event.actor, cell: (event) => <Text>{actor(event.actor)}</Text>, width: 120 },
            { id: "why", header: "Why", value: (event) => why(event), cell: (event) => <More label={`why of event ${event.sequence}`}>{why(event)}</More>, width: 180 },
            { id: "changes", header: "Changes", value: changes, cell: (event) => <More label={`the changes of event ${event.sequence}`}>{changes(event)}</More>, width: 190 },
          ]}
        />
      )}
    </Reading>
  );
}

function ChainState({ chain }: { chain: ReturnType<typeof useChain> }) {
  if (chain.error) return <StatusIndicator type="warning">Chain not checked: {chain.error.message}</StatusIndicator>;
  if (!chain.data) return <StatusIndicator type="loading">Checking the chain</StatusIndicator>;
  if (chain.data.intact) return <StatusIndicator type="success">Chain of {chain.data.events} events intact</StatusIndicator>;
  return (
    <StatusIndicator type="error">
      Chain broken at {chain.data.brokenAt ?? "the end"}: <Text>{chain.data.reason}</Text>
    </StatusIndicator>
  );
}

function why(event: TrailEvent): string {
  const reason = event.data["reason"] ?? event.data["error"];
  return typeof reason === "string" ? reason : "–";
}

function changes(event: TrailEvent): string {
  const listed = event.data["changes"];
  if (!Array.isArray(listed)) return "–";
  return listed
    .map((one: { waveNumber?: number; step?: { phase: string; name: string }; from?: string; to?: string }) =>
      `${one.waveNumber ? `wave ${one.waveNumber}${one.step ? `, ${one.step.phase.toLowerCase()} ${one.step.name}` : ""}: ` : ""}${one.from ?? "none"} → ${one.to ?? "none"}`.replaceAll("_", " "),
    )
    .join(", ");
}

function download(executionId: string, events: TrailEvent[]): void {
  const address = URL.createObjectURL(new Blob([JSON.stringify(events, null, 2)], { type: "application/json" }));
  const link = document.createElement("a");
  link.href = address;
  link.download = `${executionId}-trail.json`;
  link.click();
  window.setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
