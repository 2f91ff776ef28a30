/** The program: arguments in, exit code out. `bin/agentcore.js` loads it bundled; a checkout runs it from source. */
import * as z from "zod";
import { exitCodes } from "./exit-code.ts";
import { processIo } from "./io.ts";
import { reportError } from "./report-error.ts";

const args = process.argv.slice(2);

// A umask that takes from the owner would make the state directory useless, also to SQLite and to workers.
process.umask(process.umask(0o077) & 0o077);

// Compiling a schema pays for itself from the second value on, and a command that is over in a moment checks each once.
// Schemas read this when they are made, so it comes before everything that makes some.
z.config({ jitless: args[0] !== "work" && args[0] !== "runtime" });

const io = processIo();
io.stdout.onFailure((failure) => io.stderr.write(`agentcore: ${failure}\n`));
process.on("uncaughtException", (error) => {
  // After everything else that the end of the process does: a live screen gives the terminal back first.
  process.once("exit", () => void reportError(error, io, false));
  process.exit(exitCodes.failed);
});

const { runCommandLine, exitsByOutcome } = await import("./command-line/program.ts");
const exitCode = await runCommandLine(args, io);
await Promise.all([io.stdout.flushed(), io.stderr.flushed()]);
// What was asked for was not told, unless the exit code tells it.
const isUntold = io.stdout.failure !== null && !exitsByOutcome(args);
process.exitCode = exitCode === exitCodes.succeeded && isUntold ? exitCodes.failed : exitCode;

// The process ends when nothing is left to do. Where something was left open, such as the timers of a scheduler whose store
// never answered, it must end all the same.
setTimeout(() => process.exit(), 5000).unref();
