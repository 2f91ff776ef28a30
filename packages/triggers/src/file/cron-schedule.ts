/** Checks cron schedules and time zones. Pure. */
import { didYouMean } from "@agentcore/yaml-file";
import { Cron } from "croner";

/** Why the text is no schedule of five fields; null if it is one. */
export function scheduleProblem(schedule: string): string | null {
  const fields = schedule.trim().split(/\s+/);
  if (fields.length !== 5 || schedule.trim().startsWith("@")) {
    const found = fields.length === 1 ? "" : `, not ${fields.length}`;
    return `has five fields (minute, hour, day of the month, month, day of the week)${found}; write for example "0 9 * * 1-5"`;
  }
  try {
    const hasSlots = new Cron(schedule, { paused: true, mode: "5-part", timezone: "UTC" }).nextRun(
      new Date(0),
    );
    return hasSlots === null ? "names a day that no calendar has" : null;
  } catch (error) {
    const reason = error instanceof Error ? error.message.replace(/^CronPattern: /, "") : "";
    return `is not a schedule: ${reason}`;
  }
}

/** Why the text is no name of a time zone; null if it is one. */
export function timeZoneProblem(zone: string): string | null {
  // Offsets know nothing of daylight saving.
  if (/^[A-Za-z]/.test(zone) && isZone(zone)) return null;
  const meant = didYouMean(zone, Intl.supportedValuesOf("timeZone"));
  return `"${zone}" is not the name of a time zone${meant === "" ? ", such as Europe/Berlin or UTC" : meant}`;
}

function isZone(zone: string): boolean {
  try {
    return new Intl.DateTimeFormat("en", { timeZone: zone }).resolvedOptions().timeZone !== "";
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}
