/**
 * A place of its own for one crash test: state directory, configuration, the program under test, and the lock-taking
 * program that workers run under. The program is bundled anew from the sources, because a restart must not cost seconds.
 */
import { build } from "esbuild";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { randomUUID } from "node:crypto";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { findSurvivors } from "@agentcore/worker-kit/testing";
import { until } from "@agentcore/contract/testing";
import { writeEnterProgram } from "./truth-ledger.ts";

/** What one attempt is granted, and so the most that it can be charged where nobody saw its end. */
const attemptCostUsdMax = 0.05;

export interface Rig {
  readonly root: string;
  readonly stateDir: string;
  /** The program under test. */
  readonly program: string;
  readonly configPath: string;
  /** What is written there. */
  readonly config: Readonly<Record<string, unknown>>;
  /** Path of the lock-taking program. */
  readonly enter: string;
  /** Is in the command line of every process that a hostile script leaves behind. */
  readonly token: string;
  /** Likewise of fake agents. */
  readonly tags: string[];
  /** Everything that the program under test gets of an environment. */
  readonly env: Readonly<Record<string, string>>;
  /** Once nothing runs in it any more: a runtime that lost its scheduler writes its results after that. */
  remove(): Promise<void>;
}

export interface RigOptions {
  /** How long a runtime that closes waits for its workers. Default: a moment, so that many restarts fit into a test. */
  readonly graceMs?: number;
  /** Most attempts of a job, the interrupted ones included. Default: the program's own. */
  readonly attemptsMax?: number;
  /** Most runs in flight. Default 6. */
  readonly concurrency?: number;
  /** Limits of tenants, as in the configuration. */
  readonly tenants?: Readonly<Record<string, unknown>>;
  /** Whether little free space on the disk of the state directory is no reason to wait. Default: it is one. */
  readonly ignoresDisk?: boolean;
}

export async function makeRig(options: RigOptions = {}): Promise<Rig> {
  const root = realpathSync(mkdtempSync(join(tmpdir(), "agentcore-crash-")));
  const at = (name: string): string => join(root, name);
  for (const name of ["state", "jobs", "program"]) mkdirSync(at(name));
  await bundle(at("program"));
  const enter = writeEnterProgram(root);
  const config = configuration(at("program/metered-adapter.js"), enter, options);
  writeFileSync(at("agentcore.yaml"), JSON.stringify(config));
  return {
    root,
    stateDir: at("state"),
    program: at("program/main.js"),
    configPath: at("agentcore.yaml"),
    config,
    enter,
    token: `left-${randomUUID()}`,
    tags: [],
    env: {
      PATH: process.env["PATH"] ?? "",
      HOME: root,
      NODE_COMPILE_CACHE: at("compile-cache"),
    },
    async remove() {
      await until(() => findSurvivors([root]).length === 0, { what: `the end of every process of ${root}` });
      rmSync(root, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

async function bundle(outdir: string): Promise<void> {
  const cli = dirname(fileURLToPath(import.meta.resolve("agentcore/package.json")));
  const adapter = fileURLToPath(new URL("./metered-adapter.ts", import.meta.url));
  await build({
    entryPoints: { main: join(cli, "src/main.ts"), "metered-adapter": adapter },
    outdir,
    bundle: true,
    splitting: true,
    platform: "node",
    format: "esm",
    target: "node22.13",
    conditions: ["@agentcore/source"],
    keepNames: true,
    logLevel: "warning",
    banner: {
      js: 'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);',
    },
  });
  // The program says its version from its manifest.
  writeFileSync(
    join(outdir, "package.json"),
    '{ "name": "agentcore", "version": "0.0.0", "type": "module" }\n',
  );
}

/** Breakers and watchdog stay out of the way: failing jobs are meant to fail for as long as the test runs. */
function configuration(adapter: string, enter: string, options: RigOptions): Rig["config"] {
  const { graceMs = 300, attemptsMax, concurrency = 6, tenants = {}, ignoresDisk = false } = options;
  return {
    limits: {
      global: { concurrency, cost_usd: { total: 100_000 } },
      tenants,
      attempt: { cost_usd: attemptCostUsdMax },
      ...(attemptsMax === undefined ? {} : { job: { attempts: attemptsMax } }),
    },
    breakers: { consecutive_failures: 1_000_000, failure_share: 0.999, window: 10_000, valve_min_open: 1000 },
    watchdog: { concentration_runs: 1000, concentration_share: 1 },
    ...(ignoresDisk ? { backpressure: { disk_free: { defer: "1KiB", reject: "1KiB" } } } : {}),
    shutdown: { grace: `${graceMs}ms` },
    workers: { metered: { adapter, program: enter } },
  };
}
