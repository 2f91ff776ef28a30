/**
 * A copy of the workspace's sources in which bugs can be planted, and its tests run. Dependencies are the workspace's own,
 * by a link; packages of the workspace find each other in the copy, because their links to one another are relative.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";

const workspace = fileURLToPath(new URL("../../../../", import.meta.url));
const rootFiles = ["package.json", "pnpm-workspace.yaml", "tsconfig.base.json", "vitest.config.ts"];

export interface TestRun {
  /** Names of the tests that ran, with those of the groups that they are in. */
  readonly passed: readonly string[];
  readonly failed: readonly string[];
  /** What was printed, where nothing could be made of it. */
  readonly problem: string | null;
}

export class WorkspaceCopy {
  readonly #root: string;

  constructor() {
    this.#root = realpathSync(mkdtempSync(join(tmpdir(), "agentcore-mutants-")));
    // Some tests run programs of the workspace as another user.
    chmodSync(this.#root, 0o755);
    const filter = (source: string): boolean => !["dist", ".turbo", "recordings"].includes(basename(source));
    for (const parent of ["packages", "apps"]) {
      cpSync(join(workspace, parent), join(this.#root, parent), {
        recursive: true,
        verbatimSymlinks: true,
        filter,
      });
    }
    for (const file of rootFiles) copyFileSync(join(workspace, file), join(this.#root, file));
    symlinkSync(join(workspace, "node_modules"), join(this.#root, "node_modules"));
  }

  /** Changes a file for as long as `use` takes. */
  async withChanged<T>(file: string, change: (source: string) => string, use: () => Promise<T>): Promise<T> {
    const path = join(this.#root, file);
    const source = readFileSync(path, "utf8");
    writeFileSync(path, change(source));
    try {
      return await use();
    } finally {
      writeFileSync(path, source);
    }
  }

  /** Runs the tests of a file whose names hold the words. */
  async runTests(file: string, words: string): Promise<TestRun> {
    const vitest = join(this.#root, "node_modules/vitest/vitest.mjs");
    const project = file.split("/").slice(0, 2).join("/");
    const report = join(this.#root, "report.json");
    rmSync(report, { force: true });
    const pattern = words.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");
    const args = [
      "run",
      "--project",
      project,
      file,
      "-t",
      pattern,
      "--reporter",
      "json",
      "--outputFile",
      report,
    ];
    const child = spawn(process.execPath, [vitest, ...args], {
      cwd: this.#root,
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => (output = (output + text).slice(-2000)));
    }
    await once(child, "close");
    return existsSync(report)
      ? readReport(readFileSync(report, "utf8"))
      : { passed: [], failed: [], problem: output };
  }

  remove(): void {
    rmSync(this.#root, { recursive: true, force: true, maxRetries: 5 });
  }
}

interface Report {
  readonly testResults: readonly {
    readonly message: string;
    readonly assertionResults: readonly { readonly fullName: string; readonly status: string }[];
  }[];
}

function readReport(text: string): TestRun {
  const { testResults } = JSON.parse(text) as Report;
  const results = testResults.flatMap(({ assertionResults }) => assertionResults);
  const named = (status: string): string[] =>
    results.filter((result) => result.status === status).map(({ fullName }) => fullName);
  const broken = testResults.find(
    ({ message, assertionResults }) => message !== "" && assertionResults.length === 0,
  );
  return { passed: named("passed"), failed: named("failed"), problem: broken?.message ?? null };
}
