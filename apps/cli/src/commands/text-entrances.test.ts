/** Every way that text comes in, with what editors, shells and other programs put into it. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { agentcore, makeScratch, type Finished, type Scratch } from "../testing/agentcore-process.ts";

let scratch: Scratch;
beforeAll(() => {
  scratch = makeScratch();
});
afterAll(() => scratch.remove());

const file = (name: string, content: string | Buffer): string => {
  const path = join(scratch.workspace, name);
  writeFileSync(path, content);
  return path;
};
const bytes = (text: string): Buffer => Buffer.from(text, "latin1");
const bom = "\xef\xbb\xbf";

/** Passes the script, as bytes, in one of the ways. */
const entrances: Readonly<Record<string, (script: string) => Promise<Finished>>> = {
  // A shell builds the argument, because Node cannot pass bytes.
  argument: (script) => {
    const words = `exec "$@" "$(cat ${file("argument", bytes(script))})"`;
    return agentcore(scratch, ["run", "-w", "shell", "--"], { prefix: ["sh", "-c", words, "sh"] });
  },
  stdin: (script) => {
    const words = `exec "$@" < ${file("stdin", bytes(script))}`;
    return agentcore(scratch, ["run", "-", "-w", "shell"], { prefix: ["sh", "-c", words, "sh"] });
  },
  jsonl: async (script) => {
    const isMarked = script.startsWith(bom);
    const task = { worker: "shell", workspace: ".", instructions: isMarked ? script.slice(3) : script };
    const path = file("jobs.jsonl", bytes(`${isMarked ? bom : ""}${JSON.stringify({ task })}\n`));
    const submitted = await agentcore(scratch, ["submit", "--file", path]);
    return submitted.code === 0 ? agentcore(scratch, ["work", "--drain"]) : submitted;
  },
  yaml: (script) => {
    const isMarked = script.startsWith(bom);
    const text = JSON.stringify(isMarked ? script.slice(3) : script);
    const step = `steps: { a: { worker: shell, capabilities: [read], instructions: ${text} } }`;
    const head = `${isMarked ? bom : ""}name: x\nversion: "1"\ntimeout: 1m\n`;
    return agentcore(scratch, ["workflow", "run", file("workflow.yaml", bytes(`${head}${step}\n`))]);
  },
};

const works = [
  ["a leading dash", "- || echo works > found"],
  ["a byte order mark", `${bom}echo works > found`],
] as const;
it.each(
  works.flatMap(([what, script]) => Object.keys(entrances).map((name) => [what, name, script] as const)),
)("%s by %s is taken as it was meant", async (_what, name, script) => {
  file("found", "");
  const { code, stderr } = await entrances[name]!(script);
  expect({ code, stderr }).toMatchObject({ code: 0 });
  expect(readFileSync(join(scratch.workspace, "found"), "utf8")).toBe("works\n");
});

const notText = "echo a\necho \xff";
const refused: readonly (readonly [string, string, string, RegExp])[] = [
  ["no UTF-8", "argument", notText, /is not UTF-8: byte 0xff at offset 12, in line 2/],
  [
    "no UTF-8",
    "stdin",
    notText,
    /^agentcore: stdin is not UTF-8: byte 0xff at offset 12, in line 2;.*\n.*\n$/,
  ],
  ["no UTF-8", "jsonl", "echo \xff", /jobs\.jsonl is not UTF-8: byte 0xff at offset \d+, in line 1/],
  ["no UTF-8", "yaml", "echo \xff", /workflow\.yaml is not UTF-8: byte 0xff at offset \d+, in line 4/],
  ["a NUL", "stdin", "echo a\0b", /task\.instructions: has a NUL character at position 6/],
  ["a NUL", "jsonl", "echo a\0b", /jobs\.jsonl:1: task\.instructions: has a NUL character at position 6/],
  ["a NUL", "yaml", "echo a\0b", /NUL|control character/i],
];
it.each(refused)(
  "%s by %s is one clear error, and nothing is started",
  async (_what, name, script, message) => {
    const { code, stderr, stdout } = await entrances[name]!(script);
    expect(stderr + stdout).toMatch(message);
    expect(code).not.toBe(0);
    expect(stderr).not.toMatch(/\n\s+at |TypeError/);
  },
);

it("a NUL in a workspace or an environment variable is one clear error at submit", async () => {
  const task = { worker: "shell", instructions: "true" };
  const cases = [
    [{ ...task, workspace: "a\0b" }, "task.workspace"],
    [{ ...task, workspace: ".", env: { A: "x\0" } }, "task.env.A"],
    [{ ...task, workspace: ".", env: { "A\0": "x" } }, "task.env.a name"],
  ] as const;
  const path = file("nul.jsonl", cases.map(([each]) => JSON.stringify({ task: each })).join("\n"));
  for (const [index, [each, field]] of cases.entries()) {
    writeFileSync(path, `${JSON.stringify({ task: each })}\n`);
    const { code, stderr } = await agentcore(scratch, ["submit", "--file", path]);
    expect({ index, code }).toEqual({ index, code: 2 });
    expect(stderr).toMatch(new RegExp(`nul.jsonl:1: ${field.replaceAll(".", "\\.")}: has a NUL character`));
  }
});

it("instructions that begin with a dash get the hint at --, a misspelt option does not", async () => {
  const dash = await agentcore(scratch, ["run", "- item", "-w", "shell"]);
  expect(dash).toMatchObject({
    code: 2,
    stderr: "agentcore: unknown option '- item'\n  put -- before instructions that start with a dash\n",
  });
  expect((await agentcore(scratch, ["run", "x", "--worke", "shell"])).stderr).not.toContain("put --");
});

it("a file that is none is told in words, before anything runs", async () => {
  mkdirSync(join(scratch.workspace, "dir"));
  const text = `name: x\nversion: "1"\ntimeout: 1m\nsteps: { a: { worker: shell, capabilities: [read], instructions: touch ran } }\n`;
  const workflow = file("sound.yaml", text);
  const told = [
    [["submit", "--file", "dir"], "agentcore: cannot read dir: it is a directory; name a file in it\n"],
    [["submit", "--file", "none"], "agentcore: cannot read none: no such file\n"],
    [
      ["workflow", "run", workflow, "--junit", "/nonexist/x.xml"],
      "agentcore: cannot write /nonexist/x.xml: no such directory\n",
    ],
    [
      ["workflow", "run", workflow, "--junit", "dir"],
      "agentcore: cannot write dir: it is a directory; name a file in it\n",
    ],
    [["workflow", "run", "dir"], "dir: it is a directory; name the workflow file in it\n"],
    [["run", "true", "-w", "shell", "--timeout", "30d"], "limits.timeoutMs: must be at most 7d\n"],
    [["run", "true", "-w", "shell", "--timeout", "400d"], '"400d" is too long; the maximum is 366d'],
    [
      ["run", "true", "-w", "shell", "--env", `LONG=${"x".repeat(130_001)}`],
      "task.env.LONG: is longer than 130000 bytes; put it in a file of the workspace\n",
    ],
  ] as const;
  for (const [args, message] of told) {
    const { code, stderr } = await agentcore(scratch, args);
    expect(stderr).toContain(message);
    expect(code).toBe(2);
  }
  expect(() => readFileSync(join(scratch.workspace, "ran"))).toThrow("ENOENT");
});

it("a current directory that was deleted is one line, with -C as well", async () => {
  for (const args of [
    ["jobs", "list"],
    ["run", "true", "-w", "shell", "-C", "/tmp"],
  ]) {
    const words = 'mkdir gone; cd gone; rmdir ../gone; exec "$@"';
    const { code, stderr } = await agentcore(scratch, args, { prefix: ["sh", "-c", words, "sh"] });
    expect(stderr).toMatch(
      /^agentcore: the current directory cannot be used: no such file or directory; .*\n.*\n$/,
    );
    expect(code).toBe(2);
  }
});
