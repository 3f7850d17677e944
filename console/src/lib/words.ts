// What the API tells, in the words of the page.
import { moment } from "./time";

/** A status or another name of the API as people write it. */
export function inWords(name: string): string {
  return name === "DRS" ? name : name.replaceAll("_", " ").toLowerCase();
}

/** How many instances of an execution are still there, and since when. */
export function leftInWords({ instancesLeft, leftSince }: { instancesLeft: number | null; leftSince: string | null }): string {
  if (instancesLeft === null) return "not known";
  if (instancesLeft === 0) return "none";
  return `${instancesLeft}${leftSince ? ` since ${moment(leftSince)}` : ""}`;
}

/** How many of a wave's servers are launched: `1 of 3`. */
export function launchedOf({ servers }: { servers: readonly { launchStatus: string }[] }): string {
  return `${servers.filter((server) => server.launchStatus === "LAUNCHED").length} of ${servers.length}`;
}

/** A command as it would be typed. */
export function commandText({ command, args }: { command: string; args: readonly string[] }): string {
  return [command, ...args].join(" ");
}

/** `1 server`, `3 servers`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

/** A step of a plan in one word, by what it runs. */
export function stepName(step: object): string {
  const named = step as { command?: string; automation?: string; function?: string };
  if (named.command) return `command ${named.command}`;
  if (named.automation) return `automation ${named.automation}`;
  return named.function ? `function ${named.function}` : "step";
}
