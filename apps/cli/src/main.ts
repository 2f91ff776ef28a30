/** The program: arguments in, exit code out. `bin/agentcore.js` loads it bundled; a checkout runs it from source. */
import * as z from "zod";
import { runCommandLine } from "./command-line/program.ts";
import { processIo } from "./io.ts";

const args = process.argv.slice(2);
// Compiling a schema pays for itself from the second value on. A command that is over in a moment checks each once.
z.config({ jitless: args[0] !== "work" && args[0] !== "runtime" });

process.exitCode = await runCommandLine(args, processIo());
