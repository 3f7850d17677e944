import Button from "@cloudscape-design/components/button";
import ButtonDropdown from "@cloudscape-design/components/button-dropdown";
import { useEffect, useRef } from "react";
import type { Execution, Wave } from "../api/model";
import { waveActionsOf } from "../lib/actions";
import { actor } from "../lib/text";
import { waveLasted } from "../lib/recovery";
import { clock, duration, moment, secondsBetween } from "../lib/time";
import { inWords } from "../lib/words";
import { More } from "./More";
import { DisplayBadge } from "./Status";
import { Text } from "./Text";

export const WAVE_WORDS: Record<string, string> = {
  approve: "Approve",
  reject: "Reject",
  retry: "Retry",
  skip: "Skip",
};

/** More waves than these are counted above the list. */
const MANY = 8;

interface Props {
  execution: Execution;
  now: number;
  onAction: (wave: Wave, action: string) => void;
}

/** Waves with their badges, what they took, what went wrong, and what may be done with them; the first active one in sight. */
export function WaveList({ execution, now, onAction }: Props) {
  const list = useRef<HTMLUListElement>(null);
  const { waves } = execution;
  const active = (waves.find((wave) => wave.status === "IN_PROGRESS" || wave.status === "AWAITING_APPROVAL") ?? waves.find((wave) => wave.status === "FAILED"))?.waveNumber;
  useEffect(() => {
    const item = list.current?.querySelector<HTMLElement>(`[data-testid="wave-${active}"]`);
    if (item && list.current) list.current.scrollTop = Math.max(0, item.offsetTop - list.current.offsetTop - 8);
  }, [active]);
  return (
    <div>
      {waves.length > MANY && <Counts waves={waves} />}
      <ul className="wb-waves" aria-label="Waves" tabIndex={0} ref={list}>
        {waves.map((wave) => (
          <One key={wave.waveNumber} execution={execution} wave={wave} now={now} onAction={onAction} />
        ))}
      </ul>
    </div>
  );
}

function Counts({ waves }: { waves: readonly Wave[] }) {
  const counts = new Map<string, { count: number; display: Wave["display"] }>();
  for (const { status, display } of waves) counts.set(status, { count: (counts.get(status)?.count ?? 0) + 1, display });
  return (
    <div className="wb-counts" data-testid="wave-counts">
      {[...counts].map(([status, { count, display }]) => (
        <span key={status}>
          {count} <DisplayBadge display={display} />
        </span>
      ))}
    </div>
  );
}

function One({ execution, wave, now, onAction }: { execution: Execution; wave: Wave; now: number; onAction: Props["onAction"] }) {
  const actions = [...waveActionsOf(execution, wave)];
  const earlier = wave.attempts?.slice(0, -1) ?? [];
  return (
    <li data-testid={`wave-${wave.waveNumber}`}>
      <DisplayBadge display={wave.display} />
      <span className="wb-grow">
        {wave.waveNumber}. <More most={80} label={`the name of wave ${wave.waveNumber}`}>{wave.name}</More>
        {wave.attempt > 1 && ` (attempt ${wave.attempt})`}
        {wave.startedAt && wave.durationSeconds !== null && ` ${duration(waveLasted(wave, now))}`}
        {wave.deadlineAt && `, times out at ${clock(wave.deadlineAt)}`}
        {wave.approval?.by && (
          <div className="wb-gray">
            <Text>{`approved by ${actor(wave.approval.by)} at ${moment(wave.approval.at)}${wave.approval.reason ? `: ${wave.approval.reason}` : ""}`}</Text>
          </div>
        )}
        {earlier.map((one) => (
          <div key={one.attempt} className="wb-gray">
            attempt {one.attempt} {inWords(one.status)}
            {one.startedAt && one.endedAt && ` after ${duration(secondsBetween(one.startedAt, one.endedAt))}`}
            {one.error && <>: <More label={`the error of attempt ${one.attempt}`}>{one.error}</More></>}
          </div>
        ))}
        {wave.error && (
          <div className="wb-red">
            <More label={`the error of wave ${wave.waveNumber}`}>{wave.error}</More>
          </div>
        )}
      </span>
      {actions.length === 1 && (
        <Button ariaLabel={`${WAVE_WORDS[actions[0]!] ?? actions[0]} wave ${wave.waveNumber}`} onClick={() => onAction(wave, actions[0]!)}>
          {WAVE_WORDS[actions[0]!] ?? actions[0]}
        </Button>
      )}
      {actions.length > 1 && (
        <ButtonDropdown
          ariaLabel={`Actions of wave ${wave.waveNumber}`}
          expandToViewport
          items={actions.map((action) => ({ id: action, text: WAVE_WORDS[action] ?? action }))}
          onItemClick={({ detail }) => onAction(wave, detail.id)}
        >
          Actions
        </ButtonDropdown>
      )}
    </li>
  );
}
