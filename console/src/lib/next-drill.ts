// When a schedule of EventBridge Scheduler starts the next drill. The service does not say; of a rate only it knows since when it counts.

import { Cron } from "croner";

const FIELDS = /^cron\((\S+) (\S+) (\S+) (\S+) (\S+) (\S+)\)$/;

/** The next moment of a `cron(…)` in its zone, after `now`; null for a rate, for what never comes, and for what is not understood. */
export function nextDrill(expression: string, timezone: string, now: Date): Date | null {
  const fields = FIELDS.exec(expression);
  if (!fields) return null;
  const [minutes, hours, days, months, weekdays, years] = fields.slice(1).map((field) => (field === "?" ? "*" : field));
  const times = [stepped(minutes!, 59), stepped(hours!, 23), stepped(days!, 31), stepped(months!, 12)];
  try {
    const pattern = `0 ${times.join(" ")} ${weekdaysOf(weekdays!)} ${years}`;
    return new Cron(pattern, { timezone, paused: true }).nextRun(now);
  } catch {
    return null; // The service takes more than this library: the expression stands beside it.
  }
}

/** AWS writes steps from a number on as 5/15. */
function stepped(field: string, most: number): string {
  return field.replace(/(^|,)(\d+)\//g, `$1$2-${most}/`);
}

/** AWS counts weekdays from Sunday, 1, to Saturday, 7, and writes the last Friday of a month as 6L or FRIL. */
function weekdaysOf(field: string): string {
  return field
    .replace(/(^|[,-])(\d)/g, (_, before: string, day: string) => `${before}${Number(day) - 1}`)
    .replace(/(\d|[A-Z]{3})L/g, "$1#L");
}
