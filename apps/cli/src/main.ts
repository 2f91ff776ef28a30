/** The program: arguments in, exit code out. `bin/agentcore.js` loads it bundled; a checkout runs it from source. */
import { runCommandLine } from "./command-line.ts";
import { processIo } from "./io.ts";

process.exitCode = await runCommandLine(process.argv.slice(2), processIo());
