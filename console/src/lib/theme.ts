// Light or dark: as the person chose, else as their system says.
import { applyMode, Mode } from "@cloudscape-design/global-styles";

export type Theme = "system" | "light" | "dark";
const KEY = "wavebreak-theme";
const system = () => window.matchMedia("(prefers-color-scheme: dark)");

export function chosenTheme(): Theme {
  const kept = window.localStorage.getItem(KEY);
  return kept === "light" || kept === "dark" ? kept : "system";
}

export function applyTheme(theme: Theme): void {
  if (theme === "system") window.localStorage.removeItem(KEY);
  else window.localStorage.setItem(KEY, theme);
  const dark = theme === "dark" || (theme === "system" && system().matches);
  applyMode(dark ? Mode.Dark : Mode.Light);
}

system().addEventListener("change", () => applyTheme(chosenTheme()));
