/** What other users of the machine can see of a run: nothing in command lines, and no file. */
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, it } from "vitest";
import { agentcore, makeScratch, startAgentcore, type Scratch } from "../testing/agentcore-process.ts";

let scratch: Scratch;
beforeEach(() => {
  scratch = makeScratch();
});
afterEach(() => scratch.remove());

const secret = "sk-do-not-show-4711";

/** The command lines of all processes that name the scratch directory or the secret. */
function commandLines(): string[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        return [readFileSync(join("/proc", pid, "cmdline"), "utf8").replaceAll("\0", " ")];
      } catch {
        return []; // ended while it was looked at
      }
    })
    .filter((line) => line.includes(scratch.root) || line.includes(secret));
}

it.each([
  ["claude-code", "ANTHROPIC_API_KEY"],
  ["codex", "OPENAI_API_KEY"],
  ["opencode", "OPENCODE_API_KEY"],
])(
  "no command line of a run of %s shows its key, its instructions or what it was given",
  async (worker, variable) => {
    const [started, go] = [join(scratch.workspace, "started"), join(scratch.workspace, "go")];
    const program = join(scratch.root, "agent");
    // Records that it has what it must not show, so that the test cannot pass without it.
    writeFileSync(
      program,
      `#!/bin/sh
case "$*" in *--version*) echo 99.0.0; exit;; esac
cat > ${started}.stdin
echo "$OTHER" > ${started}
until [ -e ${go} ]; do sleep 0.05; done
exit 1
`,
    );
    chmodSync(program, 0o755);
    const config = join(scratch.root, "named.yaml");
    writeFileSync(
      config,
      `workers: { ${worker}: { program: ${program}, settings: { base_url: "http://127.0.0.1:9/v1", model: m, api_key_env: ${variable} } } }\n`,
    );
    const seen = new Set<string>();
    // The spend gate keeps the key, and withholds a copy of it; the worker gets another secret.
    const env = { [variable]: `key-${secret}`, OTHER: secret };
    const args = ["--worker", worker, "--env", "OTHER", "--config", config, "--key", "shown"];
    const { code } = await agentcore(scratch, ["submit", "-", ...args], { env, input: `Say ${secret}.` });
    expect(code).toBe(0);
    const working = startAgentcore(scratch, ["work", "--drain", "--config", config], { env });
    const look = (): void => commandLines().forEach((line) => seen.add(line));
    while (!existsSync(started) && working.child.exitCode === null) {
      look();
      await sleep(10);
    }
    look();
    writeFileSync(go, "");
    await working.finished;
    expect(readFileSync(started, "utf8").trim()).toBe(secret);
    expect(readFileSync(`${started}.stdin`, "utf8")).toContain(secret);
    expect([...seen].some((line) => line.includes(program))).toBe(true);
    expect([...seen].filter((line) => line.includes(secret))).toEqual([]);
  },
);

it("no command line of a script shows the script, nor what verifies it", async () => {
  const [started, go] = ["started", "go"].map((name) => join(scratch.workspace, name)) as [string, string];
  const script = `: ${secret}; echo up > ${started}; until [ -e ${go} ]; do sleep 0.05; done`;
  const verify = `: ${secret}; echo up > ${started}.verify; until [ -e ${go}.verify ]; do sleep 0.05; done`;
  const task = { worker: "shell", workspace: ".", instructions: script, verify };
  const submitted = await agentcore(scratch, ["submit", "--file", "-"], { input: JSON.stringify({ task }) });
  expect(submitted.code).toBe(0);
  const working = startAgentcore(scratch, ["work", "--drain"]);
  const seen = new Set<string>();
  for (const [there, next] of [
    [started, go],
    [`${started}.verify`, `${go}.verify`],
  ] as const) {
    while (!existsSync(there) && working.child.exitCode === null) {
      await sleep(10);
    }
    for (const line of commandLines()) seen.add(line);
    writeFileSync(next, "");
  }
  await working.finished;
  expect(existsSync(`${started}.verify`)).toBe(true);
  expect(seen.size).toBeGreaterThan(0);
  expect([...seen].filter((line) => line.includes(secret))).toEqual([]);
});

it("no file that a run leaves is open to others, whatever the umask", async () => {
  writeFileSync(
    join(scratch.workspace, "one.yaml"),
    'name: one\nversion: "1"\ntimeout: 1m\nsteps: { a: { worker: shell, capabilities: [edit], instructions: "echo a; echo b > b" } }\n',
  );
  const before = process.umask(0);
  try {
    const script = "git init -q; echo out > out.txt; mkdir -p deep; echo err >&2; echo x > deep/x";
    const options = ["--output", "out.txt", "--output", "deep", "--verify", "true"];
    const ran = await agentcore(scratch, ["run", script, "--worker", "shell", ...options]);
    expect(ran.code).toBe(0);
    // The second run leaves a patch, too.
    expect((await agentcore(scratch, ["run", "echo y > y", "--worker", "shell"])).code).toBe(0);
    await agentcore(scratch, ["submit", "exit 3", "--worker", "shell"]);
    expect((await agentcore(scratch, ["work", "--drain"])).code).toBe(0);
    expect((await agentcore(scratch, ["workflow", "run", "one.yaml"])).code).toBe(0);
    mkdirSync(join(scratch.workspace, "trusting"), { mode: 0o755 });
    writeFileSync(join(scratch.workspace, "trusting/agentcore.yaml"), "{}\n", { mode: 0o644 });
    expect((await agentcore(scratch, ["trust", "trusting"])).code).toBe(0);
  } finally {
    process.umask(before);
  }
  const state = join(scratch.root, "xdg/agentcore");
  const names = ["", ...readdirSync(state, { recursive: true, encoding: "utf8" })];
  expect(names.length).toBeGreaterThan(20);
  const open = names.flatMap((name) => {
    const { mode } = lstatSync(join(state, name));
    return (mode & 0o077) === 0 ? [] : [`${name} ${(mode & 0o7777).toString(8)}`];
  });
  expect(open).toEqual([]);
});

it("what a run leaves can be used by its owner, whatever the umask", async () => {
  for (const umask of ["777", "277"]) {
    const prefix = ["sh", "-c", `umask ${umask}; exec "$@"`, "sh"];
    const { code, stderr } = await startAgentcore(scratch, ["run", "echo out", "--worker", "shell"], {
      prefix,
      env: { XDG_STATE_HOME: join(scratch.root, umask) },
    }).finished;
    expect({ code, stderr }).toMatchObject({ code: 0 });
    const state = join(scratch.root, umask, "agentcore");
    const names = ["", "..", ...readdirSync(state, { recursive: true, encoding: "utf8" })];
    expect(names.length).toBeGreaterThan(10);
    const unusable = names.filter((name) => {
      const stats = lstatSync(join(state, name));
      const wanted = stats.isDirectory() ? 0o700 : 0o400;
      return (stats.mode & wanted) !== wanted;
    });
    expect(unusable).toEqual([]);
  }
});
