/** Makes a fake agent: an executable that an adapter can be pointed at instead of its real worker. */
import { chmodSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { randomUUID } from "node:crypto";
import { fileURLToPath } from "node:url";
import { makeTemporaryDirectory } from "./temporary-directories.ts";
import type { FakeLedgerEntry, FakeScript, FakeStep } from "./fake-agent-script.ts";

export interface FakeAgent {
  /** Path of the executable: the `program` of the adapter's settings. */
  readonly program: string;
  /** See `FakeScript.tag`. */
  readonly tag: string;
  /** What it wrote so far. */
  ledger(): FakeLedgerEntry[];
}

export interface FakeAgentOptions {
  /** Default: none, so that every start performs the script. */
  readonly versionArgs?: readonly string[];
  /** Default: newer than any lowest version. */
  readonly version?: string;
  /** Where its files go; default: a directory that is removed when this process ends. */
  readonly directory?: string;
}

/** Runs from the sources under Node's type stripping, and from the compiled package alike. */
const mainPath = fileURLToPath(
  new URL(import.meta.url.endsWith(".ts") ? "./fake-agent-main.ts" : "./fake-agent-main.js", import.meta.url),
);

export function createFakeAgent(steps: readonly FakeStep[], options: FakeAgentOptions = {}): FakeAgent {
  const directory = options.directory ?? makeTemporaryDirectory("fake-agent");
  const id = randomUUID();
  const tag = `fake-${id}`;
  const ledger = join(directory, `ledger-${id}.jsonl`);
  const scriptPath = join(directory, `script-${id}.json`);
  const program = join(directory, `agent-${id}`);
  const script: FakeScript = {
    steps,
    tag,
    ledger,
    versionArgs: options.versionArgs ?? [],
    version: options.version ?? "999.0.0",
  };
  writeFileSync(scriptPath, JSON.stringify(script));
  writeFileSync(
    program,
    `#!/bin/sh\nexec ${quote(process.execPath)} ${quote(mainPath)} ${quote(scriptPath)} "$@"\n`,
  );
  chmodSync(program, 0o755);
  return {
    program,
    tag,
    ledger: () =>
      existsSync(ledger)
        ? readFileSync(ledger, "utf8")
            .split("\n")
            .filter((line) => line !== "")
            .map((line) => JSON.parse(line) as FakeLedgerEntry)
        : [],
  };
}

function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
