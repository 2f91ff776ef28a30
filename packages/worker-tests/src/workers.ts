/**
 * How each worker is set up for the matrix: its adapter, its pinned program, and how it is pointed at the model server.
 * The environment is made from scratch, so that no login or endpoint of the person who runs the tests is ever used.
 */
import { randomUUID } from "node:crypto";
import { claudeCodeAdapter } from "@agentcore/adapter-claude-code";
import { codexAdapter } from "@agentcore/adapter-codex";
import { openCodeAdapter } from "@agentcore/adapter-opencode";
import type { Containment } from "@agentcore/containment";
import { systemClock, type WorkerAdapter, type WorkerRunner } from "@agentcore/contract";
import { createProcessRunner } from "@agentcore/worker-kit";
import type { WorkerName } from "./cases.ts";
import type { CliName } from "./installation.ts";

export interface WorkerSetup {
  readonly name: WorkerName;
  readonly adapter: WorkerAdapter;
  readonly cli: CliName;
  readonly model: string;
  /** The environment variable that the worker's key is in. */
  readonly keyVariable: string;
  /** Settings of the worker, as in a configuration file. `modelUrl` has no `/v1`. */
  settings(modelUrl: string): Readonly<Record<string, unknown>>;
}

export const workerSetups: Readonly<Record<WorkerName, WorkerSetup>> = {
  "claude-code": {
    name: "claude-code",
    adapter: claudeCodeAdapter,
    cli: "claude",
    model: "claude-sonnet-4-5",
    keyVariable: "ANTHROPIC_API_KEY",
    settings: (modelUrl) => ({ base_url: modelUrl }),
  },
  codex: {
    name: "codex",
    adapter: codexAdapter,
    cli: "codex",
    model: "gpt-5.5",
    keyVariable: "OPENAI_API_KEY",
    settings: (modelUrl) => ({ base_url: `${modelUrl}/v1` }),
  },
  opencode: {
    name: "opencode",
    adapter: openCodeAdapter,
    cli: "opencode",
    model: "scripted-model",
    keyVariable: "OPENAI_API_KEY",
    settings: (modelUrl) => ({
      base_url: `${modelUrl}/v1`,
      prices: { input: 3, cached_input: 0.3, output: 15 },
    }),
  },
};

export interface RunnerOptions {
  readonly containment: Containment;
  readonly attemptsDir: string;
  /** Stands for the HOME of the person who runs AgentCore: a worker's `--version` writes to it. */
  readonly userHome: string;
  readonly key: string;
}

export function createRunner(worker: WorkerSetup, options: RunnerOptions): WorkerRunner {
  return createProcessRunner({
    containment: options.containment,
    clock: systemClock,
    ids: { next: () => randomUUID() },
    hostEnv: {
      PATH: process.env["PATH"],
      LANG: "C.UTF-8",
      HOME: options.userHome,
      [worker.keyVariable]: options.key,
    },
    attemptsDir: options.attemptsDir,
  });
}
