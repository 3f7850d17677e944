// The command runs that this browser started or opened: the API has no list of them.
const KEY = "wavebreak-commands";
const MOST = 30;

export function recentCommands(): string[] {
  try {
    const kept: unknown = JSON.parse(window.localStorage.getItem(KEY) ?? "[]");
    return Array.isArray(kept) ? kept.filter((one): one is string => typeof one === "string") : [];
  } catch {
    return [];
  }
}

export function rememberCommand(commandId: string): void {
  const kept = [commandId, ...recentCommands().filter((one) => one !== commandId)].slice(0, MOST);
  window.localStorage.setItem(KEY, JSON.stringify(kept));
}
