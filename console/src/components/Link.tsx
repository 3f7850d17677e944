import CloudscapeLink from "@cloudscape-design/components/link";
import type { ReactNode } from "react";
import { go } from "../lib/router";

interface Props {
  to: string;
  children: ReactNode;
  ariaLabel?: string;
}

/** A link within the page; with a modifier key the browser does what it does. */
export function Link({ to, children, ariaLabel }: Props) {
  return (
    <CloudscapeLink
      href={to}
      ariaLabel={ariaLabel}
      onFollow={(event) => {
        const { ctrlKey, metaKey, shiftKey, altKey, button } = event.detail as {
          ctrlKey?: boolean;
          metaKey?: boolean;
          shiftKey?: boolean;
          altKey?: boolean;
          button?: number;
        };
        if (ctrlKey || metaKey || shiftKey || altKey || button) return;
        event.preventDefault();
        go(to);
      }}
    >
      {children}
    </CloudscapeLink>
  );
}
