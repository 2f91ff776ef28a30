/** Reads a daemon file. Returns all errors at once, each with its place and its cure, or the definition. */
import {
  formatProblem,
  holders,
  parseYaml,
  placeReports,
  rawOf,
  readYaml,
  type Environment,
  type Problem,
  type Report,
  type YamlSource,
} from "@agentcore/yaml-file";
import type { DaemonDefinition } from "../definition.ts";
import { buildDefinition, type Surroundings } from "./build.ts";
import { checkEvents } from "./check-events.ts";
import { checkGates, type LookUpGate } from "./check-gates.ts";
import type { Reports } from "./check-templates.ts";
import { checkTriggers } from "./check-triggers.ts";
import { daemonFileSchema, daemonJsonSchema } from "./file-schema.ts";
import { foreignWords } from "./names.ts";

/** Larger files are refused: people write them by hand. */
const fileCharsMax = 1024 * 1024;
/** Linux opens no Unix socket with a longer path. */
const socketBytesMax = 107;

export interface ParseDaemonRequest extends Surroundings {
  /** Content of the file. */
  readonly text: string;
  /** For `${NAME}` in the settings that expand it. */
  readonly env: Environment;
  /**
   * The errors of a workflow file, by its absolute path and that of the agents file; null: there is no such file. Without it,
   * workflow files are not read.
   */
  readonly checkWorkflow?: (file: string, agentsFile: string | null) => Promise<readonly Problem[] | null>;
  /** Looks up the worker or profile of a gate. Without it, they are not checked. */
  readonly lookUpGate?: LookUpGate;
}

export type ParseDaemonResult =
  | { readonly ok: true; readonly definition: DaemonDefinition; readonly warnings: readonly Problem[] }
  /** At least one; those of the daemon file come first, sorted by place. */
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** Never rejects for what the file says; rejects with what `checkWorkflow` and `lookUpGate` reject with. */
export async function parseDaemonFile(request: ParseDaemonRequest): Promise<ParseDaemonResult> {
  const { text, file, env } = request;
  if (text.length > fileCharsMax)
    return { ok: false, problems: [{ file, line: 1, column: 1, message: "the file is larger than 1 MiB" }] };
  const schema = daemonFileSchema(env);
  const read = await readYaml(text, { schema, jsonSchema: daemonJsonSchema, ...foreignWords, holders });
  const source = read.ok ? read.source : await parseYaml(text);
  const problems: Problem[] = read.ok ? [] : read.issues.map((issue) => ({ file, ...issue }));
  if (!source.ok) return { ok: false, problems };

  const raw = rawOf(source.value);
  const mistakes: Parameters<Report>[] = [];
  const cautions: Parameters<Report>[] = [];
  const reports: Reports = {
    mistake: (...mistake) => void mistakes.push(mistake),
    warning: (...caution) => void cautions.push(caution),
  };
  checkEvents(raw, reports.mistake);
  checkTriggers(raw, reports);
  const definition = read.ok ? buildDefinition(await withSpelledNumbers(read.value, source), request) : null;
  if (definition !== null) checkSocket(definition, reports.mistake);
  const ofOthers = definition === null ? [] : await problemsOfOthers(definition, request, reports.mistake);
  const placed = async (all: readonly Parameters<Report>[]): Promise<Problem[]> =>
    (await placeReports(source, all)).map((issue) => ({ file, ...issue }));
  problems.push(...(await placed(mistakes)));
  problems.sort((a, b) => a.line - b.line || a.column - b.column);
  problems.push(...ofOthers);
  if (definition === null || problems.length > 0) return { ok: false, problems };
  return { ok: true, definition, warnings: await placed(cautions) };
}

function checkSocket({ server: { socket } }: DaemonDefinition, report: Report): void {
  const bytes = Buffer.byteLength(socket);
  if (bytes > socketBytesMax)
    report(
      ["server", "socket"],
      `${socket} has ${bytes} bytes, and a socket at most ${socketBytesMax}; write a shorter path`,
    );
}

/** In the files that the daemon file names. Two of them may rest on the same wrong one, whose errors come once. */
async function problemsOfOthers(
  definition: DaemonDefinition,
  request: ParseDaemonRequest,
  report: Report,
): Promise<readonly Problem[]> {
  const { lookUpGate } = request;
  const found = [
    ...(await workflowProblems(definition, request, report)),
    ...(lookUpGate === undefined ? [] : await checkGates(definition, lookUpGate, report)),
  ];
  return [...new Map(found.map((problem) => [formatProblem(problem), problem])).values()];
}

/** Each workflow file is checked once. */
async function workflowProblems(
  { triggers, agentsFile }: DaemonDefinition,
  { checkWorkflow }: ParseDaemonRequest,
  report: Report,
): Promise<readonly Problem[]> {
  if (checkWorkflow === undefined) return [];
  const found = new Map<string, readonly Problem[] | null>();
  for (const { id, workflow } of triggers.values()) {
    const known = found.get(workflow);
    const problems = known === undefined ? await checkWorkflow(workflow, agentsFile) : known;
    found.set(workflow, problems);
    if (problems === null) report(["triggers", id, "workflow"], `there is no workflow file ${workflow}`);
  }
  return [...found.values()].flatMap((problems) => problems ?? []);
}

type Value = Parameters<typeof buildDefinition>[0];

/** Values of variables are texts: numbers keep their spelling in the file, `3.10` is not `3.1`. */
async function withSpelledNumbers(value: Value, source: YamlSource & { ok: true }): Promise<Value> {
  const triggers = { ...value.triggers };
  for (const [id, trigger] of Object.entries(triggers)) {
    const { context } = trigger;
    const numbers = Object.entries(context?.env ?? {}).filter(([, text]) => typeof text === "number");
    if (context === undefined || numbers.length === 0) continue;
    const places = await source.places();
    const env = { ...context.env };
    for (const [name, number] of numbers)
      env[name] = places.textOfValue(["triggers", id, "context", "env", name]) ?? String(number);
    triggers[id] = { ...trigger, context: { ...context, env } };
  }
  return { ...value, triggers };
}
