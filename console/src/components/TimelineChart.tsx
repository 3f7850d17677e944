import { useEffect, useRef, useState } from "react";
import type { Timeline } from "../lib/timeline";
import { ticks } from "../lib/timeline";
import { short, visible } from "../lib/text";
import { duration } from "../lib/time";
import { inWords } from "../lib/words";
import { colorOf } from "./Status";

const [ROW, TOP, NARROW] = [22, 28, 560];

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
  const label = `Timeline: ${bars.filter((bar) => bar.level === "wave").map((bar) => `${bar.label} ${inWords(bar.status)} from ${duration(bar.from)} to ${duration(bar.to)}`).join("; ") || "nothing has started"}`;
  return (
    <div className="wb-scroll" ref={area} tabIndex={0} role="region" aria-label="Timeline">
      <svg className="wb-timeline" width={width} height={height} role="img" aria-label={visible(label)}>
        {ticks(span, narrow ? 3 : 6).map((tick) => (
          <g key={tick}>
            <line x1={x(tick)} x2={x(tick)} y1={TOP - 6} y2={height} />
            <text className="wb-note" x={x(tick)} y={14} textAnchor="middle">
              {duration(tick)}
            </text>
          </g>
        ))}
        {bars.map((bar, at) => {
          const y = TOP + at * ROW;
          const wide = Math.max(3, x(bar.to) - x(bar.from));
          return (
            <g key={bar.key} className={`wb-${colorOf(bar.status)}`} data-bar={bar.key}>
              <title>{visible(`${bar.label}: ${bar.note}, ${duration(bar.to - bar.from)}`)}</title>
              <text x={bar.level === "wave" ? 0 : 12} y={y + 12} fontWeight={bar.level === "wave" ? 700 : 400}>
                {short(bar.label, narrow ? 14 : bar.level === "wave" ? 28 : 26)}
              </text>
              <rect x={x(bar.from)} y={bar.level === "wave" ? y + 2 : y + 4} width={wide} height={bar.level === "wave" ? 12 : 8} rx="2" />
              {x(bar.to) < LABEL + CHART - 110 && (
                <text className="wb-note" x={x(bar.from) + wide + 6} y={y + 12}>
                  {bar.note}
                </text>
              )}
            </g>
          );
        })}
        {objective !== null && objective <= span && (
          <g>
            <line className="wb-objective" x1={x(objective)} x2={x(objective)} y1={TOP - 6} y2={height} />
            <text x={x(objective) + 4} y={TOP - 2}>
              RTO
            </text>
          </g>
        )}
      </svg>
    </div>
  );
}
