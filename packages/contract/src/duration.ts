/**
 * Durations in files and options: `200ms`, `30s`, `5m`, `2h`, `1h30m`, `1d`. A number without a unit is refused, because
 * readers took `timeout: 10` for ten seconds and for ten milliseconds.
 */
import { z } from "zod";
import { lazySchema } from "./lazy-schema.ts";

const unitMs = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1000, ms: 1 } as const;
const pattern =
  /^(?:(\d+(?:\.\d+)?)d)?(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m)?(?:(\d+(?:\.\d+)?)s)?(?:(\d+)ms)?$/;

/** Longest duration accepted: 366 days. */
export const durationMsMax = 366 * unitMs.d;

/**
 * Milliseconds, or `undefined` if the text is not a duration (for example a bare number, an empty text, or more than 366
 * days).
 */
export function parseDurationMs(text: string): number | undefined {
  const match = pattern.exec(text.trim());
  if (match === null || text.trim() === "") return undefined;
  const [, d, h, m, s, ms] = match;
  const total =
    Number(d ?? 0) * unitMs.d +
    Number(h ?? 0) * unitMs.h +
    Number(m ?? 0) * unitMs.m +
    Number(s ?? 0) * unitMs.s +
    Number(ms ?? 0);
  return total <= durationMsMax ? Math.round(total) : undefined;
}

/** A duration in a configuration file or on the command line; decodes to milliseconds. */
export const durationSchema = lazySchema(() =>
  z
    .string({
      error: ({ input }) =>
        input === undefined
          ? "is required, for example 30m"
          : "a duration needs a unit, such as 30s, 5m or 1h30m",
    })
    .transform((text, context) => {
      const durationMs = parseDurationMs(text);
      if (durationMs !== undefined) return durationMs;
      context.addIssue({
        code: "custom",
        message: `"${text}" is not a duration; write a number with a unit, such as 200ms, 30s, 5m, 1h30m (at most 366d)`,
      });
      return z.NEVER;
    })
    .meta({
      description: "A duration with a unit: 200ms, 30s, 5m, 2h, 1h30m.",
      examples: ["30s", "1h30m"],
      // For editors; `parseDurationMs` decides.
      pattern: `^(?=.)${pattern.source.slice(1)}`,
    }),
);
