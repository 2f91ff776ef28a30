/** What workers, workflow files, repositories and arguments contain never acts upon the terminal of who looks at it. */
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { agentcore, jsonLinesOf, makeScratch, type Scratch } from "../testing/agentcore-process.ts";

let scratch: Scratch;
beforeAll(() => {
  scratch = makeScratch();
});
afterAll(() => scratch.remove());

/** Sets the clipboard and the title, clears the screen, starts a C1 sequence, and reverses the text. */
const evil = "\u001b]52;c;aGk=\u0007\u001b]0;owned\u001b\\\u001b[2J\u009b31mX\u202eY\u0007";
const printsEvil = `printf '\\033]52;c;aGk=\\007\\033[2J\\302\\23331mX\\342\\200\\256Y\\n' >&2; exit 3`;

async function shown(...args: string[]): Promise<string> {
  const { stdout, stderr } = await agentcore(scratch, args);
  const text = stdout + stderr;
  expect({ args, text }).toEqual({ args, text: text.replaceAll(/[^\P{C}\n\t]/gu, "") });
  return text;
}

it("of jobs", async () => {
  const options = ["-w", "shell", "--key", evil, "--label", `l=${evil}`, "--tenant", evil, "--model", evil];
  await shown("run", printsEvil, ...options);
  await shown("run", `true # ${evil}`, "-w", "shell", "--json", "--label", `l=${evil}`);
  const { stdout } = await agentcore(scratch, ["jobs", "list", "--json"]);
  const ids = jsonLinesOf(stdout).map(({ id }) => String(id));
  expect(ids).toHaveLength(2);
  await shown("jobs", "list");
  await shown("dlq", "list");
  await shown("doctor");
  for (const id of ids) {
    expect(await shown("jobs", "show", id)).toContain("XY");
    await shown("jobs", "show", id, "--json");
    await shown("why", id);
    await shown("jobs", "logs", id);
  }
});

it("of workflows", async () => {
  const step = (script: string): string =>
    `{ worker: shell, capabilities: [read], instructions: ${JSON.stringify(script)} }`;
  const file = join(scratch.workspace, "evil.yaml");
  writeFileSync(
    file,
    `name: ${JSON.stringify(evil)}\nversion: "1"\ntimeout: 1m\nsteps: { a: ${step(printsEvil)} }\n`,
  );
  const plain = await shown("workflow", "run", file);
  expect(plain).toContain("FAIL");
  await shown("workflow", "run", file, "-v", "--junit", "report.xml");
  await shown("workflow", "list");
  await shown("workflow", "validate", file);
  const { stdout } = await agentcore(scratch, ["workflow", "list", "--json"]);
  await shown("workflow", "show", String(jsonLinesOf(stdout)[0]?.["id"]));
  const junit = spawnSync("cat", ["report.xml"], { cwd: scratch.workspace, encoding: "utf8" }).stdout;
  expect(junit).not.toMatch(/[^\P{Cc}\n]|\[2J|52;c/u);
  const broken = join(scratch.workspace, "broken.yaml");
  writeFileSync(broken, `name: x\n${JSON.stringify(evil)}: 1\nsteps: { ${JSON.stringify(`a${evil}`)}: 1 }\n`);
  await shown("workflow", "validate", broken);
});

it("of arguments that are wrong", async () => {
  expect(await shown("run", evil, "-w", evil)).toContain("XY");
  await shown(evil);
  await shown("run", "true", `--${evil}`);
  await shown("jobs", "show", `j${evil}`);
  await shown("jobs", "list", "--where", `worker=${evil}`, "--state", evil);
  await shown("submit", "--file", `none${evil}`);
});
