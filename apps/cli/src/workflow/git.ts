/** Runs git for workflows: no shell, no questions, messages in English. */
import type { Git } from "@agentcore/workflow";
import { execFile } from "node:child_process";
import type { Environment } from "../config/env-text.ts";

/** What git itself hands to hooks and sub-commands: it would lead to the caller's repository instead of the workspace's. */
const ofAnotherRepository: ReadonlySet<string> = new Set([
  "GIT_ALTERNATE_OBJECT_DIRECTORIES",
  "GIT_COMMON_DIR",
  "GIT_DIR",
  "GIT_INDEX_FILE",
  "GIT_NAMESPACE",
  "GIT_OBJECT_DIRECTORY",
  "GIT_PREFIX",
  "GIT_WORK_TREE",
]);

const outputBytesMax = 256 * 1024 * 1024;

export function systemGit(environment: Environment): Git {
  const env = Object.fromEntries(
    Object.entries(environment).filter(([name]) => !ofAnotherRepository.has(name)),
  );
  return (cwd, args, more = {}) =>
    new Promise((resolve, reject) => {
      const options = {
        cwd,
        env: { ...env, ...more, LC_ALL: "C", GIT_TERMINAL_PROMPT: "0", GIT_OPTIONAL_LOCKS: "0" },
        maxBuffer: outputBytesMax,
      };
      execFile("git", [...args], options, (error, stdout, stderr) => {
        if (error === null) return resolve({ exitCode: 0, stdout, stderr });
        if (typeof error.code === "number") return resolve({ exitCode: error.code, stdout, stderr });
        // Without git there is no repository to be careful with.
        if (error.code === "ENOENT")
          return resolve({ exitCode: 127, stdout: "", stderr: "git is not installed" });
        reject(error);
      });
    });
}
