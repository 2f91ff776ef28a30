/**
 * Parses option values: each function takes text and returns a value, or throws one sentence that says what is wrong. They
 * do not depend on Commander, so all commands share them and their tests are tables.
 */
import {
  capabilities,
  durationMsMax,
  forbiddenEffect,
  parseDurationMs,
  type Capability,
  type OutputSpec,
} from "@agentcore/contract";
import { basename } from "node:path";
import type { JobStateKind } from "@agentcore/scheduler";
import { didYouMean, variableOf } from "@agentcore/yaml-file";

export const jobStates = [
  "queued",
  "running",
  "succeeded",
  "dead",
  "cancelled",
] as const satisfies readonly JobStateKind[];

/** What is wrong with a value. The command line prints it after the option's name and exits with 2. */
export class InvalidValue extends Error {}

export function readDuration(text: string): number {
  const durationMs = parseDurationMs(text);
  if (durationMs === undefined) {
    if (isTooLong(text)) throw new InvalidValue(`"${text}" is too long; the maximum is ${longestDuration}`);
    throw new InvalidValue(
      /^\d+(\.\d+)?$/.test(text)
        ? `"${text}" has no unit; write ${text}s for seconds or ${text}m for minutes`
        : `"${text}" is not a duration; write a number with a unit, such as 90s, 10m or 1h30m`,
    );
  }
  if (durationMs <= 0) throw new InvalidValue("a duration must be greater than zero");
  return durationMs;
}

const longestDuration = `${durationMsMax / 86_400_000}d`;

/** Whether the text would be a duration if it did not exceed the limit. */
function isTooLong(text: string): boolean {
  return text.trim() !== "" && parseDurationMs(text.replaceAll(/\d+(\.\d+)?/g, "1")) !== undefined;
}

export function readDollars(text: string): number {
  const dollars = /^\$?(\d+(\.\d*)?|\.\d+)$/.test(text) ? Number(text.replace("$", "")) : NaN;
  if (!(dollars > 0) || !Number.isFinite(dollars)) {
    throw new InvalidValue(`"${text}" is not an amount above zero in US dollars, such as 2.50`);
  }
  return dollars;
}

export function readCount(text: string): number {
  const count = /^\d+$/.test(text) ? Number(text) : NaN;
  if (!Number.isSafeInteger(count) || count < 1) {
    throw new InvalidValue(`"${text}" is not a whole number of 1 or more`);
  }
  return count;
}

/** `read,edit`; may be given several times, and the lists are combined. */
export function readCapabilities(text: string, before: readonly Capability[] = []): Capability[] {
  const found = new Set(before);
  for (const name of text.split(",").map((part) => part.trim())) {
    const capability = capabilities.find((known) => known === name);
    if (capability === undefined) {
      throw new InvalidValue(
        `"${name}" is not a capability; there are ${capabilities.join(", ")}${didYouMean(name, capabilities)}`,
      );
    }
    found.add(capability);
  }
  return capabilities.filter((known) => found.has(known));
}

/** `NAME=VALUE`, or `NAME` to pass on the caller's value; may be given several times. The last one of a name wins. */
export function readEnv(
  hostEnv: Readonly<Record<string, string | undefined>>,
): (text: string, before?: Readonly<Record<string, string>>) => Record<string, string> {
  return (text, before = {}) => {
    const [, name, value] = /^([A-Za-z_][A-Za-z0-9_]*)(?:=([\s\S]*))?$/.exec(text) ?? [];
    if (name === undefined) throw new InvalidValue(`"${text}" is not NAME=VALUE`);
    const effect = forbiddenEffect(name);
    if (effect !== null) throw new InvalidValue(`${name} is passed to no worker: it would ${effect}`);
    const passed = value ?? variableOf(hostEnv, name);
    if (passed === undefined) throw new InvalidValue(`${name} is not set here; write ${name}=VALUE`);
    return { ...before, [name]: passed };
  };
}

/** `PATH` or `NAME=PATH` of a file that the task must produce; may be given several times. */
export function readOutput(text: string, before: readonly OutputSpec[] = []): OutputSpec[] {
  const [, name, path] = /^(?:([A-Za-z0-9._-]+)=)?(.+)$/s.exec(text) ?? [];
  if (path === undefined) throw new InvalidValue("an output needs a path");
  return [...before, { name: name ?? basename(path), path, optional: false }];
}

/** `NAME=VALUE`; may be given several times. */
export function readLabel(
  text: string,
  before: Readonly<Record<string, string>> = {},
): Record<string, string> {
  const [, name, value] = /^([^=]+)=(.*)$/s.exec(text) ?? [];
  if (name === undefined || value === undefined) throw new InvalidValue(`"${text}" is not NAME=VALUE`);
  return { ...before, [name]: value };
}

/** `queued,running`; the states of jobs. */
export function readStates(text: string, before: readonly JobStateKind[] = []): JobStateKind[] {
  const found = new Set(before);
  for (const name of text.split(",").map((part) => part.trim())) {
    const state = jobStates.find((known) => known === name);
    if (state === undefined) {
      throw new InvalidValue(
        `"${name}" is not a state; there are ${jobStates.join(", ")}${didYouMean(name, jobStates)}`,
      );
    }
    found.add(state);
  }
  return [...found];
}

/** `limits.maxAttempts=3`: a field of a job and its new value; may be given several times. */
export function readEdit(text: string, before: readonly Edit[] = []): Edit[] {
  const [, path, value] = /^([^=]+)=(.*)$/s.exec(text) ?? [];
  if (path === undefined || value === undefined) throw new InvalidValue(`"${text}" is not PATH=VALUE`);
  return [...before, { path: path.split("."), value }];
}

export interface Edit {
  readonly path: readonly string[];
  readonly value: string;
}

export function readPriority(text: string): number {
  const value = /^-?\d+$/.test(text) ? Number(text) : NaN;
  if (!(Math.abs(value) <= 1000))
    throw new InvalidValue(`"${text}" is not a whole number from -1000 to 1000`);
  return value;
}
