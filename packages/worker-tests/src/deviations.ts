/**
 * Compares what was seen of a case with what was expected, and says in words where they differ. Pure. What must hold in
 * every case (no process left, and a receipt that says so) is checked here too, so that no row can leave it out.
 */
import type { WorkerResult } from "@agentcore/contract";
import { stopMsMax, type Expectation } from "./cases.ts";
import type { CaseRecord } from "./drive-case.ts";
import { sleepers } from "./process-scan.ts";

export function deviations(seen: CaseRecord, expected: Expectation): readonly string[] {
  return [
    ...survivors(seen),
    ...verdictOf(seen, expected),
    ...requestsOf(seen, expected),
    ...workOf(seen, expected),
    ...processesBefore(seen, expected),
  ];
}

function survivors({ seenAfter, result }: CaseRecord): readonly string[] {
  const found = seenAfter.map(({ pid, command }) => `process ${pid} (${command}) is alive after the result`);
  const receipt = result.containment?.survivors;
  return receipt === 0
    ? found
    : [...found, `the receipt says ${receipt ?? "nothing"} about survivors, not 0`];
}

function verdictOf(
  { result, seconds, stopToResultMs = 0 }: CaseRecord,
  expected: Expectation,
): readonly string[] {
  const found = differs("outcome", result.outcome, expected.outcome);
  found.push(...differs("error class", result.errorClass, expected.errorClass));
  if (seconds > expected.maxSeconds)
    found.push(`took ${seconds.toFixed(1)} s, not at most ${expected.maxSeconds}`);
  if (stopToResultMs > stopMsMax) {
    found.push(`the result came ${Math.round(stopToResultMs)} ms after the stop, not within ${stopMsMax}`);
  }
  if (expected.retryAfterMs !== undefined) {
    found.push(...differs("retry-after", result.retryAfterMs, expected.retryAfterMs));
  }
  if (expected.usage !== undefined) found.push(...differs("usage", result.usage, expected.usage));
  if (expected.cost !== undefined) found.push(...cost(result, expected.cost));
  return found;
}

function cost(result: WorkerResult, expected: NonNullable<Expectation["cost"]>): readonly string[] {
  const seen = {
    usd: result.costUsd === null ? null : Number(result.costUsd.toFixed(9)),
    basis: result.costBasis,
  };
  return differs("cost", seen, expected);
}

function requestsOf({ requests }: CaseRecord, expected: Expectation): readonly string[] {
  const [min, max] = expected.requests ?? [1, Number.POSITIVE_INFINITY];
  if (requests >= min && requests <= max) return [];
  return [`the model was asked ${requests} times, not ${min === max ? min : `${min} to ${max}`}`];
}

/** Files, commands and refusals: what the worker did, in the workspace and in what the adapter observed. */
function workOf({ result, files, denied, warnings }: CaseRecord, expected: Expectation): readonly string[] {
  const { commands, filesChanged } = result.observations;
  const found: string[] = [];
  for (const [name, text] of Object.entries(expected.files ?? {})) {
    found.push(...differs(`text of ${name}`, files[name] ?? null, text));
    if (filesChanged?.includes(name) !== true)
      found.push(`${name} is not among the files changed: ${filesChanged?.join(", ") ?? "not known"}`);
  }
  for (const name of expected.absent ?? []) if (name in files) found.push(`${name} is in the workspace`);
  for (const text of expected.commands ?? []) {
    if (commands.some(({ command }) => command.includes(text))) continue;
    found.push(`no observed command has "${text}": ${JSON.stringify(commands)}`);
  }
  const vain = warnings.map((text) => text.split(" ")[0]);
  found.push(...differs("what has no effect", vain, expected.warnings ?? []));
  if (expected.denied !== undefined && !denied.some((tool) => expected.denied?.test(tool) === true)) {
    found.push(`no denied tool matches ${String(expected.denied)}: ${JSON.stringify(denied)}`);
  }
  return found;
}

function processesBefore({ seenBefore }: CaseRecord, expected: Expectation): readonly string[] {
  if (expected.sleepersSeen === undefined) return [];
  return differs(
    "number of sleeping processes during the run",
    sleepers(seenBefore).length,
    expected.sleepersSeen,
  );
}

function differs(what: string, seen: unknown, expected: unknown): string[] {
  const [seenText, expectedText] = [JSON.stringify(seen), JSON.stringify(expected)];
  return seenText === expectedText ? [] : [`${what} is ${seenText}, not ${expectedText}`];
}
