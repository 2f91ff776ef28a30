/** The program: arguments in, exit code out. `bin/agentcore.js` loads it bundled; a checkout runs it from source. */
import * as z from "zod";
import { exitCodes } from "./exit-code.ts";
import { processIo } from "./io.ts";
import { reportError } from "./report-error.ts";

const args = process.argv.slice(2);

// A umask that restricts the owner would make the state directory unusable, also for SQLite and workers.
process.umask(process.umask(0o077) & 0o077);

// Compiling a schema is worth it only from the second value on, and a short command checks each once. Zod reads this setting when
// a schema is created, so it is set before any is.
z.config({ jitless: args[0] !== "work" && args[0] !== "runtime" });

const io = processIo();
io.stdout.onFailure((failure) => io.stderr.write(`agentcore: ${failure}\n`));
process.on("uncaughtException", (error) => {
  // After all other exit handlers: a live screen restores the terminal first.
  process.once("exit", () => void reportError(error, io, false));
  process.exit(exitCodes.failed);
});

const { runCommandLine, exitsByOutcome } = await import("./command-line/program.ts");
const exitCode = await runCommandLine(args, io);
await Promise.all([io.stdout.flushed(), io.stderr.flushed()]);
// The requested output was not delivered, unless the exit code delivers it.
const isUntold = io.stdout.failure !== null && !exitsByOutcome(args);
process.exitCode = exitCode === exitCodes.succeeded && isUntold ? exitCodes.failed : exitCode;

// The process ends when nothing is left to do. It must end even if something stays open, such as the timers of a scheduler whose
// store never answered.
setTimeout(() => process.exit(), 5000).unref();
