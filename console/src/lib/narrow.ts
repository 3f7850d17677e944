import { useSyncExternalStore } from "react";

const NARROW = "(max-width: 640px)";
const watched = () => (typeof window.matchMedia === "function" ? window.matchMedia(NARROW) : null);

function subscribe(listener: () => void): () => void {
  const found = watched();
  found?.addEventListener("change", listener);
  return () => found?.removeEventListener("change", listener);
}

/** Whether the window is a phone's: then rows of tables are drawn as cards. */
export function useNarrow(): boolean {
  return useSyncExternalStore(subscribe, () => watched()?.matches ?? false);
}
