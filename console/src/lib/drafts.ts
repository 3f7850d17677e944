// What was typed into the editor of a plan and not stored yet: kept for this tab, by API and plan, with the version that
// it belongs to, so that neither another page nor a reload loses it.
export interface Draft {
  /** The version that it would be stored over; null for a new plan. */
  version: number | null;
  /** The text of that version. */
  base: string;
  text: string;
}

const keyOf = (apiUrl: string, planId: string | null) => `wavebreak-draft ${apiUrl} ${planId ?? ""}`;

export function keptDraft(apiUrl: string, planId: string | null): Draft | null {
  try {
    const kept = JSON.parse(window.sessionStorage.getItem(keyOf(apiUrl, planId)) ?? "null") as Draft | null;
    return kept && typeof kept.text === "string" && typeof kept.base === "string" ? kept : null;
  } catch {
    return null;
  }
}

/** Keep a draft, or forget the one there is. */
export function keepDraft(apiUrl: string, planId: string | null, draft: Draft | null): void {
  if (draft) window.sessionStorage.setItem(keyOf(apiUrl, planId), JSON.stringify(draft));
  else window.sessionStorage.removeItem(keyOf(apiUrl, planId));
}
