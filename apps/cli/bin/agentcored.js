#!/usr/bin/env node
// `agentcored FILE` is `agentcore daemon run FILE`. The path in the arguments is that of the program which also runs the
// daemon's runtime process.
import { fileURLToPath } from "node:url";

process.argv.splice(1, 1, fileURLToPath(new URL("agentcore.js", import.meta.url)), "daemon", "run");
await import("./agentcore.js");
