/**
 * Capabilities of a task, turned into what a worker's own permission flags need. Adapters call these from `plan`, so
 * that all of them agree on what implies what, on what counts as a test run, and on how a refusal reads.
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
 * The flags (or tools, or rules) for what was granted: each capability's own list from the table, in the table's order,
 * without repeats. `read` is always part of it.
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

/** Throws `AC_CAPABILITY_UNSUPPORTED` where something was asked for that the worker cannot enforce. */
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
 * Command prefixes that count as a test run under `run_tests`. A worker that matches commands by prefix is given these;
 * one that cannot match commands should not offer `run_tests`. They run what the workspace's own files say, so they
 * are a convenience for honest work and no wall against a hostile workspace.
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

/** True for one of {@link testCommandPrefixes} with arguments, and nothing that a shell would read as a second command. */
export function isTestCommand(command: string): boolean {
  const text = command.trim();
  if (/[;&|<>`$()\n\r\\]/.test(text)) return false;
  return testCommandPrefixes.some((prefix) => text === prefix || text.startsWith(`${prefix} `));
}
