#!/usr/bin/env node
// The program's first file, read by whatever Node is on PATH: it must parse on old versions, so that they get a clear
// line instead of a syntax error. It answers `--version` directly, because loading the command line for that would
// cost several times as much, and turns on Node's compile cache before the bundle is loaded.
import { runCached } from "./cached-script.js";
import { compileCacheDirectory } from "./compile-cache.js";

const nodeMin = [22, 13];
const [major, minor] = process.versions.node.split(".").map(Number);

if (major < nodeMin[0] || (major === nodeMin[0] && minor < nodeMin[1])) {
  process.stderr.write(
    `agentcore: needs Node ${nodeMin.join(".")} or newer, and this is ${process.versions.node}; install it from https://nodejs.org\n`,
  );
  process.exitCode = 2;
} else if (process.argv.length === 3 && (process.argv[2] === "--version" || process.argv[2] === "-V")) {
  const { readFileSync } = process.getBuiltinModule("node:fs");
  const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
  process.stdout.write(`${version}\n`);
} else {
  const compileCache = compileCacheDirectory(process.env);
  if (compileCache !== null) process.getBuiltinModule("node:module").enableCompileCache(compileCache);
  // Node warns on stderr that some of what it offers is experimental: SQLite (Node 22), and imports in a script. Nobody who
  // runs this program can do anything about that.
  const emitWarning = process.emitWarning.bind(process);
  process.emitWarning = (warning, ...rest) => {
    if (!/^(?:SQLite|vm\.\w+) is an experimental feature/.test(warning)) emitWarning(warning, ...rest);
  };
  loadProgram(process.argv.slice(2), compileCache).catch((error) => {
    const isAbsent = error.code === "ENOENT" || error.code === "ERR_MODULE_NOT_FOUND";
    if (!isAbsent || !/\/dist\/bundle\/(?:[\w-]+\.cjs|main\.js)$/.test(error.path ?? error.url)) throw error;
    process.stderr.write("agentcore: this checkout is not built; run `npm start` once in its root\n");
    process.exitCode = 2;
  });
}

async function loadProgram(
  /** @type {string[]} */ [command, subcommand],
  /** @type {string | null} */ compileCache,
) {
  const runsSteps = command === "workflow" && ["run", "resume", "retry"].includes(subcommand);
  if (command !== "run" && !runsSteps) return import("../dist/bundle/main.js");
  const { href, pathname } = new URL(
    runsSteps ? "../dist/bundle/workflow-run.cjs" : "../dist/bundle/run.cjs",
    import.meta.url,
  );
  return runCached(decodeURIComponent(pathname), compileCache)(href);
}
