/** Composes the spend gate, and what the configuration says about who uses it. Its code is loaded with the first run that does. */
import {
  noRefusedKeys,
  systemClock,
  systemIds,
  type Log,
  type SpendGateMode,
  type WorkerAdapter,
} from "@agentcore/contract";
import type { CallJournal, RefusedKeyReport, SpendGate } from "@agentcore/core";
import type { Environment } from "@agentcore/yaml-file";
import type { Config } from "./config/schema.ts";
import type { StateDir } from "./state/state-dir.ts";

export interface SpendGateParts {
  readonly config: Config;
  readonly state: StateDir;
  readonly journal: CallJournal;
  /** With the credentials, and the addresses of proxies. */
  readonly env: Environment;
  readonly log: Log;
}

export function composeSpendGate(parts: SpendGateParts): SpendGate {
  let opening: Promise<SpendGate> | null = null;
  let loaded: SpendGate | null = null;
  let isClosed = false;
  let onRefused: (report: RefusedKeyReport) => void = () => {};
  return {
    async open(request) {
      opening ??= load(parts);
      const gate = await opening;
      if (loaded === null) gate.onRefusedKeys((report) => onRefused(report));
      loaded = gate;
      // One that was loaded while the runtime closed refuses what is opened then.
      if (isClosed) await gate.close();
      return gate.open(request);
    },
    refusedKeys: () => loaded?.refusedKeys() ?? noRefusedKeys,
    onRefusedKeys(listener) {
      onRefused = listener;
    },
    async close() {
      isClosed = true;
      await (await opening)?.close();
    },
  };
}

async function load({ config, state, journal, env, log }: SpendGateParts): Promise<SpendGate> {
  const { createSpendGate } = await import("@agentcore/spend-gate");
  return createSpendGate({
    providers: config.providers,
    prices: config.prices,
    unpriced: config.unpriced,
    journal,
    directory: state.spendGate,
    env,
    clock: systemClock,
    ids: systemIds,
    log,
    runCommand: (command, { signal }) => printedBy(command, env, signal),
  });
}

/** What a command of the configuration prints, such as the credential that it fetches. */
async function printedBy(command: string, env: Environment, signal: AbortSignal): Promise<string> {
  const { execa } = await import("execa");
  const { stdout } = await execa(command, {
    shell: true,
    env,
    extendEnv: false,
    stdin: "ignore",
    stderr: "ignore",
    cancelSignal: signal,
  });
  return stdout;
}

/** Whether the worker uses the gate, as the configuration says. */
export function spendGateModeOf(
  worker: string,
  config: Pick<Config, "workers" | "spend_gate">,
): SpendGateMode {
  const own = Object.hasOwn(config.workers, worker) ? config.workers[worker]?.spend_gate : undefined;
  return own ?? config.spend_gate;
}

/** By the names of the adapters. */
export function spendGateModes(
  adapters: readonly Pick<WorkerAdapter, "name">[],
  config: Pick<Config, "workers" | "spend_gate">,
): Readonly<Record<string, SpendGateMode>> {
  return Object.fromEntries(adapters.map(({ name }) => [name, spendGateModeOf(name, config)]));
}

/** The providers whose credential the gate gets from the configuration. */
export function providersWithCredential({ providers }: Pick<Config, "providers">): string[] {
  return Object.entries(providers)
    .filter(([, { credential }]) => credential !== undefined && !("login" in credential))
    .map(([name]) => name);
}
