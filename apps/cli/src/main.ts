/** The program: arguments in, exit code out. `bin/agentcore.js` loads it bundled; a checkout runs it from source. */
import * as z from "zod";
import { processIo } from "./io.ts";

const args = process.argv.slice(2);

// Compiling a schema pays for itself from the second value on, and a command that is over in a moment checks each once.
// Schemas read this when they are made, so it comes before everything that makes some.
z.config({ jitless: args[0] !== "work" && args[0] !== "runtime" });

const { runCommandLine } = await import("./command-line/program.ts");
process.exitCode = await runCommandLine(args, processIo());
