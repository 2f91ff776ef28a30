/** Checks the triggers of a daemon file: what they refer to, and settings that do not go together. */
import {
  canonicalWorker,
  didYouMean,
  listOf,
  rawOf,
  textOf,
  variableProblem,
  type CodeInScript,
  type Path,
  type Raw,
  type Report,
} from "@agentcore/yaml-file";
import { codeInTemplate } from "../template/render.ts";
import { checkTemplate, type Reports } from "./check-templates.ts";

export function checkTriggers(file: Raw, reports: Reports): void {
  const events = Object.keys(rawOf(file["events"]));
  const used = new Set<string>();
  for (const [id, value] of Object.entries(rawOf(file["triggers"]))) {
    const trigger = rawOf(value);
    const path = ["triggers", id];
    const on = textOf(trigger["on"]);
    if (on !== undefined && !events.includes(on)) {
      const meant = didYouMean(on, events) || `; there is ${events.join(", ") || "none"}`;
      reports.mistake([...path, "on"], `no event has the id "${on}"${meant}`);
    } else if (on !== undefined) used.add(on);
    checkSettings(trigger, path, reports.mistake);
    checkVariables(rawOf(rawOf(trigger["context"])["env"]), [...path, "context", "env"], reports.mistake);
    const key = textOf(trigger["key"]);
    if (key !== undefined) checkTemplate(key, "key", [...path, "key"], reports);
    for (const place of ["evaluate", "analyze"] as const) {
      if (trigger[place] === undefined) continue;
      checkWork(rawOf(trigger[place]), [...path, place], file, reports.mistake);
      const text = textOf(rawOf(trigger[place])["instructions"]);
      if (text !== undefined) checkTemplate(text, place, [...path, place, "instructions"], reports);
      if (text !== undefined && isShell(rawOf(trigger[place])["worker"]))
        for (const found of codeInTemplate(text))
          reports.mistake([...path, place, "instructions"], problemOfCode(found));
    }
    checkOutputs(
      listOf(rawOf(trigger["analyze"])["outputs"]),
      [...path, "analyze", "outputs"],
      reports.mistake,
    );
  }
  if (file["log_dir"] !== undefined)
    reports.warning(
      ["log_dir"],
      "has no effect: the daemon's log is on stderr, and those of attempts are below state_dir",
      "key",
    );
  for (const event of events)
    if (!used.has(event)) reports.warning(["events", event], "no trigger waits for it", "key");
}

function checkSettings(trigger: Raw, path: Path, report: Report): void {
  if (trigger["dedup"] !== undefined && trigger["key"] === undefined)
    report([...path, "dedup"], "has no effect without key; write key, or leave it out", "key");
  if (trigger["on_workflow_failure"] === "pause_trigger" && trigger["max_retries"] === 0)
    report(
      [...path, "max_retries"],
      "is 0; with pause_trigger write at least 1, the failures before the pause",
    );
  const [from, to] = [trigger["start_at"], trigger["end_at"]].map((text) => Date.parse(textOf(text) ?? ""));
  if (from !== undefined && to !== undefined && from >= to)
    report([...path, "end_at"], "is not after start_at; no run could begin");
}

export function problemOfCode({ placeholder, where, as }: CodeInScript): string {
  return as === "commands"
    ? `in ${where}, bash runs the value of ${placeholder} as code; pass it as an argument, as in bash -c 'echo "$1"' _ "${placeholder}"`
    : `in ${where}, bash runs commands that the value of ${placeholder} contains; compare it as a text, as in [ "${placeholder}" = 5 ]`;
}

const isShell = (worker: unknown): boolean =>
  typeof worker === "string" && canonicalWorker(worker) === "shell";

/** Exactly one of `worker` and `agent`. */
function checkWork(work: Raw, path: Path, file: Raw, report: Report): void {
  const { worker, agent } = work;
  if (worker === undefined && agent === undefined)
    report(path, "nobody does it; write worker or agent", "key");
  else if (worker !== undefined && agent !== undefined)
    report([...path, "agent"], "is there with worker; leave out one of the two", "key");
  else if (worker !== undefined && work["capabilities"] === undefined)
    report(path, "needs capabilities, for example capabilities: [read]", "key");
  else if (agent !== undefined && file["agents_file"] === undefined)
    report([...path, "agent"], "needs the file of profiles: write agents_file at the top");
}

function checkVariables(env: Raw, path: Path, report: Report): void {
  for (const name of Object.keys(env)) {
    const problem = variableProblem(name, []);
    if (problem !== null) report([...path, name], problem, "key");
  }
}

function checkOutputs(outputs: readonly unknown[], path: Path, report: Report): void {
  const seen = new Set<string>();
  for (const [index, value] of outputs.entries()) {
    const { name, path: file } = rawOf(value);
    if (typeof name === "string" && seen.has(name))
      report([...path, index, "name"], `"${name}" is there twice; write another name`);
    if (typeof name === "string") seen.add(name);
    if (typeof file === "string" && (file.startsWith("/") || file.split("/").includes("..")))
      report([...path, index, "path"], "is outside the workspace; write a path below it");
  }
}
