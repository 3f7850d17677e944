import { cut, visible } from "../lib/text";

/** Text of others, kept to itself: no markup, no turned direction, broken anywhere rather than running over. */
export function Text({ children, most }: { children: string | null | undefined; most?: number }) {
  return (
    <bdi className="wb-text" dir="auto">
      {visible(cut(children ?? "–", most ?? 4000))}
    </bdi>
  );
}

/** Output of a program, as it was written. */
export function Pre({ children, label }: { children: string; label: string }) {
  return (
    <pre className="wb-pre" tabIndex={0} role="region" aria-label={label}>
      {visible(cut(children))}
    </pre>
  );
}
