import { useEffect, useRef, useState } from "react";
import { APPROVAL, PHASES, ticks, type Bar, type Segment, type Timeline } from "../lib/timeline";
import { short, visible } from "../lib/text";
import { duration } from "../lib/time";
import { inWords } from "../lib/words";
import { colorOf } from "./Status";

const [ROW, TOP, NARROW, END] = [22, 36, 560, 3];

/** How wide a thing on the page is, as it changes. */
function useWidth(): [React.RefObject<HTMLDivElement | null>, number] {
  const area = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(900);
  useEffect(() => {
    if (!area.current || typeof ResizeObserver === "undefined") return undefined;
    const observer = new ResizeObserver(([entry]) => entry && setWidth(Math.floor(entry.contentRect.width)));
    observer.observe(area.current);
    return () => observer.disconnect();
  }, []);
  return [area, width];
}

/** Waves and their servers over time, with the objective where it is in sight. */
export function TimelineChart({ timeline }: { timeline: Timeline }) {
  const { bars, span, objective } = timeline;
  const [area, width] = useWidth();
  const narrow = width < NARROW;
  const LABEL = narrow ? 116 : 210;
  const CHART = Math.max(120, width - LABEL - (narrow ? 24 : 40));
  const height = TOP + Math.max(1, bars.length) * ROW + 8;
  const x = (seconds: number) => LABEL + (seconds / span) * CHART;
  const goal = objective !== null && objective <= span ? x(objective) : null;
  const beyond = goal !== null && goal > LABEL + CHART / 2;
  return (
    <>
      <div className="wb-scroll" ref={area} tabIndex={0} role="region" aria-label="Timeline">
        <svg className="wb-timeline" width={width} height={height} role="img" aria-label={visible(told(bars))}>
          {ticks(span, narrow ? 3 : 6).map((tick) => (
            <g key={tick}>
              <line x1={x(tick)} x2={x(tick)} y1={18} y2={height} />
              <text className="wb-note" x={x(tick)} y={12} textAnchor="middle">
                {duration(tick)}
              </text>
            </g>
          ))}
          {bars.map((bar, at) => (
            <Row key={bar.key} bar={bar} y={TOP + at * ROW} x={x} end={LABEL + CHART} narrow={narrow} />
          ))}
          {goal !== null && (
            <g>
              <line className="wb-objective" x1={goal} x2={goal} y1={18} y2={height} />
              <text className="wb-goal" x={goal + (beyond ? -5 : 5)} y={29} textAnchor={beyond ? "end" : "start"}>
                RTO {duration(objective)}
              </text>
            </g>
          )}
        </svg>
      </div>
      <ul className="wb-legend" aria-label="What the bars mean">
        {PHASES.map((phase) => (
          <li key={phase}>
            <i className={`wb-key wb-${phase}`} /> {inWords(phase)}
          </li>
        ))}
        <li>
          <i className={`wb-key wb-${APPROVAL}`} /> waits for approval
        </li>
        <li>
          <i className="wb-key wb-dot" /> no times known
        </li>
      </ul>
    </>
  );
}

interface RowProps {
  bar: Bar;
  y: number;
  x: (seconds: number) => number;
  end: number;
  narrow: boolean;
}

function Row({ bar, y, x, end, narrow }: RowProps) {
  const wave = bar.level === "wave";
  const last = bar.segments.reduce((latest, one) => Math.max(latest, one.to), 0);
  const over = bar.level === "server" && (bar.status === "LAUNCHED" || bar.status === "FAILED");
  const noted = bar.segments.length === 0 ? x(0) + 14 : x(last) + 8;
  const took = bar.segments.map((one) => `${inWords(one.kind)} ${duration(one.to - one.from)}`).join(", ");
  return (
    <g data-bar={bar.key} className={`wb-${colorOf(bar.status)}`}>
      <title>{visible(`${bar.label}: ${bar.note}${took ? `; ${took}` : "; no times known"}`)}</title>
      <text x={wave ? 0 : 12} y={y + 12} fontWeight={wave ? 700 : 400}>
        {short(bar.label, narrow ? 14 : wave ? 28 : 26)}
      </text>
      {bar.segments.map((one, at) => (
        <rect key={at} className={drawn(one)} x={x(one.from)} y={wave ? y + 2 : y + 4} width={Math.max(2, x(one.to) - x(one.from))} height={wave ? 12 : 8} />
      ))}
      {bar.segments.length === 0 && <circle cx={x(0) + 5} cy={y + 8} r="4" />}
      {over && bar.segments.length > 0 && <rect className="wb-end" x={x(last)} y={y + 3} width={END} height={10} />}
      {noted < end - 90 && (
        <text className="wb-note" x={noted} y={y + 12}>
          {bar.note}
        </text>
      )}
    </g>
  );
}

function drawn({ kind, open }: Segment): string {
  const known = kind === APPROVAL || PHASES.some((phase) => phase === kind);
  return `${known ? `wb-${kind}` : `wb-${colorOf(kind)}-bar`}${open && known ? " wb-open" : ""}`;
}

function told(bars: Bar[]): string {
  const waves = bars.filter((bar) => bar.level === "wave").map((bar) => {
    const [first, last] = [bar.segments[0]!, bar.segments.at(-1)!];
    return `${bar.label} ${inWords(bar.status)} from ${duration(first.from)} to ${duration(last.to)}`;
  });
  return `Timeline: ${waves.join("; ") || "nothing has started"}`;
}
