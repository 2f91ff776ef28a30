// Starting programs from the scripts: the workspace's own binaries (and so the pinned Node) come first on PATH.
import { spawn } from "node:child_process";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("..", import.meta.url));

/** The caller's environment with the workspace's binaries first, and no reports of ours to anybody. */
export function toolEnv() {
  return {
    ...process.env,
    PATH: [join(root, "node_modules", ".bin"), process.env.PATH].join(delimiter),
    TURBO_TELEMETRY_DISABLED: "1",
    DO_NOT_TRACK: "1",
  };
}

/**
 * Runs a program to its end and resolves to its exit code: 128 + n for a signal, 127 where it could not be started.
 * Ctrl-C reaches the whole foreground group, so this process only waits for the program's own clean end. SIGTERM and SIGHUP
 * are passed on.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {import("node:child_process").SpawnOptions} [options]
 * @returns {Promise<number>}
 */
export function run(command, args, options = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: root, stdio: "inherit", env: toolEnv(), ...options });
    const wait = () => {};
    const end = () => child.kill("SIGTERM");
    const hangUp = () => child.kill("SIGHUP");
    process.on("SIGINT", wait);
    process.on("SIGTERM", end);
    process.on("SIGHUP", hangUp);
    const settle = (/** @type {number} */ code) => {
      process.off("SIGINT", wait);
      process.off("SIGTERM", end);
      process.off("SIGHUP", hangUp);
      resolve(code);
    };
    child.on("error", (error) => {
      console.error(`${command}: ${error.message}`);
      settle(127);
    });
    child.on("close", (code, signal) =>
      settle(code ?? (signal === "SIGINT" ? 130 : signal === "SIGTERM" ? 143 : 137)),
    );
  });
}
