/** `agentcore workflow graph`, and the pictures of `workflow show`: the steps as Mermaid text, SVG or an HTML page. */
import { AgentCoreError } from "@agentcore/contract";
import { mermaidGraph, nodesWithin, workflowGraph, type Workflow } from "@agentcore/workflow";
import { exitCodes } from "../exit-code.ts";
import type { Io } from "../io.ts";
import { daemonUrl } from "../target/open-target.ts";
import type { TargetOptions } from "../target/target.ts";
import { requireWorkflow } from "../workflow/load-workflow.ts";
import { withJournal } from "../workflow/open-journal.ts";
import type { PictureRun } from "../workflow/picture/facts.ts";
import { readPicture } from "../workflow/picture/read-picture.ts";
import { writeTextFile } from "../text-files.ts";

/** Files to write; true: to stdout. */
export interface PictureOptions {
  readonly svg?: string | true;
  readonly html?: string | true;
}

export interface GraphOptions extends PictureOptions, TargetOptions {
  readonly agents?: readonly string[];
  readonly run?: string;
}

export const asksForPicture = ({ svg, html }: PictureOptions): boolean =>
  svg !== undefined || html !== undefined;

export async function graphWorkflow(
  file: string | undefined,
  options: GraphOptions,
  io: Io,
): Promise<number> {
  if (options.run !== undefined) {
    if (file !== undefined) throw usage("name a file or --run, not both: a run has its own file");
    if (!asksForPicture(options)) throw usage("--run needs --svg or --html");
    return drawRun(options.run, options, io);
  }
  if (file === undefined) throw usage("name a workflow file, or a --run");
  const { workflow } = await requireWorkflow(file, options.agents, io);
  if (asksForPicture(options)) return draw(workflow, null, options, io);
  io.stdout.write(mermaidGraph(workflow));
  return exitCodes.succeeded;
}

export async function drawRun(id: string, options: PictureOptions & TargetOptions, io: Io): Promise<number> {
  if (daemonUrl(options, io) !== undefined)
    throw usage(
      "a picture needs the workflow file: draw it on the daemon's machine, with --state-dir DIR in place of --url",
    );
  const { workflow, run } = await withJournal(options, io, (journal) => readPicture(journal, id, io));
  return draw(workflow, run, options, io);
}

/** The layout of more steps takes minutes, and nobody can read it. */
const picturedMax = 600;

async function draw(
  workflow: Workflow,
  run: PictureRun | null,
  { svg, html }: PictureOptions,
  io: Io,
): Promise<number> {
  if (svg === true && html === true)
    throw usage("only one of --svg and --html can go to stdout; name a file");
  const graph = workflowGraph(workflow);
  const { length } = nodesWithin(graph);
  if (length > picturedMax) {
    throw usage(
      `${length} steps, including sub-workflows, are too many for a picture (at most ${picturedMax}); leave out --svg and --html to print Mermaid text`,
    );
  }
  const put = async (to: string | true, text: string): Promise<void> => {
    if (to === true) return io.stdout.raw(text);
    await writeTextFile(to, io.cwd, text);
    io.stdout.write(`${to}: ${length} ${length === 1 ? "step" : "steps"}\n`);
  };
  // Loads the layout library, which nothing else needs.
  if (svg !== undefined) {
    const { svgPicture } = await import("../workflow/picture/svg.ts");
    await put(svg, svgPicture(graph, run));
  }
  if (html !== undefined) {
    const { htmlPage } = await import("../workflow/picture/page.ts");
    await put(html, htmlPage(graph, run));
  }
  return exitCodes.succeeded;
}

function usage(message: string): AgentCoreError {
  return new AgentCoreError("AC_USAGE", message);
}
