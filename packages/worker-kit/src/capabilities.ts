/**
 * Turns a task's capabilities into a worker's permission flags. All adapters call these functions from `plan`, so that they
 * agree on implications, on test commands, and on the text of refusals.
 */
import { AgentCoreError, capabilities as allCapabilities, type Capability } from "@agentcore/contract";

/** What the worker may do, with implications resolved. */
export interface CapabilitySet {
  /** Always: every other capability implies it. */
  readonly read: true;
  readonly edit: boolean;
  /** True even if any command is allowed. */
  readonly runTests: boolean;
  readonly runCommands: boolean;
}

export function capabilitySet(granted: readonly Capability[]): CapabilitySet {
  const runCommands = granted.includes("run_commands");
  return {
    read: true,
    edit: granted.includes("edit"),
    runTests: runCommands || granted.includes("run_tests"),
    runCommands,
  };
}

/**
 * Returns the flags (or tools, or rules) of the granted capabilities from the table, in the table's order, without
 * duplicates. `read` is always included.
 */
export function mapCapabilities<T>(
  granted: readonly Capability[],
  table: Readonly<Record<Capability, readonly T[]>>,
): T[] {
  const set = capabilitySet(granted);
  const holds: Record<Capability, boolean> = {
    read: set.read,
    edit: set.edit,
    run_tests: set.runTests,
    run_commands: set.runCommands,
  };
  return [...new Set(allCapabilities.flatMap((capability) => (holds[capability] ? table[capability] : [])))];
}

/** Throws `AC_CAPABILITY_UNSUPPORTED` if a requested capability cannot be enforced by the worker. */
export function requireCapabilities(
  worker: string,
  supported: readonly Capability[],
  asked: readonly Capability[],
): void {
  const unsupported = asked.filter((capability) => capability !== "read" && !supported.includes(capability));
  if (unsupported.length === 0) return;
  throw new AgentCoreError(
    "AC_CAPABILITY_UNSUPPORTED",
    `${worker} cannot enforce ${unsupported.join(", ")}; it can enforce ${supported.join(", ") || "nothing"}`,
    { evidence: { worker, asked: [...asked], supported: [...supported] } },
  );
}

/**
 * Command prefixes that count as a test run under `run_tests`. A worker that matches commands by prefix gets these; a
 * worker that cannot match commands should not support `run_tests`. The commands run code from the workspace, so they guide
 * a cooperative agent but do not stop a hostile workspace.
 */
export const testCommandPrefixes: readonly string[] = [
  "npm test",
  "npm run test",
  "pnpm test",
  "pnpm run test",
  "yarn test",
  "yarn run test",
  "bun test",
  "deno test",
  "node --test",
  "npx vitest",
  "npx jest",
  "npx mocha",
  "pytest",
  "python -m pytest",
  "python3 -m pytest",
  "python -m unittest",
  "python3 -m unittest",
  "tox",
  "cargo test",
  "go test",
  "make test",
  "make check",
  "mvn test",
  "gradle test",
  "./gradlew test",
  "dotnet test",
  "bundle exec rspec",
  "bundle exec rake test",
  "vendor/bin/phpunit",
  "mix test",
  "ctest",
  "swift test",
];

/** True for one of {@link testCommandPrefixes} with arguments, without anything that a shell reads as a second command. */
export function isTestCommand(command: string): boolean {
  const text = command.trim();
  if (/[;&|<>`$()\n\r\\]/.test(text)) return false;
  return testCommandPrefixes.some((prefix) => text === prefix || text.startsWith(`${prefix} `));
}
