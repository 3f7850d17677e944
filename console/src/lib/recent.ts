// The command runs that this browser started or opened, by the API that they belong to: the API has no list of them.
const MOST = 30;
const keyOf = (apiUrl: string) => `wavebreak-commands ${apiUrl}`;

export function recentCommands(apiUrl: string): string[] {
  try {
    const kept: unknown = JSON.parse(window.localStorage.getItem(keyOf(apiUrl)) ?? "[]");
    return Array.isArray(kept) ? kept.filter((one): one is string => typeof one === "string") : [];
  } catch {
    return [];
  }
}

export function rememberCommand(apiUrl: string, commandId: string): void {
  const kept = [commandId, ...recentCommands(apiUrl).filter((one) => one !== commandId)].slice(0, MOST);
  window.localStorage.setItem(keyOf(apiUrl), JSON.stringify(kept));
}
