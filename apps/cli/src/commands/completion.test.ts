import { afterAll, describe, expect, it } from "vitest";
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { createOutput } from "../output.ts";
import { buildProgram } from "../command-line/program.ts";
import { agentcore, makeScratch } from "../testing/agentcore-process.ts";
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
  const bin = mkdtempSync(join(tmpdir(), "agentcore-completion-"));
  afterAll(() => rmSync(bin, { recursive: true }));
  // In place of the program: what it offers for ids and workers. The last word would run if it were expanded.
  writeFileSync(
    join(bin, "agentcore"),
    `#!/bin/sh\n[ "$1" = __complete ] && printf '%s\\tabout\\n' "@last" "$2-1" "$2-2" '$(touch PWN)'\n`,
    { mode: 0o755 },
  );

  async function complete(...words: string[]): Promise<string[]> {
    const quoted = words.map((word) => `'${word}'`).join(" ");
    const program = `${await script("bash")}
      COMP_WORDS=(agentcore ${quoted}); COMP_CWORD=${words.length}; _agentcore || true; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const env = { ...process.env, PATH: `${bin}:${process.env["PATH"]}` };
    return execFileSync("bash", ["-uc", program], { encoding: "utf8", env, cwd: bin }).trim().split("\n");
  }

  it("commands are completed", async () => {
    expect(await complete("")).toEqual(
      expect.arrayContaining(["run", "doctor", "schema", "completion", "help"]),
    );
    expect(await complete("doc")).toEqual(["doctor"]);
    expect(await complete("jobs", "")).toEqual(["list", "show", "wait", "cancel", "run-now", "logs"]);
  });

  it("options are those of the command that was typed", async () => {
    expect(await complete("run", "--max-")).toEqual(["--max-cost", "--max-tokens", "--max-attempts"]);
    expect(await complete("doctor", "--max-")).toEqual([""]);
    expect(await complete("run", "do it", "--work")).toEqual(["--worker", "--workspace"]);
  });

  it("values are completed where they are known", async () => {
    expect(await complete("run", "--dedup", "")).toEqual(["coalesce", "latest-wins", "reject"]);
    expect(await complete("dlq", "purge", "--where", "ended")).toEqual(["ended_before=", "ended_after="]);
    expect(await complete("run", "--workspace", "/us")).toEqual(["/usr"]);
    expect(await complete("schema", "")).toEqual(expect.arrayContaining(["config", "output", "result"]));
    expect(await complete("completion", "z")).toEqual(["zsh"]);
  });

  it("a list goes on after a comma, with what it does not have yet", async () => {
    expect(await complete("run", "--capabilities", "read,")).toEqual([
      "read,edit",
      "read,run_tests",
      "read,run_commands",
    ]);
    expect(await complete("jobs", "list", "--state", "dead,r")).toEqual(["dead,running"]);
  });

  it("ids and workers are asked for, and none of their words is expanded", async () => {
    expect(await complete("run", "--worker", "w")).toEqual(["workers-1", "workers-2"]);
    expect(await complete("jobs", "show", "")).toEqual(["@last", "jobs-1", "jobs-2", "\\$\\(touch\\ PWN\\)"]);
    expect(await complete("dlq", "replay", "d")).toEqual(["dead-1", "dead-2"]);
    expect(await complete("workflow", "show", "runs")).toEqual(["runs-1", "runs-2"]);
    expect(await complete("trigger", "show", "t")).toEqual(["triggers-1", "triggers-2"]);
    expect(await complete("token", "revoke", "t")).toEqual(["tokens-1", "tokens-2"]);
    expect(await complete("jobs", "list", "--before", "j")).toEqual(["jobs-1", "jobs-2"]);
    expect(existsSync(join(bin, "PWN"))).toBe(false);
  });

  it("a file is offered where one is wanted, and no option unless a dash was typed", async () => {
    writeFileSync(join(bin, "ci.yaml"), "");
    expect((await complete("workflow", "run", "")).toSorted()).toEqual(["agentcore", "ci.yaml"]);
    expect(await complete("workflow", "run", "--dry")).toEqual(["--dry-run"]);
  });
});

it("the program names jobs, runs and workers for a completion, and nothing where it cannot", async () => {
  const scratch = makeScratch();
  await agentcore(scratch, ["submit", "echo hello", "--worker", "shell"]);
  const { stdout } = await agentcore(scratch, ["__complete", "jobs"]);
  expect(stdout).toMatch(/^@last\tthe newest job\n[0-9a-f]{8}\tqueued: echo hello\n$/);
  writeFileSync(join(scratch.workspace, "agentcore.yaml"), "limits: { job: { cost_usd: 1 } }\n");
  expect((await agentcore(scratch, ["__complete", "workers"])).stdout).toContain("claude-code\t");
  writeFileSync(join(scratch.workspace, "agentcore.yaml"), "nonsense: 1\n");
  expect(await agentcore(scratch, ["__complete", "workers"])).toMatchObject({
    code: 0,
    stdout: "",
    stderr: "",
  });
  await scratch.remove();
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

it("zsh asks for ids by a function that gets no arguments of its completion system", async () => {
  expect(await script("zsh")).toContain("'*:jobs: _agentcore_asked jobs'");
});

it("another shell is refused with the list and the nearest", async () => {
  await expect(script("zhs")).rejects.toThrow(
    'no completion for "zhs"; there are bash, zsh, fish; did you mean "zsh"?',
  );
});
