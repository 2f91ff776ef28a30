/**
 * Records the commonest commands on real terminals of several widths, for `docs/sessions.md`. What differs from one recording to
 * the next is replaced: the wall clock stands still, ids are numbered, paths and durations are fixed.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { stripVTControlCharacters } from "node:util";
import { makeScratch } from "./agentcore-process.ts";
import { startOnPty } from "./pty.ts";

const widths = [60, 100, 200];

/** Paths have the same length on every machine, so that lines break at the same places. */
const rootChars = 96;
const firstAt = Date.UTC(2026, 4, 1, 12);
const minuteMs = 60_000;
const clockFile = fileURLToPath(new URL("./fixed-clock.ts", import.meta.url));

const workflow = `name: ci
version: "1"
timeout: 10m
steps:
  lint: { worker: shell, capabilities: [run_commands], instructions: "echo no problems" }
  test:
    worker: shell
    capabilities: [run_commands]
    instructions: "echo 1 of 12 failed: adds two numbers; exit 1"
    depends_on: [lint]
  publish: { worker: shell, capabilities: [run_commands], instructions: "true", depends_on: [test] }
`;

const configuration = `defaults: { worker: shell, capabilities: [run_commands] }
limits: { global: { cost_usd: { day: 25, month: 200 } }, workers: { shell: { tokens: { day: 100000 } } } }
`;

/** In this order, each a minute after the one before. */
const sessions: readonly { readonly title: string; readonly args: readonly string[] }[] = [
  { title: "Run one task now", args: ["run", "echo 12 tests passed"] },
  { title: "Queue a task", args: ["submit", "echo updating the changelog; echo CHANGELOG.md is written"] },
  { title: "Queue another one", args: ["submit", "echo 1 of 12 failed: adds two numbers >&2; exit 1"] },
  { title: "Run the queue", args: ["work", "--drain", "--concurrency", "1"] },
  { title: "List the jobs", args: ["jobs", "list"] },
  { title: "Show one job", args: ["jobs", "show", "--last"] },
  { title: "Read what its worker printed", args: ["jobs", "logs", "--last"] },
  { title: "Ask why it failed", args: ["why", "--last"] },
  { title: "List what failed for good", args: ["dlq", "list"] },
  { title: "See what is spent", args: ["budget"] },
  { title: "Run a workflow", args: ["workflow", "run", "ci.yaml"] },
];

export async function sessionsDocument(): Promise<string> {
  const recordings = await Promise.all(widths.map(record));
  return [
    "# Sessions",
    "",
    "What the commonest commands show on terminals of 60, 100 and 200 columns. `npm run docs` records this page, and a test compares it.",
    "Ids, times and paths are replaced by fixed ones, and colors are left out.",
    "",
    ...sessions.flatMap(({ title, args }, index) => [
      `## ${title}`,
      "",
      ...widths.flatMap((columns, at) => [
        `${columns} columns:`,
        "",
        "```text",
        `$ agentcore ${args.map(quoted).join(" ")}`,
        recordings[at]?.[index] ?? "",
        "```",
        "",
      ]),
    ]),
  ].join("\n");
}

const quoted = (word: string): string => (/^[\w@./-]+$/.test(word) ? word : `"${word}"`);

/** The sessions on terminals of one width, one after the other. */
async function record(columns: number): Promise<readonly string[]> {
  const scratch = makeScratch();
  const root = join(scratch.root, "x".repeat(rootChars - scratch.root.length - 1));
  const place = { ...scratch, root, workspace: join(root, "project") };
  mkdirSync(place.workspace, { recursive: true });
  const config = join(place.workspace, "agentcore.yaml");
  writeFileSync(config, configuration);
  writeFileSync(join(place.workspace, "ci.yaml"), workflow);
  const ids = new Map<string, string>();
  const shown: string[] = [];
  try {
    for (const [index, { args }] of sessions.entries()) {
      const env = {
        TZ: "UTC",
        NO_COLOR: "1",
        NODE_OPTIONS: `--import=${clockFile} --disable-warning=ExperimentalWarning`,
        AGENTCORE_TEST_NOW: String(firstAt + index * minuteMs),
      };
      const terminal = startOnPty(place, [...args, "--config", "agentcore.yaml"], { columns, rows: 40, env });
      await terminal.finished;
      shown.push(fixed(linesOf(terminal.raw()), root, ids));
    }
    return shown;
  } finally {
    await scratch.remove();
  }
}

/** What stays on the screen, in whole lines: without the live screen, and without the status lines below the printed ones. */
function linesOf(raw: string): string {
  const lines = raw
    // eslint-disable-next-line no-control-regex
    .replaceAll(/\u001b\[\?1049h[^]*?\u001b\[\?1049l/g, "")
    .replaceAll("\r\n", "\n")
    .split("\n")
    .map((line) =>
      stripVTControlCharacters(line.split("\u001b[2K").at(-1) ?? "")
        .replaceAll("\r", "")
        .trimEnd(),
    );
  return lines.join("\n").trim();
}

/** Differs between machines. */
const containment = /\(verified by [\w-]+\);(\s+)(?:sealed|best-effort) \([\w-]+\);/g;

/** An id and its short form get the same number, in the order in which they appear. */
function fixed(text: string, root: string, ids: Map<string, string>): string {
  const numbered = (id: string): string => {
    const end = id.slice(-8);
    const known = ids.get(end) ?? `a1b2c3d${(ids.size + 1).toString(16)}`;
    ids.set(end, known);
    return id.length === 8 ? known : `019de312-ac00-7000-8000-0000${known}`;
  };
  return text
    .replaceAll(/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|\b[0-9a-f]{8}\b/g, numbered)
    .replaceAll(`${root}/project`, "/home/you/project")
    .replaceAll(`${root}/xdg`, "/home/you/.local/state")
    .replaceAll(containment, "(verified by cgroup);$1sealed (bubblewrap);")
    .replaceAll(/\b(after|in) \d+(?:\.\d+)?m?s\b/g, "$1 0.8s")
    .replaceAll(/\(\d+(?:\.\d+)?m?s\)/g, "(0.8s)");
}
