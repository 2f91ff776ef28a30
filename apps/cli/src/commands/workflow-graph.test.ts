import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { agentcore, jsonLinesOf, makeScratch } from "../testing/agentcore-process.ts";

const scratch = makeScratch();
afterAll(() => scratch.remove());

const inner = `name: inner\nversion: "1"\ntimeout: 1m\nsteps:\n  one: { worker: shell, capabilities: [read], instructions: exit 3 }\n`;
const outer = `name: outer\nversion: "1"\ntimeout: 1m\nsteps:
  first: { worker: shell, capabilities: [read], instructions: "true" }
  sub: { workflow: ./inner.yaml, depends_on: [first], on_failure: continue }
`;
const file = join(scratch.root, "outer.yaml");
let run = "";

beforeAll(async () => {
  writeFileSync(file, outer);
  writeFileSync(join(scratch.root, "inner.yaml"), inner);
  await agentcore(scratch, ["workflow", "run", file]);
  const listed = jsonLinesOf((await agentcore(scratch, ["workflow", "list", "--json"])).stdout)[0];
  run = String(listed?.["id"]);
});

describe("a file", () => {
  it("is Mermaid text", async () => {
    const { code, stdout } = await agentcore(scratch, ["workflow", "graph", file]);
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: 'flowchart TD\n  s0["first<br/>shell"]\n  s1[["sub<br/>inner"]]\n  s0 --> s1\n',
    });
  });

  it("is a picture on stdout, and files where they are named", async () => {
    const picture = await agentcore(scratch, ["workflow", "graph", file, "--svg"]);
    expect(picture.stdout).toMatch(/^<svg [\s\S]*>one<[\s\S]*<\/svg>\n$/);
    const args = ["workflow", "graph", file, "--svg", "o.svg", "--html", "o.html"];
    expect((await agentcore(scratch, args)).stdout).toBe("o.svg: 3 steps\no.html: 3 steps\n");
    expect(readFileSync(join(scratch.workspace, "o.svg"), "utf8")).toBe(picture.stdout);
    expect(readFileSync(join(scratch.workspace, "o.html"), "utf8")).toMatch(/^<!doctype html>/);
  });
});

it.each([
  ["graph --run", (id: string) => ["graph", "--run", id, "--svg"]],
  ["show", (id: string) => ["show", id, "--svg"]],
])("%s draws a run with how each step ended, those of sub-workflows too", async (_what, args) => {
  const { code, stdout } = await agentcore(scratch, ["workflow", ...args(run.slice(0, 18))]);
  expect(code).toBe(0);
  expect(stdout).toContain("Workflow outer: SUCCEEDED");
  expect(stdout).toMatch(/class="box good"[^>]*\/><text[^>]*>first</);
  expect(stdout).toMatch(/class="box bad"[^>]*\/><text[^>]*>sub</);
  expect(stdout).toMatch(/class="box bad"[^>]*\/><text[^>]*>one</);
});

describe("2, and nothing is written, for", () => {
  it.each([
    [["graph"], /name a workflow file, or a --run/],
    [["graph", file, "--run", "0199a2c4", "--svg"], /not both/],
    [["graph", "--run", "0199a2c4"], /--run needs --svg or --html/],
    [["graph", file, "--svg", "--html"], /only one of --svg and --html can go to stdout/],
    [["graph", "gone.yaml", "--svg", "never.svg"], /the workflow file does not exist/],
    [["show", "0199a2c4", "--html", "never.svg"], /AC_WORKFLOW_RUN_NOT_FOUND/],
  ])("%j", async (args, message) => {
    const { code, stdout, stderr } = await agentcore(scratch, ["workflow", ...args]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toMatch(message);
    expect(existsSync(join(scratch.workspace, "never.svg"))).toBe(false);
  });

  it("more steps than a picture can hold, which Mermaid text can", async () => {
    const many = join(scratch.root, "many.yaml");
    const steps = Array.from(
      { length: 601 },
      (_, index) => `  s${index}: { worker: shell, capabilities: [read], instructions: "true" }\n`,
    );
    writeFileSync(many, `name: many\nversion: "1"\ntimeout: 1m\nsteps:\n${steps.join("")}`);
    const { code, stderr } = await agentcore(scratch, ["workflow", "graph", many, "--svg"]);
    expect({ code, stderr }).toMatchObject({ code: 2, stderr: expect.stringContaining("601 steps") });
    expect((await agentcore(scratch, ["workflow", "graph", many])).code).toBe(0);
  });
});

it("a run whose file has changed is not drawn as something else", async () => {
  writeFileSync(file, outer.replace("first:", "earlier:").replace("[first]", "[earlier]"));
  const { code, stderr } = await agentcore(scratch, ["workflow", "show", run, "--html"]);
  expect(code).toBe(2);
  expect(stderr).toContain("AC_WORKFLOW_CHANGED");
});
