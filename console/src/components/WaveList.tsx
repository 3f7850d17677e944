import Button from "@cloudscape-design/components/button";
import ButtonDropdown from "@cloudscape-design/components/button-dropdown";
import type { Execution, Wave } from "../api/model";
import { waveActionsOf } from "../lib/actions";
import { actor } from "../lib/text";
import { clock, duration, moment } from "../lib/time";
import { DisplayBadge } from "./Status";
import { Text } from "./Text";

export const WAVE_WORDS: Record<string, string> = {
  approve: "Approve",
  reject: "Reject",
  retry: "Retry",
  skip: "Skip",
};

interface Props {
  execution: Execution;
  onAction: (wave: Wave, action: string) => void;
}

/** Waves with their badges, what they took, what went wrong, and what may be done with them. */
export function WaveList({ execution, onAction }: Props) {
  return (
    <ul className="wb-waves" aria-label="Waves" tabIndex={0}>
      {execution.waves.map((wave) => {
        const actions = [...waveActionsOf(execution, wave)];
        return (
          <li key={wave.waveNumber} data-testid={`wave-${wave.waveNumber}`}>
            <DisplayBadge display={wave.display} />
            <span className="wb-grow">
              {wave.waveNumber}. <Text>{wave.name}</Text>
              {wave.attempt > 1 && ` (attempt ${wave.attempt})`}
              {wave.startedAt && ` ${duration(wave.durationSeconds)}`}
              {wave.deadlineAt && `, times out at ${clock(wave.deadlineAt)}`}
              {wave.approval?.by && (
                <div className="wb-gray">
                  <Text>{`approved by ${actor(wave.approval.by)} at ${moment(wave.approval.at)}${wave.approval.reason ? `: ${wave.approval.reason}` : ""}`}</Text>
                </div>
              )}
              {wave.error && (
                <div className="wb-red">
                  <Text>{wave.error}</Text>
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
      })}
    </ul>
  );
}
