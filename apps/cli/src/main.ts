/** The program: arguments in, exit code out. `bin/agentcore.js` loads it bundled; a checkout runs it from source. */
import * as z from "zod";
import { processIo } from "./io.ts";

const args = process.argv.slice(2);

// Compiling a schema pays for itself from the second value on, and a command that is over in a moment checks each once.
// Schemas read this when they are made, so it comes before everything that makes some.
z.config({ jitless: args[0] !== "work" && args[0] !== "runtime" });

// A reader that has had enough (`agentcore jobs list | head`) is no error, nor is a terminal that was closed; a command to
// which it means more says so.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE" && error.code !== "EIO") throw error;
});

const { runCommandLine } = await import("./command-line/program.ts");
process.exitCode = await runCommandLine(args, processIo());
endSoon();

/**
 * The process ends by itself when nothing is left to do. Where something was left open, such as the timers of a scheduler
 * whose store never answered, it must end all the same; but not before everything was written.
 */
function endSoon(): void {
  setTimeout(() => {
    if (process.stdout.writableLength + process.stderr.writableLength > 0) endSoon();
    else process.exit();
  }, 5000).unref();
}
