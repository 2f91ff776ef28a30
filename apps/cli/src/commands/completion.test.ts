import { describe, expect, it } from "vitest";
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { createOutput } from "../output.ts";
import { buildProgram } from "../command-line/program.ts";
import { completion } from "./completion.ts";

async function script(shell: string): Promise<string> {
  const stdout = new PassThrough();
  const io = {
    stdin: new PassThrough(),
    stdout: createOutput(stdout),
    stderr: createOutput(new PassThrough()),
    env: {},
    cwd: "/",
  };
  expect(await completion(shell, buildProgram(io, { exitCode: 0 }), io)).toBe(0);
  return String(stdout.read());
}

describe("in bash", () => {
  async function complete(...words: string[]): Promise<string[]> {
    const quoted = words.map((word) => `'${word}'`).join(" ");
    const program = `${await script("bash")}
      COMP_WORDS=(agentcore ${quoted}); COMP_CWORD=${words.length}; _agentcore || true; printf '%s\\n' "\${COMPREPLY[@]}"`;
    return execFileSync("bash", ["-uc", program], { encoding: "utf8" }).trim().split("\n");
  }

  it("commands are completed", async () => {
    expect(await complete("")).toEqual(
      expect.arrayContaining(["run", "doctor", "schema", "completion", "help"]),
    );
    expect(await complete("doc")).toEqual(["doctor"]);
  });

  it("options are those of the command that was typed", async () => {
    expect(await complete("run", "--max-")).toEqual(["--max-cost", "--max-tokens", "--max-attempts"]);
    expect(await complete("doctor", "--max-")).toEqual([""]);
    expect(await complete("run", "do it", "--work")).toEqual(["--worker", "--workspace"]);
  });

  it("values are completed where they are known", async () => {
    expect(await complete("run", "--worker", "c")).toEqual(["claude-code", "codex"]);
    expect(await complete("run", "-w", "sh")).toEqual(["shell"]);
    expect(await complete("run", "--dedup", "")).toEqual(["coalesce", "latest-wins", "reject"]);
    expect(await complete("dlq", "purge", "--where", "ended")).toEqual(["ended_before=", "ended_after="]);
    expect(await complete("run", "--workspace", "/us")).toEqual(["/usr"]);
  });
});

it("a directory whose name is a command is quoted by bash, and not run", async () => {
  const directory = mkdtempSync(join(tmpdir(), "agentcore-completion-"));
  mkdirSync(join(directory, "xy;touch${IFS}PWN;"));
  mkdirSync(join(directory, "two words"));
  writeFileSync(
    join(directory, "rc"),
    `${await script("bash")}\nPS1='$ '\nagentcore() { printf '<%s>' "$@"; echo; }\n`,
  );
  const typed = "agentcore run -C x\tEND\nagentcore run -C two\tEND\nexit\n";
  const shell = spawnSync("script", ["-qec", "bash --noprofile --rcfile rc -i", "/dev/null"], {
    cwd: directory,
    input: typed,
    encoding: "utf8",
  });
  expect(existsSync(join(directory, "PWN"))).toBe(false);
  expect(shell.stdout).toContain("<run><-C><xy;touch${IFS}PWN;/END>");
  expect(shell.stdout).toContain("<run><-C><two words/END>");
  rmSync(directory, { recursive: true });
});

it.each(["zsh", "fish"])("the script for %s names every command and option", async (shell) => {
  const text = await script(shell);
  for (const word of ["run", "doctor", "schema", "completion"]) expect(text).toContain(word);
  for (const option of ["max-cost", "workspace", "json"])
    expect(text).toMatch(new RegExp(`(--|-l )${option}`));
});

it("another shell is refused with the list and the nearest", async () => {
  await expect(script("zhs")).rejects.toThrow(
    'no completion for "zhs"; there are bash, zsh, fish; did you mean "zsh"?',
  );
});
