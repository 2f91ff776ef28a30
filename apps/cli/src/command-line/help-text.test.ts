import { PassThrough } from "node:stream";
import type { Command } from "commander";
import { describe, expect, it } from "vitest";
import { createOutput } from "../output.ts";
import { displayWidth } from "../screen/text.ts";
import { fitHelp, helpColumns } from "./help-text.ts";
import { buildProgram } from "./program.ts";

describe("help fits the terminal:", () => {
  it.each([60, 80, 120])("no line of any command is wider than %i columns", (columns) => {
    const stream = Object.assign(new PassThrough(), { isTTY: true, columns });
    const io = { stdout: createOutput(stream), stderr: createOutput(new PassThrough()), env: {} };
    const walk = (command: Command): void => {
      command.outputHelp();
      command.commands.forEach(walk);
    };
    walk(buildProgram(io as never, { exitCode: 0 }));
    const lines = String(stream.read()).split("\n");
    expect(lines.length).toBeGreaterThan(300);
    // A single word may be wider.
    expect(lines.filter((line) => displayWidth(line) > columns && /\S +\S/.test(line.trim()))).toEqual([]);
  });

  it("an example goes on after a backslash, with each option beside its value", () => {
    const example = `  $ agentcore run "Make it pass" --worker codex --max-cost 2.50 < task.md`;
    expect(fitHelp(example, 40)).toBe(
      [
        `  $ agentcore run "Make it pass" \\`,
        `      --worker codex --max-cost 2.50 \\`,
        `      < task.md`,
      ].join("\n"),
    );
  });

  it("is 80 columns wide in a pipe, and at most 120", () => {
    expect(helpColumns({})).toBe(80);
    expect(helpColumns({ isTTY: true, columns: 200 })).toBe(120);
    expect(helpColumns({ isTTY: true, columns: 60 })).toBe(60);
  });
});
