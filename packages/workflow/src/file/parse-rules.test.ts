/** What a workflow file may say and how it is read: the rules of the format that have no mistake of their own. */
import { describe, expect, it } from "vitest";
import type { Workflow } from "../definition.ts";
import { parseWorkflow } from "./parse-workflow.ts";
import { formatProblem } from "@agentcore/yaml-file";

type Files = Readonly<Record<string, string>>;

async function parse(files: Files | string) {
  const all: Files = typeof files === "string" ? { "/w/main.yaml": files } : files;
  return parseWorkflow({ file: "/w/main.yaml", readFile: async (path) => all[path] ?? null });
}

async function accepted(files: Files | string): Promise<Workflow> {
  const result = await parse(files);
  if (!result.ok) throw new Error(result.problems.map(formatProblem).join("\n"));
  return result.workflow;
}

async function problemsOf(files: Files | string): Promise<string[]> {
  const result = await parse(files);
  return result.ok ? [] : result.problems.map(formatProblem);
}

const work = "worker: shell, instructions: x, capabilities: [read]";
const text = (head: string, ...steps: string[]): string =>
  `${head}steps:\n${steps.map((one) => `  ${one}\n`).join("")}`;
const head = 'name: w\nversion: "1"\ntimeout: 5m\n';

describe("the top of a workflow file", () => {
  it.each([
    ["name", 'version: "1"\ntimeout: 5m\n'],
    ["version", "name: w\ntimeout: 5m\n"],
    ["timeout", 'name: w\nversion: "1"\n'],
  ])("needs its %s", async (key, rest) => {
    const problems = await problemsOf(text(rest, `a: { ${work} }`));
    expect(problems).toEqual([expect.stringMatching(new RegExp(`^/w/main\\.yaml:1:1: ${key}: `))]);
  });

  it("needs steps", async () => {
    expect(await problemsOf(head)).toEqual([
      expect.stringMatching(/^\/w\/main\.yaml:1:1: steps: is required/),
    ]);
  });

  it.each([
    ["200ms", 200],
    ["30s", 30_000],
    ["5m", 300_000],
    ["2h", 7_200_000],
    ["1h30m", 5_400_000],
  ])("takes %s for a duration", async (written, ms) => {
    const { timeoutMs } = await accepted(text(head.replace("5m", written), `a: { ${work} }`));
    expect(timeoutMs).toBe(ms);
  });

  it.each([".git", "./.git/hooks", "sub/.GIT"])(
    "refuses the context directory %s, which is git's own",
    async (path) => {
      expect(await problemsOf(text(`${head}context_dir: ${path}\n`, `a: { ${work} }`))).toEqual([
        expect.stringContaining("main.yaml:4:14: context_dir: is inside git's directory"),
      ]);
    },
  );

  it.each(["../out", "/tmp/context", "a/../../b"])(
    "refuses the context directory %s, which is outside",
    async (path) => {
      expect(await problemsOf(text(`${head}context_dir: ${path}\n`, `a: { ${work} }`))).toEqual([
        expect.stringContaining("main.yaml:4:14: context_dir: "),
      ]);
    },
  );
});

describe("a step as it is read", () => {
  it("takes an artifact from any step that it waits for, directly or not, under the artifact's own name", async () => {
    const { steps } = await accepted(
      text(
        head,
        `a: { ${work}, outputs: [{ name: code, path: dist }] }`,
        `b: { ${work}, depends_on: [a] }`,
        `c: { ${work}, depends_on: [b], inputs: [{ from: a, artifact: code }, { from: a, artifact: code, as: copy }] }`,
      ),
    );
    expect(steps[2]?.inputs.map(({ as }) => as)).toEqual(["code", "copy"]);
  });

  it("is tried once where it names no retries, and a failure of it stops the run", async () => {
    const { steps } = await accepted(
      text(
        head,
        `a: { ${work} }`,
        `b: { ${work}, max_retries: 2, on_failure: retry }`,
        `c: { ${work}, max_retries: 2 }`,
      ),
    );
    expect(steps.map(({ maxRetries, onFailure }) => [maxRetries, onFailure])).toEqual([
      [0, "abort"],
      [2, "retry"],
      [2, "abort"],
    ]);
  });

  it("is warned of if its instructions hold a placeholder without an end, or a file for values that is not there", async () => {
    const result = await parse(
      text(
        head,
        "a: { worker: shell, capabilities: [], instructions: 'echo x=1 >> \"$AGENTCORE_OUTPUT\"' }",
        "b: { worker: shell, capabilities: [], instructions: 'echo x=1 >> ${GITHUB_OUTPUT}' }",
        "c: { worker: shell, capabilities: [], instructions: 'echo ${{ matrix.p }} ${{ matrix.p', matrix: { p: [x] } }",
        "d: { worker: shell, capabilities: [], instructions: 'echo x=1 >> $AGENTCORE_OUTPUT', outputs: [{ name: x, value: true }] }",
      ),
    );
    const declare = "declare each value: outputs: [{ name: NAME, value: true }]";
    expect(result.ok && result.warnings.map(({ message }) => message)).toEqual([
      `steps.a.instructions: the step has no $AGENTCORE_OUTPUT, because it declares no value; ${declare}`,
      `steps.b.instructions: there is no $GITHUB_OUTPUT; write to $AGENTCORE_OUTPUT, and ${declare}`,
      "steps.c.instructions: a ${{ has no }} after it, so it stands for no value",
    ]);
  });

  it("is warned of if it is to be tried again, and does not say how often", async () => {
    const warningsOf = async (...steps: string[]): Promise<readonly string[]> => {
      const result = await parse(text(head, ...steps));
      if (!result.ok) throw new Error(result.problems.map(formatProblem).join("\n"));
      return result.warnings.map(formatProblem);
    };
    expect(await warningsOf(`a: { ${work}, on_failure: retry }`)).toEqual([
      '/w/main.yaml:5:74: steps.a.on_failure: "retry" has no effect without max_retries; write for example max_retries: 2',
    ]);
    expect(
      await warningsOf(
        `a: { ${work}, on_failure: retry, max_retries: 0 }`,
        `b: { ${work}, on_failure: retry, max_retries: 1 }`,
      ),
    ).toEqual([]);
  });

  it("with a check goes around once where it names no iterations", async () => {
    const check = "{ worker: shell, instructions: x, capabilities: [read] }";
    const { steps } = await accepted(text(head, `a: { ${work}, completion_check: ${check} }`));
    expect(steps[0]?.loop).toMatchObject({ maxIterations: 1, onExhausted: "abort" });
  });

  it("may have its check done by an agent profile", async () => {
    const check = "{ agent: judge, instructions: Done?, decision_file: d.json, model: big }";
    const { steps } = await accepted({
      "/w/main.yaml": text(head, `a: { ${work}, completion_check: ${check} }`),
      "/w/agents.yaml":
        'version: "1"\nagents: { judge: { worker: CLAUDE_CODE, capabilities: [READ], base_instructions: Be strict., timeout: 2m } }\n',
    });
    expect(steps[0]?.loop).toMatchObject({
      check: {
        worker: "claude-code",
        capabilities: ["read"],
        model: "big",
        instructions: "Be strict.\n\nDone?",
      },
      checkTimeoutMs: 120_000,
    });
  });

  it("has no convergence where that is switched off", async () => {
    const check = "{ worker: shell, instructions: x, capabilities: [read] }";
    const { steps } = await accepted(
      text(
        head,
        `a: { ${work}, max_iterations: 2, completion_check: ${check}, convergence: { enabled: false } }`,
      ),
    );
    expect(steps[0]?.loop?.convergence).toBeNull();
  });

  it("takes the workspace of its agent profile, and its own before that", async () => {
    const { steps } = await accepted({
      "/w/main.yaml": text(
        head,
        "a: { agent: dev, instructions: x }",
        "b: { agent: dev, instructions: x, workspace: own }",
      ),
      "/w/agents.yaml":
        'version: "1"\nagents: { dev: { worker: codex, capabilities: [edit], workspace: app } }\n',
    });
    expect(steps.map(({ workspace }) => workspace)).toEqual(["app", "own"]);
  });
});

describe("unknown keys are mistakes", () => {
  it.each([
    ["at the top", text(`${head}concurency: 2\n`, `a: { ${work} }`), "concurency"],
    ["in a step", text(head, `a: { ${work}, retries: 2 }`), "steps.a.retries"],
    [
      "in an output",
      text(head, `a: { ${work}, outputs: [{ name: o, path: o, kind: x }] }`),
      "steps.a.outputs[0].kind",
    ],
    [
      "in a check",
      text(head, `a: { ${work}, completion_check: { ${work}, max_iterations: 2 } }`),
      "steps.a.completion_check.max_iterations",
    ],
    [
      "in convergence",
      text(head, `a: { ${work}, completion_check: { ${work} }, convergence: { stage: 2 } }`),
      "steps.a.convergence.stage",
    ],
    ["in a budget", text(`${head}budget: { usd: 2 }\n`, `a: { ${work} }`), "budget.usd"],
  ])("%s", async (_name, file, key) => {
    expect(await problemsOf(file)).toEqual([expect.stringContaining(`: ${key}: unknown setting`)]);
  });
});

describe("sub-workflow files", () => {
  it("are found from the file that names them", async () => {
    const workflow = await accepted({
      "/w/main.yaml": text(head, "a: { workflow: parts/child.yaml }"),
      "/w/parts/child.yaml": text(head, "b: { workflow: ./leaf.yaml }"),
      "/w/parts/leaf.yaml": text(head, `c: { ${work} }`),
    });
    const [step] = workflow.steps;
    expect(step?.action.kind === "workflow" && step.action.workflow.steps[0]?.action).toMatchObject({
      workflow: { file: "/w/parts/leaf.yaml" },
    });
  });

  it("that contain each other are a mistake, the way named in full", async () => {
    expect(
      await problemsOf({
        "/w/main.yaml": text(head, "a: { workflow: ./b.yaml }"),
        "/w/b.yaml": text(head, "b: { workflow: ./c.yaml }"),
        "/w/c.yaml": text(head, "c: { workflow: ./b.yaml }"),
      }),
    ).toEqual([
      "/w/c.yaml:5:18: steps.c.workflow: the workflows contain each other: /w/b.yaml → /w/c.yaml → /w/b.yaml",
    ]);
  });
});

it("mistakes of the workflow, its agents and its sub-workflows are told at once", async () => {
  const problems = await problemsOf({
    "/w/main.yaml": text(head, "a: { workflow: ./b.yaml }", `c: { ${work}, depends_on: [x] }`),
    "/w/b.yaml": text(head, `b: { ${work}, workspace: ../up }`),
    "/w/agents.yaml": 'version: "1"\nagents: { dev: { capabilities: [edit] } }\n',
  });
  expect(problems.map((problem) => problem.split(" ").slice(0, 2).join(" ")).sort()).toEqual([
    "/w/agents.yaml:2:16: agents.dev.worker:",
    "/w/b.yaml:5:73: steps.b.workspace:",
    "/w/main.yaml:6:75: steps.c.depends_on[0]:",
  ]);
});

it("two combinations of a matrix that would share a folder are a mistake", async () => {
  expect(await problemsOf(text(head, `a: { ${work}, matrix: { os: [a/b, a_b], n: [1, 1] } }`))).toEqual([
    '/w/main.yaml:5:82: steps.a.matrix.os[1]: "a_b" and "a/b" make the same folder name; write another value',
    '/w/main.yaml:5:95: steps.a.matrix.n[1]: "1" is listed twice',
  ]);
});
