import { useRef } from "react";
import type { Fault } from "../api/model";

interface Props {
  value: string;
  onChange: (value: string) => void;
  faults: Fault[];
  label: string;
  area?: React.RefObject<HTMLTextAreaElement | null>;
}

/** A text with numbered lines; those with a fault are marked. The keyboard works as in any text: Tab leaves it. */
export function YamlEditor({ value, onChange, faults, label, area }: Props) {
  const gutter = useRef<HTMLDivElement>(null);
  const marked = new Map<number, string>();
  for (const fault of faults) if (fault.line) marked.set(fault.line, `${marked.get(fault.line) ?? ""}${fault.message}\n`);
  const lines = value.split("\n").length;
  return (
    <div className="wb-editor">
      <div className="wb-gutter" ref={gutter} aria-hidden="true">
        {Array.from({ length: lines }, (_, at) => (
          <div key={at} className={marked.has(at + 1) ? "wb-fault" : ""} title={marked.get(at + 1)}>
            {marked.has(at + 1) ? `✗ ${at + 1}` : at + 1}
          </div>
        ))}
      </div>
      <textarea
        ref={area}
        value={value}
        aria-label={label}
        aria-invalid={faults.length > 0}
        spellCheck={false}
        wrap="off"
        autoComplete="off"
        onChange={(event) => onChange(event.target.value)}
        onScroll={(event) => {
          if (gutter.current) gutter.current.scrollTop = event.currentTarget.scrollTop;
        }}
      />
    </div>
  );
}

/** Put the cursor at the beginning of a line, and the line into sight. */
export function showLine(area: HTMLTextAreaElement | null, line: number): void {
  if (!area) return;
  const lines = area.value.split("\n");
  const start = lines.slice(0, line - 1).reduce((sum, text) => sum + text.length + 1, 0);
  area.focus();
  area.setSelectionRange(start, start + (lines[line - 1]?.length ?? 0));
  area.scrollTop = Math.max(0, (line - 8) * 20);
}
