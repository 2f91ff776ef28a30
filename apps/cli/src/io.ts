/** What a command may touch of the process around it; tests of commands run real processes, so there is one implementation. */
import { AgentCoreError } from "@agentcore/contract";
import type { Readable } from "node:stream";
import type { Environment } from "./config/env-text.ts";
import { openOutput, type Output } from "./output.ts";
import { systemWords } from "./system-words.ts";

export interface Io {
  readonly stdin: Readable;
  readonly stdout: Output;
  readonly stderr: Output;
  readonly env: Environment;
  /** Throws `AC_USAGE` where the directory was deleted. */
  readonly cwd: string;
}

export function processIo(): Io {
  return {
    // Made when it is first asked for: a run that reads no stdin need not open it.
    get stdin() {
      return process.stdin;
    },
    stdout: openOutput(() => process.stdout),
    stderr: openOutput(() => process.stderr),
    env: process.env,
    get cwd() {
      return currentDirectory();
    },
  };
}

function currentDirectory(): string {
  try {
    return process.cwd();
  } catch (error) {
    throw new AgentCoreError(
      "AC_USAGE",
      `the current directory cannot be used: ${systemWords(error)}; change to another directory first`,
      { cause: error },
    );
  }
}
