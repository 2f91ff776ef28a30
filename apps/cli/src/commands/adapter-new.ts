/** `agentcore adapter new`: writes the package of a new adapter, which works and passes its tests at once. */
import { AgentCoreError, errorCode } from "@agentcore/contract";
import { chmodSync, existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { isBuiltInWorker } from "../adapters.ts";
import { exitCodes } from "../exit-code.ts";
import type { Io } from "../io.ts";
import { adapterFiles } from "../scaffold/adapter-files.ts";
import { systemWords } from "../system-words.ts";
import { packageVersion } from "../version.ts";

export interface NewAdapterOptions {
  readonly json?: boolean;
}

export async function newAdapter(
  name: string,
  directory: string | undefined,
  options: NewAdapterOptions,
  io: Io,
): Promise<number> {
  checkName(name);
  const target = resolve(io.cwd, directory ?? `agentcore-adapter-${name}`);
  requireEmpty(target);
  const files = adapterFiles(name, packageVersion());
  try {
    for (const [path, text] of Object.entries(files)) {
      const file = join(target, path);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, text, { flag: "wx" });
      if (path.startsWith("bin/")) chmodSync(file, 0o755);
    }
  } catch (error) {
    throw new AgentCoreError("AC_USAGE", `cannot write ${target}: ${systemWords(error)}`, { cause: error });
  }
  const shown = relative(io.cwd, target) || ".";
  if (options.json === true)
    io.stdout.json({ type: "adapter", name, directory: target, files: Object.keys(files) });
  else {
    const lines = [`${shown}: an adapter for "${name}", which passes its tests`, "", "Next:"];
    const next = [`cd ${shown}`, "npm install && npm test", "cat README.md"];
    io.stdout.write(`${[...lines, ...next.map((line) => `  ${line}`)].join("\n")}\n`);
  }
  return exitCodes.succeeded;
}

/** Longest name: it becomes part of file names and of a package's name. */
const nameCharsMax = 100;

function checkName(name: string): void {
  if (!/^[a-z][a-z0-9-]*$/.test(name) || name.length > nameCharsMax) {
    throw new AgentCoreError(
      "AC_USAGE",
      `"${name}" is not a name for an adapter: use lower-case letters, digits and -, beginning with a letter`,
    );
  }
  if (isBuiltInWorker(name)) {
    throw new AgentCoreError("AC_USAGE", `"${name}" is a built-in worker; choose another name`);
  }
}

function requireEmpty(target: string): void {
  if (!existsSync(target)) return;
  try {
    if (readdirSync(target).length === 0) return;
  } catch (error) {
    if (errorCode(error) !== "ENOTDIR") throw error;
  }
  throw new AgentCoreError(
    "AC_USAGE",
    `${target} already exists; name a directory that does not exist, or is empty`,
  );
}
