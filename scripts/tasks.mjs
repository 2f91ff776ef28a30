// Runs the tasks of turbo.json: what has not changed since it last passed is taken from turbo's cache, in .turbo of this
// checkout. turbo starts its tasks through pnpm, so it must find pnpm on PATH: pnpm itself, started by npx, sees to that.
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { release } from "node:os";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { pnpm } from "./pnpm.mjs";
import { root, toolEnv } from "./process.mjs";

/**
 * Runs a task in every package that has it, and resolves to an exit code.
 * @param {string} task
 * @param {readonly string[]} [args]
 * @param {NodeJS.ProcessEnv} [env]
 */
export function turbo(task, args = [], env = {}) {
  const plain = ["--env-mode=loose", "--log-prefix=none", ...args];
  return pnpm(["exec", "turbo", "run", task, ...plain], { env: { ...toolEnv(), ...env } });
}

/** Compiles every package to its dist folder. */
export async function build() {
  const code = await turbo("build", ["--output-logs=errors-only"]);
  if (code !== 0) process.exit(code);
}

/** Packages whose tests are mostly one file each: two of them at a time, with one worker of vitest each. */
const onePrincipalFile = [
  "adapter-*",
  "contract",
  "core",
  "model-server",
  "repo-checks",
  "scheduler",
  "simulation",
  "worker-tests",
  "yaml-file",
];

/**
 * The tests of every package: the small ones in pairs, then the others one by one with three workers, since they wait for
 * processes much of the time. At the end come the failures of all packages and the totals. Resolves to an exit code.
 */
export async function test() {
  const logs = ["packages", "apps"].flatMap((parent) =>
    readdirSync(join(root, parent)).map((name) => join(root, parent, name, ".turbo", "turbo-test.log")),
  );
  for (const log of logs) rmSync(log, { force: true });
  const options = ["--continue=always", "--output-logs=new-only"];
  const env = { TEST_MACHINE: machine() };
  const small = onePrincipalFile.map((name) => `--filter=@agentcore/${name}`);
  const large = onePrincipalFile.map((name) => `--filter=!@agentcore/${name}`);
  const codes = [
    await turbo("test", [...options, "--log-order=grouped", "--concurrency=2", ...small], {
      ...env,
      TEST_WORKERS: "1",
    }),
    await turbo("test", [...options, "--concurrency=1", ...large], { ...env, TEST_WORKERS: "3" }),
  ];
  const texts = logs
    .filter((log) => existsSync(log))
    .map((log) => stripVTControlCharacters(readFileSync(log, "utf8")));
  for (const text of texts) {
    const failures = text.indexOf(" Failed ");
    if (failures !== -1) console.log(text.slice(text.lastIndexOf("\n", failures) + 1));
  }
  for (const what of ["Test Files", "Tests"]) console.log(`${what.padStart(11)}  ${totals(texts, what)}`);
  return Math.max(...codes);
}

/**
 * Sums lines such as `Tests  1 failed | 45 passed (46)` up.
 * @param {readonly string[]} texts
 * @param {string} what
 */
function totals(texts, what) {
  const line = new RegExp(`^ +${what} +(.*) \\(\\d+\\)$`, "gm");
  /** @type {Record<string, number>} */
  const sums = {};
  for (const [, counts = ""] of texts.flatMap((text) => [...text.matchAll(line)])) {
    for (const [, count, state = ""] of counts.matchAll(/(\d+) (\w+)/g))
      sums[state] = (sums[state] ?? 0) + Number(count);
  }
  return Object.entries(sums)
    .map(([state, count]) => `${count} ${state}`)
    .join(" | ");
}

/** What tests depend on besides the sources: a pass on one kernel or without bubblewrap says nothing about another. */
function machine() {
  const versions = [
    ["node", "--version"],
    ["git", "--version"],
    ["bwrap", "--version"],
  ].map(([program, arg]) => {
    try {
      return execFileSync(program, [arg], { env: toolEnv(), encoding: "utf8" }).trim();
    } catch {
      return `no ${program}`;
    }
  });
  return [release(), process.getuid?.(), ...versions].join(", ");
}
