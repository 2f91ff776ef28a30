/**
 * The values of a step: texts that it writes to the file `$AGENTCORE_OUTPUT`, for later steps. Each attempt has its own file
 * in the context directory, which is new and empty.
 */
import { openPlacedFile, PlacedFileError, isMissing } from "@agentcore/contract";
import { rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { openPlace, replaceFile } from "../own-place.ts";
import { stepDir } from "../places.ts";
import { readValuesFile } from "../values-file.ts";
import type { StartedPiece, StepContext } from "./step-context.ts";
import type { AttemptEnd } from "./step-work.ts";

/** Of all values of one attempt together. */
const valuesBytesMax = 64 * 1024;

/** Number of the last attempt in all: numbers are never reused, and the completion check has the same. */
function valuesFile({ record }: StepContext, { instance, attemptInAll }: StartedPiece): string {
  return join(stepDir(record().created.contextDir, instance.id), "_output", String(attemptInAll));
}

/** For the job's environment; empty for a step without values. */
export function valuesVariable(context: StepContext, started: StartedPiece): Record<string, string> {
  return started.instance.step.values.length === 0 ? {} : { AGENTCORE_OUTPUT: valuesFile(context, started) };
}

/** Removes the files of earlier attempts. */
export function prepareValues(context: StepContext, started: StartedPiece): void {
  if (started.instance.step.values.length === 0) return;
  const file = valuesFile(context, started);
  const step = openPlace(dirname(dirname(file)));
  try {
    rmSync(join(step.at, basename(dirname(file))), { recursive: true, force: true });
  } finally {
    step.close();
  }
  const place = openPlace(dirname(file));
  try {
    writeFileSync(join(place.at, basename(file)), "", { flag: "wx" });
  } finally {
    place.close();
  }
}

/** Masks the secrets in the file of an attempt whose job has ended. A file that cannot be used does not change. */
export async function maskValues(context: StepContext, started: StartedPiece): Promise<void> {
  const { values, secrets } = started.instance.step;
  if (values.length === 0 || secrets.length === 0) return;
  const file = valuesFile(context, started);
  const bytes = await readBytes(file);
  if (typeof bytes === "string" || bytes.length === 0) return;
  const stream = context.masker.stream();
  const masked = Buffer.concat([stream.write(bytes), stream.end()]);
  if (!masked.equals(bytes)) await replaceFile(file, masked);
}

/** Of the attempt that has ended. It has failed if the file cannot be used, or a declared value is missing. */
export async function readValues(
  context: StepContext,
  started: StartedPiece,
): Promise<Pick<AttemptEnd, "values"> & Partial<AttemptEnd>> {
  const { id, step } = started.instance;
  const bytes = await readBytes(valuesFile(context, started));
  const read = typeof bytes === "string" ? { ok: false as const, message: bytes } : readValuesFile(bytes);
  if (!read.ok) {
    const reason = `its values cannot be read from $AGENTCORE_OUTPUT: ${read.message} (AC_WORKFLOW_VALUE)`;
    return { outcome: "failed", reason, errorClass: "task_failed", code: "AC_WORKFLOW_VALUE" };
  }
  const keys = new Set(step.values.map(({ key }) => key));
  const undeclared = [...read.values.keys()].filter((key) => !keys.has(key));
  if (undeclared.length > 0)
    context.ports.log.warn({ step: id, names: undeclared }, "the step wrote values that it does not declare");
  const missing = step.values.filter(({ key, optional }) => !optional && !read.values.has(key));
  if (missing.length > 0) {
    const names = missing.map(({ name, key }) => (name === key ? name : `${name} (as ${key})`));
    const reason = `did not write its value ${names.join(", ")} to $AGENTCORE_OUTPUT (AC_OUTPUT_MISSING)`;
    return { outcome: "failed", reason, errorClass: "task_failed", code: "AC_OUTPUT_MISSING" };
  }
  const values = step.values.flatMap(({ name, key }): [string, string][] => {
    const value = read.values.get(key);
    return value === undefined ? [] : [[name, value]];
  });
  return { values: Object.fromEntries(values) };
}

/** A text says what is wrong. A file that the step removed counts as empty. */
async function readBytes(path: string): Promise<Buffer | string> {
  const place = openPlace(dirname(path));
  try {
    const file = await openPlacedFile(join(place.at, basename(path)), { bytesMax: valuesBytesMax });
    try {
      return await file.readFile();
    } finally {
      await file.close();
    }
  } catch (error) {
    if (isMissing(error)) return Buffer.alloc(0);
    if (error instanceof PlacedFileError) return error.reason;
    throw error;
  } finally {
    place.close();
  }
}
