/**
 * The parts of the process that a command may use. Tests of commands run real processes, so there is only one
 * implementation.
 */
import { AgentCoreError, isAgentCoreError } from "@agentcore/contract";
import { existsSync } from "node:fs";
import type { Readable } from "node:stream";
import { withUsableHome } from "./config/environment.ts";
import type { Environment } from "@agentcore/yaml-file";
import { openOutput, type Output } from "./output.ts";
import { systemWords } from "./system-words.ts";

export interface Io {
  readonly stdin: Readable;
  readonly stdout: Output;
  readonly stderr: Output;
  readonly env: Environment;
  /** Throws `AC_USAGE` if the directory was deleted. */
  readonly cwd: string;
}

export function processIo(): Io {
  return {
    // Created on first use: a run that reads no stdin need not open it.
    get stdin() {
      return process.stdin;
    },
    stdout: openOutput(() => process.stdout),
    stderr: openOutput(() => process.stderr),
    env: withUsableHome(process.env),
    get cwd() {
      return currentDirectory();
    },
  };
}

function currentDirectory(): string {
  try {
    const path = process.cwd();
    // Paths are texts here: bytes that are not UTF-8 became replacement characters, and the path leads nowhere.
    if (path.includes("\uFFFD") && !existsSync(path)) throw unusableDirectory("its name is not UTF-8");
    return path;
  } catch (error) {
    if (isAgentCoreError(error)) throw error;
    throw unusableDirectory(systemWords(error), error);
  }
}

function unusableDirectory(reason: string, cause?: unknown): AgentCoreError {
  return new AgentCoreError(
    "AC_USAGE",
    `the current directory cannot be used: ${reason}; change to another directory first`,
    { cause },
  );
}
