/**
 * Reads a workflow with its agent profiles and sub-workflows, each file once for each place that names it. Returns all
 * errors of all files at once, or the definition if there are none.
 */
import {
  holders,
  listOf,
  parseYaml,
  placeReports,
  type Path,
  type Problem,
  type Raw,
  rawOf,
  type ReadFile,
  readYaml,
  type Report,
  textOf,
  type YamlSource,
} from "@agentcore/yaml-file";
import { createHash } from "node:crypto";
import { dirname, join, resolve } from "node:path";
import type { Workflow } from "../definition.ts";
import { loadAgents, type LoadedAgents } from "./agents.ts";
import { buildWorkflow } from "./build.ts";
import { checkCode } from "./check-code.ts";
import { checkGraph } from "./check-graph.ts";
import { checkLinks } from "./check-links.ts";
import { checkReferences } from "./check-references.ts";
import { checkScripts } from "./check-scripts.ts";
import { checkSteps, type KnownAgents } from "./check-steps.ts";
import { checkStepsInAll, checkSubWorkflow } from "./check-sub-workflow.ts";
import { checkVariables } from "./check-variables.ts";
import { checkWorkers, type LookUpWorkers } from "./check-workers.ts";
import { workflowFileSchema, workflowJsonSchema, type WorkflowFile } from "./file-schema.ts";
import { foreignWords } from "./names.ts";
import { writtenAt } from "./defaults.ts";
import { rawStepsOf } from "./raw-steps.ts";
import type { RawSteps } from "./raw.ts";

/** Deeper sub-workflows are refused. */
export const nestingMax = 8;
/** Larger files are refused: people write workflows by hand. */
const fileCharsMax = 4 * 1024 * 1024;

export interface ParseRequest {
  /** Absolute path of the workflow file. */
  readonly file: string;
  /** Absolute paths of agent profile files, later ones override; empty: `agents.yaml` beside the workflow, if it exists. */
  readonly agentFiles?: readonly string[];
  readonly readFile: ReadFile;
  /** Without it, what steps require of their workers is not checked. */
  readonly workers?: LookUpWorkers;
  /** Real path of the run's workspace. Without it, symbolic links are not checked. */
  readonly workspace?: string;
}

export type ParseResult =
  /** Warnings: requirements of a step that are not met. */
  | { readonly ok: true; readonly workflow: Workflow; readonly warnings: readonly Problem[] }
  /** Sorted by file and place; at least one. */
  | { readonly ok: false; readonly problems: readonly Problem[] };

export async function parseWorkflow(request: ParseRequest): Promise<ParseResult> {
  const named = request.agentFiles ?? [];
  const beside = { path: join(dirname(request.file), "agents.yaml"), required: false };
  const agents = await loadAgents(
    named.length > 0 ? named.map((path) => ({ path, required: true })) : [beside],
    request.readFile,
  );
  const { readFile, workers = null, workspace = null } = request;
  const parsed = await parseFile(request.file, { agents, readFile, workers, workspace, trail: [] });
  const problems = [...agents.problems, ...parsed.problems];
  return parsed.workflow !== null && problems.length === 0
    ? { ok: true, workflow: parsed.workflow, warnings: parsed.warnings }
    : { ok: false, problems };
}

interface Context {
  readonly agents: LoadedAgents;
  readonly readFile: ReadFile;
  readonly workers: LookUpWorkers | null;
  readonly workspace: string | null;
  /** Files that led here, outermost first. */
  readonly trail: readonly string[];
}

interface Parsed {
  readonly workflow: Workflow | null;
  readonly problems: readonly Problem[];
  readonly warnings: readonly Problem[];
}

async function parseFile(file: string, context: Context): Promise<Parsed> {
  const text = await context.readFile(file);
  const whole = (message: string): Parsed => ({
    workflow: null,
    problems: [{ file, line: 1, column: 1, message }],
    warnings: [],
  });
  if (text === null) return whole("the workflow file does not exist");
  if (text.length > fileCharsMax) return whole("the file is larger than 4 MiB");

  const format = { schema: workflowFileSchema, jsonSchema: workflowJsonSchema, ...foreignWords, holders };
  const read = await readYaml(text, format);
  const source = read.ok ? read.source : await parseYaml(text);
  const problems: Problem[] = read.ok ? [] : read.issues.map((issue) => ({ file, ...issue }));
  if (!source.ok) return { workflow: null, problems, warnings: [] };

  const raw = rawOf(source.value);
  const profileOf = (id: string): Raw => rawOf(context.agents.agents.get(id));
  const steps = rawStepsOf(raw, profileOf);
  const files = read.ok ? [raw, read.value] : [raw];
  await spellNumbers(steps, files, source);
  const mistakes: Parameters<Report>[] = [];
  const cautions: Parameters<Report>[] = [];
  const report: Report = (...mistake) => void mistakes.push(mistake);
  checkGraph(raw, steps, report);
  const warning: Report = (...caution) => void cautions.push(caution);
  checkSteps(raw, steps, knownAgents(context.agents), { mistake: report, warning });
  checkReferences(raw, steps, report);
  checkScripts(steps, warning);
  checkCode(raw, steps, profileOf, report);
  checkVariables(raw, steps, report);
  if (context.workspace !== null) await checkLinks(raw, steps, context.workspace, report);
  if (context.workers !== null) {
    await checkWorkers(steps, profileOf, context.workers, {
      mistake: report,
      warning,
    });
  }
  const children = await parseChildren(file, steps, report, context);
  problems.push(...(await placed(file, source, mistakes)), ...children.problems);
  const warnings = [...(await placed(file, source, cautions)), ...children.warnings];
  problems.sort((a, b) => (a.file === b.file ? a.line - b.line || a.column - b.column : 0));
  if (!read.ok || problems.length > 0) return { workflow: null, problems, warnings };
  return { workflow: build(file, text, read.value, children.workflows, context), problems, warnings };
}

function build(
  file: string,
  text: string,
  value: WorkflowFile,
  children: ReadonlyMap<string, Workflow>,
  context: Context,
): Workflow {
  const hash = createHash("sha256");
  for (const part of [text, ...context.agents.texts, ...[...children.values()].map((child) => child.hash)])
    hash.update(part).update("\0");
  return buildWorkflow(value, {
    file,
    hash: hash.digest("hex"),
    agents: context.agents.agents,
    child: (stepId) => children.get(stepId) as Workflow,
  });
}

/**
 * Values of matrices and of variables are texts. Numbers keep their spelling in the file: `3.10` is not `3.1`. Changes `files` in
 * place.
 */
async function spellNumbers(
  { ids, byId, pathOf }: RawSteps,
  files: readonly Raw[],
  source: YamlSource & { ok: true },
): Promise<void> {
  const lists = ids.flatMap((id) =>
    Object.keys(rawOf(byId.get(id)?.["matrix"])).map((key) => pathOf(id, "matrix", key)),
  );
  const ofSteps = ids.flatMap((id) => [pathOf(id, "env"), pathOf(id, "completion_check", "env")]);
  for (const file of files) {
    for (const path of lists) {
      const list = listOf(valueAt(file, path)) as unknown[];
      for (const [index, value] of list.entries())
        if (typeof value === "number") list[index] = await spelled(value, [...path, index], source);
    }
    for (const path of [["defaults", "env"], ["env"], ...ofSteps]) {
      const env = rawOf(valueAt(file, path)) as Record<string, unknown>;
      for (const [name, value] of Object.entries(env))
        if (typeof value === "number") env[name] = await spelled(value, [...path, name], source);
    }
  }
}

function valueAt(file: Raw, path: Path): unknown {
  return path.reduce<unknown>((value, key) => rawOf(value)[key], file);
}

async function spelled(value: number, path: Path, source: YamlSource & { ok: true }): Promise<string> {
  return (await source.places()).textOfValue(path) ?? String(value);
}

/** An error in a default is where the default is. */
async function placed(
  file: string,
  source: YamlSource & { ok: true },
  reports: readonly Parameters<Report>[],
): Promise<readonly Problem[]> {
  const raw = rawOf(source.value);
  const issues = await placeReports(source, reports, (path) => {
    const written = writtenAt(raw, path);
    return { path: written, note: written === path ? "" : " (from defaults)" };
  });
  return issues.map((issue) => ({ file, ...issue }));
}

function knownAgents({ agents }: LoadedAgents): KnownAgents {
  return {
    names: [...agents.keys()],
    worker: (id) => agents.get(id)?.worker,
    hasCapabilities: (id) => agents.get(id)?.capabilities !== undefined,
  };
}

async function parseChildren(file: string, steps: RawSteps, report: Report, context: Context) {
  const workflows = new Map<string, Workflow>();
  const problems: Problem[] = [];
  const warnings: Problem[] = [];
  const trail = [...context.trail, file];
  for (const [id, step] of steps.byId) {
    const named = textOf(step["workflow"]);
    if (named === undefined) continue;
    const path = steps.pathOf(id, "workflow");
    const child = resolve(dirname(file), named);
    if (trail.includes(child)) {
      report(
        path,
        `the workflows contain each other: ${[...trail.slice(trail.indexOf(child)), child].join(" → ")}`,
      );
    } else if (trail.length >= nestingMax) {
      report(path, `sub-workflows are nested deeper than ${nestingMax}`);
    } else if ((await context.readFile(child)) === null) {
      report(path, `there is no workflow file ${child}`);
    } else {
      const workspace =
        context.workspace === null ? null : join(context.workspace, textOf(step["workspace"]) ?? ".");
      const parsed = await parseFile(child, { ...context, workspace, trail });
      problems.push(...parsed.problems);
      warnings.push(...parsed.warnings);
      if (parsed.workflow !== null) {
        workflows.set(id, parsed.workflow);
        checkSubWorkflow(steps.pathOf(id), step, parsed.workflow, report);
      }
    }
  }
  checkStepsInAll(steps, workflows, report);
  return { workflows, problems, warnings };
}
