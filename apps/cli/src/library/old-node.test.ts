/** What a program says that imports the library with a Node that is too old for it. */
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { makeScratch, type Scratch } from "../testing/agentcore-process.ts";

let scratch: Scratch;
beforeEach(() => {
  scratch = makeScratch();
});
afterEach(() => scratch.remove());

it.each(["../index.ts", "./testing.ts"])(
  "%s names the Node that it needs, and the one that is there",
  (entry) => {
    const preload = join(scratch.root, "old.cjs");
    writeFileSync(preload, `Object.defineProperty(process.versions, "node", { value: "20.20.2" });`);
    const program = join(scratch.root, "program.mjs");
    const imported = JSON.stringify(new URL(entry, import.meta.url).href);
    writeFileSync(
      program,
      `await import(${imported}).catch(({ code, message }) => console.log(code, message));`,
    );
    // As in old versions, there is no `node:sqlite`.
    const { stdout, stderr } = spawnSync(
      process.execPath,
      ["--conditions=@agentcore/source", "--no-experimental-sqlite", "--require", preload, program],
      { encoding: "utf8" },
    );
    expect({ stdout, stderr }).toEqual({
      stdout:
        "AC_NODE_UNSUPPORTED AgentCore needs Node 22.13 or newer, and this is 20.20.2; install it from https://nodejs.org\n",
      stderr: "",
    });
  },
);
