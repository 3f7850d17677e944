import { useState } from "react";
import { short } from "../lib/text";
import { Text } from "./Text";

/** The beginning of a long text, and all of it for whoever asks. */
export function More({ children, most = 160, label = "more" }: { children: string | null | undefined; most?: number; label?: string }) {
  const [open, setOpen] = useState(false);
  const text = children ?? "";
  if (text.length <= most) return <Text>{children}</Text>;
  return (
    <>
      <Text>{open ? text : short(text, most)}</Text>{" "}
      <button type="button" className="wb-more" aria-expanded={open} aria-label={`${open ? "less" : "more"} of ${label === "more" ? "this text" : label}`} onClick={() => setOpen(!open)}>
        {open ? "less" : "more"}
      </button>
    </>
  );
}
