import type { Execution } from "../api/model";
import { visible } from "../lib/text";
import { duration } from "../lib/time";
import { More } from "./More";

/** Waves that fit without scrolling. */
const MANY = 12;

/** The execution in one look: plan, status, one line a wave, duration. */
export function ExecutionCard({ execution, seconds }: { execution: Execution; seconds: number | null }) {
  const { display } = execution;
  return (
    <section className="wb-card" aria-label="Execution card" data-testid="card">
      <div>
        Recovery Plan: <strong><More label="the plan's name">{execution.planName}</More></strong>
      </div>
      <div role="status">
        Status: <strong className={`wb-${display.color}`}>{visible(display.label)}</strong>
      </div>
      <ul aria-label="Waves in brief" {...(execution.waves.length > MANY ? { tabIndex: 0 } : {})}>
        {execution.waves.map((wave) => (
          <li key={wave.waveNumber}>{waveLine(wave)}</li>
        ))}
      </ul>
      <div>Duration: {duration(seconds)}</div>
    </section>
  );
}

export function waveLine(wave: { waveNumber: number; status: string }): string {
  const mark = wave.status === "COMPLETED" ? " ✓" : "";
  return `Wave ${wave.waveNumber}: ${wave.status.replaceAll("_", " ")}${mark}`;
}
