import { describe, expect, it } from "vitest";
import type { Workflow } from "../definition.ts";
import { parseWorkflow } from "./parse-workflow.ts";
import { formatProblem } from "@agentcore/yaml-file";

type Files = Readonly<Record<string, string>>;

async function parse(files: Files | string, agentFiles?: string[]) {
  const all: Files = typeof files === "string" ? { "/w/main.yaml": files } : files;
  return parseWorkflow({
    file: "/w/main.yaml",
    readFile: (path) => Promise.resolve(all[path] ?? null),
    agentFiles,
  });
}

async function accepted(files: Files | string, agentFiles?: string[]): Promise<Workflow> {
  const result = await parse(files, agentFiles);
  if (!result.ok) throw new Error(result.problems.map(formatProblem).join("\n"));
  return result.workflow;
}

async function problemsOf(files: Files | string, agentFiles?: string[]): Promise<string[]> {
  const result = await parse(files, agentFiles);
  if (result.ok) throw new Error("the workflow was accepted");
  return result.problems.map((problem) => formatProblem(problem).replace("/w/main.yaml:", ""));
}

const head = 'name: w\nversion: "1"\ntimeout: 5m\n';
const shell = "{ worker: shell, instructions: 'true', capabilities: [edit] }";
/** A workflow of these steps, each a mapping in flow style; the first step is in line 5. */
const withSteps = (...steps: string[]) => `${head}steps:\n${steps.map((step) => `  ${step}\n`).join("")}`;

describe("a workflow file", () => {
  it("keeps the spelling of numbers in a matrix", async () => {
    const { steps } = await accepted(
      withSteps(
        "a: { worker: shell, instructions: x, capabilities: [], matrix: { v: [3.1, 3.10, 007, 9007199254740993, 1e3, true, '5'] } }",
      ),
    );
    const written = ["3.1", "3.10", "007", "9007199254740993", "1e3", "true", "5"];
    expect([...(steps[0]?.matrix ?? [])]).toEqual([["v", written]]);
  });

  it("may call its steps, inputs and matrix keys what JavaScript calls its own", async () => {
    const names = ["constructor", "toString", "hasOwnProperty", "valueOf"];
    const body = (name: string) =>
      `${name}: { worker: shell, instructions: "\${{ inputs.${name} }} \${{ matrix.${name} }}", capabilities: [], matrix: { ${name}: [a] } }`;
    const inputs = names.map((name) => `  ${name}: { default: x }`).join("\n");
    const { steps, inputs: read } = await accepted(`inputs:\n${inputs}\n${withSteps(...names.map(body))}`);
    expect(steps.map(({ id }) => id)).toEqual(names);
    expect([...read.keys()]).toEqual(names);
    expect(steps.flatMap(({ matrix }) => [...matrix.keys()])).toEqual(names);
  });

  it("is read with its defaults", async () => {
    const workflow = await accepted(withSteps(`build: ${shell}`));
    expect(workflow).toMatchObject({
      name: "w",
      timeoutMs: 300_000,
      concurrency: null,
      contextDir: "./context",
      budget: null,
    });
    expect(workflow.steps).toEqual([
      expect.objectContaining({
        id: "build",
        workspace: ".",
        maxRetries: 0,
        onFailure: "abort",
        loop: null,
        stall: null,
        isolation: "none",
        merge: "none",
        timeoutMs: null,
        action: {
          kind: "worker",
          work: expect.objectContaining({ worker: "shell", instructions: "true", capabilities: ["edit"] }),
        },
      }),
    ]);
  });

  it.each([
    ["CUSTOM", "shell"],
    ["CLAUDE_CODE", "claude-code"],
    ["CODEX_CLI", "codex"],
    ["OPENCODE", "opencode"],
    ["opencode", "opencode"],
    ["my-adapter", "my-adapter"],
  ])("takes the worker name %s for %s", async (written, meant) => {
    const { steps } = await accepted(
      withSteps(`a: { worker: ${written}, instructions: x, capabilities: [READ, RUN_TESTS, read] }`),
    );
    expect(steps[0]?.action).toMatchObject({ work: { worker: meant, capabilities: ["read", "run_tests"] } });
  });

  it("keeps the order of its steps", async () => {
    const { steps } = await accepted(withSteps(`z: ${shell}`, `a: ${shell}`, `m: ${shell}`));
    expect(steps.map(({ id }) => id)).toEqual(["z", "a", "m"]);
  });

  it("merges an agent profile: the step's keys win, base instructions come first", async () => {
    const { steps } = await accepted({
      "/w/main.yaml": withSteps("a: { agent: dev, instructions: Do it., model: big }"),
      "/w/agents.yaml":
        'version: "1"\nagents:\n  dev: { worker: CODEX_CLI, model: small, capabilities: [edit], base_instructions: Be brief., timeout: 3m }\n',
    });
    expect(steps[0]).toMatchObject({
      timeoutMs: 180_000,
      action: {
        work: { worker: "codex", model: "big", capabilities: ["edit"], instructions: "Be brief.\n\nDo it." },
      },
    });
  });

  it("lets later agent files win, and misses those that were named", async () => {
    const files = {
      "/w/main.yaml": withSteps("a: { agent: dev, instructions: x, capabilities: [read] }"),
      "/one.yaml": 'version: "1"\nagents: { dev: { worker: codex } }\n',
      "/two.yaml": 'version: "1"\nagents: { dev: { worker: opencode } }\n',
    };
    expect((await accepted(files, ["/one.yaml", "/two.yaml"])).steps[0]?.action).toMatchObject({
      work: { worker: "opencode" },
    });
    expect(await problemsOf(files, ["/one.yaml", "/none.yaml"])).toEqual([
      "/none.yaml:1:1: the file of agent profiles does not exist",
    ]);
  });

  it("loops with a completion check", async () => {
    const check = "{ worker: shell, instructions: 'test -f done', capabilities: [read], timeout: 10s }";
    const step = `a: { worker: shell, instructions: x, capabilities: [edit], completion_check: ${check}, max_iterations: 4, on_iterations_exhausted: continue, convergence: { stages: [{ stage: 1, append_instructions: Try. }] } }`;
    const { steps } = await accepted(withSteps(step));
    expect(steps[0]?.loop).toMatchObject({
      maxIterations: 4,
      onExhausted: "continue",
      checkTimeoutMs: 10_000,
      convergence: { stallThreshold: 2, maxStage: 3, failOnMaxStage: true },
    });
    expect(steps[0]?.loop?.convergence?.stages.get(1)).toBe("Try.");
  });

  it("takes stall settings for all steps from the sentinel block", async () => {
    const text = withSteps(
      `a: ${shell}`,
      "b: { worker: shell, instructions: x, capabilities: [], stall: { no_output_timeout: 9s } }",
      "c: { worker: shell, instructions: x, capabilities: [], stall: { enabled: false } }",
    );
    const { steps } = await accepted(`sentinel: { defaults: { no_output_timeout: 1m } }\n${text}`);
    expect(steps.map((step) => step.stall?.noOutputTimeoutMs ?? null)).toEqual([60_000, 9000, null]);
  });

  it("contains its sub-workflows, and changes its hash with them", async () => {
    const files = (body: string) => ({
      "/w/main.yaml": withSteps(
        "sub: { workflow: ./child.yaml, exports: [{ from: one, artifact: out, as: result }] }",
        `next: { worker: shell, instructions: x, capabilities: [], depends_on: [sub], inputs: [{ from: sub, artifact: result }] }`,
      ),
      "/w/child.yaml": withSteps(
        `one: { worker: shell, instructions: ${body}, capabilities: [edit], outputs: [{ name: out, path: out.txt }] }`,
      ),
    });
    const first = await accepted(files("a"));
    expect(first.steps[0]?.action).toMatchObject({
      kind: "workflow",
      exports: [{ from: "one", artifact: "out", as: "result" }],
      workflow: { file: "/w/child.yaml" },
    });
    expect((await accepted(files("b"))).hash).not.toBe(first.hash);
    expect((await accepted(files("a"))).hash).toBe(first.hash);
  });
});

/** In the cases, ▸ marks the place that the error must name. */
describe("a mistake", () => {
  it.each<[string, string, string]>([
    [
      "another system's word for instructions",
      withSteps("a: { worker: shell, instructions: x, capabilities: [], ▸run: make }"),
      "steps.a.run: unknown setting; it is called instructions here",
    ],
    [
      "another system's word for depends_on",
      withSteps("a: { worker: shell, instructions: x, capabilities: [], ▸needs: [b] }"),
      "steps.a.needs: unknown setting; it is called depends_on here",
    ],
    [
      "another system's word for max_retries",
      withSteps("a: { worker: shell, instructions: x, capabilities: [], ▸retries: 2 }"),
      "steps.a.retries: unknown setting; it is called max_retries here",
    ],
    [
      "a number for retry",
      withSteps("a: { worker: shell, instructions: x, capabilities: [], retry: ▸2 }"),
      "steps.a.retry: write max_retries: 2, or retry: { max: 2 }",
    ],
    [
      "a class of errors that there is not",
      withSteps(
        "a: { worker: shell, instructions: x, capabilities: [], retry: { max: 2, on: [▸rate_limit] } }",
      ),
      'steps.a.retry.on[0]: "rate_limit" is not one of rate_limited, quota_exhausted, provider_unavailable, network, auth, invalid_request, worker_missing, worker_crashed, worker_protocol, timeout, stalled, budget_exhausted, permission_denied, task_failed, lost, internal; did you mean "rate_limited"?',
    ],
    [
      "a longer delay than an hour",
      withSteps("a: { worker: shell, instructions: x, capabilities: [], retry: { max: 2, delay: ▸2h } }"),
      "steps.a.retry.delay: is longer than 1h",
    ],
    [
      "retry and max_retries",
      withSteps(
        "a: { worker: shell, instructions: x, capabilities: [], retry: { max: 2 }, ▸max_retries: 1 }",
      ),
      "steps.a.max_retries: retry says it with max; leave out one of the two",
    ],
    [
      "retry and on_failure: retry",
      withSteps(
        "a: { worker: shell, instructions: x, capabilities: [], retry: { max: 2 }, on_failure: ▸retry }",
      ),
      'steps.a.on_failure: with retry write "abort" or "continue": what follows its last attempt',
    ],
    [
      "a cache with a worktree",
      withSteps(
        "a: { worker: shell, instructions: x, capabilities: [], isolation: worktree, ▸cache: { key: [src] } }",
      ),
      "steps.a.cache: goes with isolation: none only; a worktree's changes are not kept in the cache",
    ],
    [
      "a file of a cache's key outside the workspace",
      withSteps("a: { worker: shell, instructions: x, capabilities: [], cache: { key: [▸../x] } }"),
      'steps.a.cache.key[0]: "../x" leaves the workspace',
    ],
    [
      "a cache of the step that changes the branch",
      `branch_transition_step: a\n${withSteps("a: { worker: shell, instructions: x, capabilities: [], ▸cache: { key: [x] } }")}`,
      "steps.a.cache: this step changes the branch, which the cache cannot do; leave it out",
    ],
    [
      "secrets that are to be inherited",
      withSteps("a: { worker: shell, instructions: x, capabilities: [], secrets: ▸inherit }"),
      "steps.a.secrets: nothing is inherited; name the variables: secrets: [NAME]",
    ],
    [
      "another system's word for on_failure",
      withSteps("a: { worker: shell, instructions: x, capabilities: [], ▸on_error: continue }"),
      "steps.a.on_error: unknown setting; it is called on_failure here",
    ],
    [
      "another system's word for if",
      withSteps("a: { worker: shell, instructions: x, capabilities: [], ▸when: inputs.x }"),
      "steps.a.when: unknown setting; it is called if here",
    ],
    [
      "another system's word for steps",
      `${withSteps(`a: ${shell}`)}▸jobs: {}\n`,
      "jobs: unknown setting; it is called steps here",
    ],
    [
      "another system's word for a sub-workflow",
      withSteps("a: { worker: shell, instructions: x, capabilities: [], ▸uses: actions/checkout }"),
      "steps.a.uses: unknown setting; for the steps of another file write workflow: ./FILE.yaml",
    ],
    [
      "another system's word for the shell",
      withSteps("a: { instructions: x, capabilities: [], worker: shell, ▸shell: bash }"),
      "steps.a.shell: unknown setting; write worker: shell; the script is in instructions",
    ],
    [
      "another system's word for a time limit",
      withSteps("a: { worker: shell, instructions: x, capabilities: [], ▸timeout-minutes: 5 }"),
      "steps.a.timeout-minutes: unknown setting; write timeout with a unit, for example timeout: 30m",
    ],
    [
      "another system's way to write a matrix",
      withSteps("a: { worker: shell, instructions: x, capabilities: [], ▸strategy: { matrix: { v: [1] } } }"),
      "steps.a.strategy: unknown setting; write its matrix as the step's own: matrix: { NAME: [VALUES] }",
    ],
    [
      "another system's events",
      `▸on: push\n${withSteps(`a: ${shell}`)}`,
      "on: unknown setting; a run starts with agentcore workflow run; leave it out",
    ],
    [
      "a character that no program can be given",
      withSteps('a: { worker: shell, instructions: ▸"a\\0b", capabilities: [] }'),
      "the text holds a NUL character; leave it out",
    ],
    [
      "a merge key",
      withSteps("a: { worker: shell, instructions: x, capabilities: [], ▸'<<': { timeout: 1m } }"),
      'steps.a.<<: unknown setting; "<<" in quotes is an ordinary name; leave out the quotes to merge a mapping',
    ],
    [
      "an empty matrix",
      withSteps("a: { worker: shell, instructions: x, capabilities: [], matrix: { k: [▸null] } }"),
      "steps.a.matrix.k[0]: must be a text, or a number, or true or false, not empty",
    ],
    [
      "a list in a matrix",
      withSteps("a: { worker: shell, instructions: x, capabilities: [], matrix: { k: [▸[1]] } }"),
      "steps.a.matrix.k[0]: must be a text, or a number, or true or false, not a list",
    ],
    [
      "a name that YAML reads as another",
      withSteps("▸0o17: { worker: shell, instructions: x, capabilities: [] }"),
      "the name 0o17 is read as 15; put it in quotes",
    ],
    [
      "the name that cannot be used",
      withSteps("▸__proto__: { worker: shell, instructions: x, capabilities: [] }"),
      'the name "__proto__" cannot be used; write another one',
    ],
    [
      "the name that cannot be used, further in",
      withSteps("a: { worker: shell, instructions: x, capabilities: [], matrix: { ▸__proto__: [1] } }"),
      'the name "__proto__" cannot be used; write another one',
    ],
    [
      "an id that no folder's name can hold",
      withSteps(`▸${"x".repeat(300)}: { worker: shell, instructions: x, capabilities: [] }`),
      `steps.${"x".repeat(300)}: the name is longer than 100 characters`,
    ],
    [
      "a status that no step has",
      withSteps(
        `a: ${shell}`,
        "b: { worker: shell, instructions: x, capabilities: [], depends_on: [a], if: ▸'steps.a.status == \"FAILURE\"' }",
      ),
      'steps.b.if: steps.a.status is never "FAILURE"; it is one of SUCCEEDED, FAILED, INCOMPLETE, SKIPPED, CANCELLED',
    ],
    [
      "a placeholder in a condition",
      withSteps('a: { worker: shell, instructions: x, capabilities: [], if: ▸"${{ inputs.a }}" }'),
      'steps.a.if: "${{ inputs.a }}" is not an expression: write it without ${{ }}; this key already takes an expression',
    ],
    [
      "no timeout",
      `▸name: x\nversion: "1"\nsteps:\n  a: ${shell}\n`,
      "timeout: is required, for example 30m",
    ],
    [
      "more combinations than there may be steps",
      withSteps(
        `a: { worker: shell, instructions: x, capabilities: [], ▸matrix: { ${Array.from({ length: 8 }, (_, key) => `k${key}: [${Array.from({ length: 100 }, (_, value) => value).join(", ")}]`).join(", ")} } }`,
      ),
      "steps.a.matrix: the workflow has more than 10000 steps here, the combinations of matrices counted; this one has 10000000000000000",
    ],
    [
      "no way to work",
      withSteps("▸a: { instructions: x }"),
      'steps.a: step "a" needs one of worker, agent, workflow or approval',
    ],
    [
      "two ways to work",
      withSteps("a: { worker: shell, ▸agent: dev, instructions: x, capabilities: [read] }"),
      'steps.a.agent: step "a" may have only one of worker, agent',
    ],
    [
      "no instructions",
      withSteps("▸a: { worker: shell, capabilities: [read] }"),
      "steps.a: needs instructions",
    ],
    [
      "no capabilities",
      withSteps("▸a: { worker: shell, instructions: x }"),
      "steps.a: needs capabilities: some of read, edit, run_tests, run_commands",
    ],
    [
      "an unknown dependency",
      withSteps(
        `build: ${shell}`,
        "b: { worker: shell, instructions: x, capabilities: [], depends_on: [▸biuld] }",
      ),
      'steps.b.depends_on[0]: no step has the id "biuld"; did you mean "build"?',
    ],
    [
      "a step that waits for itself",
      withSteps("a: { worker: shell, instructions: x, capabilities: [], depends_on: [▸a] }"),
      'steps.a.depends_on[0]: step "a" depends on itself',
    ],
    [
      "an unknown key",
      withSteps("a: { worker: shell, instructions: x, capabilities: [], ▸tiemout: 5s }"),
      'steps.a.tiemout: unknown setting; did you mean "timeout"?',
    ],
    [
      "a duration without a unit",
      withSteps("a: { worker: shell, instructions: x, capabilities: [], timeout: ▸5 }"),
      "steps.a.timeout: a duration needs a unit, such as 30s, 5m or 1h30m",
    ],
    [
      "an input from a step that is not waited for",
      withSteps(
        `a: ${shell}`,
        "b: { worker: shell, instructions: x, capabilities: [], inputs: [{ from: ▸a, artifact: o }] }",
      ),
      'steps.b.inputs[0].from: step "b" does not wait for "a"; add it to depends_on',
    ],
    [
      "an artifact that nobody makes",
      withSteps(
        `a: ${shell}`,
        "b: { worker: shell, instructions: x, capabilities: [], depends_on: [a], inputs: [{ from: a, artifact: ▸o }] }",
      ),
      'steps.b.inputs[0].artifact: step "a" has no output "o"',
    ],
    [
      "a path that leaves the workspace",
      withSteps("a: { worker: shell, instructions: x, capabilities: [], workspace: ▸../up }"),
      'steps.a.workspace: "../up" leaves the workspace',
    ],
    [
      "an absolute path",
      withSteps(
        "a: { worker: shell, instructions: x, capabilities: [], outputs: [{ name: o, path: ▸/etc }] }",
      ),
      'steps.a.outputs[0].path: "/etc" must be relative to the workspace',
    ],
    [
      "iterations without a check",
      withSteps("a: { worker: shell, instructions: x, capabilities: [], ▸max_iterations: 3 }"),
      "steps.a.max_iterations: needs a completion_check, which decides when the loop is done",
    ],
    [
      "an agent's check without a decision file",
      withSteps(
        "a: { worker: shell, instructions: x, capabilities: [], max_iterations: 3, ▸completion_check: { worker: codex, instructions: x, capabilities: [read] } }",
      ),
      "steps.a.completion_check: needs a decision_file: only the shell worker decides by its exit code",
    ],
    [
      "an agent nobody knows",
      withSteps("a: { agent: ▸dev, instructions: x }"),
      'steps.a.agent: no agent profile has the id "dev"; there is no agents.yaml beside the workflow, and none was named',
    ],
    [
      "a condition that cannot be read",
      withSteps(`a: { worker: shell, instructions: x, capabilities: [], if: ▸'inputs.x =' }`),
      'steps.a.if: "inputs.x =" is not an expression: cannot read "="; write == to compare',
    ],
    [
      "a condition on a step that is not waited for",
      withSteps(
        `a: ${shell}`,
        `b: { worker: shell, instructions: x, capabilities: [], if: ▸"steps.a.status == 'FAILED'" }`,
      ),
      'steps.b.if: step "b" does not wait for "a"; add it to depends_on',
    ],
    [
      "a condition on the failure of no step",
      withSteps(`a: { worker: shell, instructions: x, capabilities: [], if: ▸failure() }`),
      'steps.a.if: step "a" waits for no other, so failure() cannot be true; name the steps that it is about in depends_on',
    ],
    [
      "a condition that a step behind a failure never evaluates",
      withSteps(
        `a: ${shell}`,
        `b: { worker: shell, instructions: x, capabilities: [], depends_on: [a], if: ▸"!success()" }`,
      ),
      "steps.b.if: is never true: without failure(), cancelled() or always(), a step runs only if all in depends_on passed; write failure() || cancelled()",
    ],
    [
      "an input that is not declared",
      withSteps(`a: { worker: shell, instructions: ▸'x \${{ inputs.no }}', capabilities: [] }`),
      'steps.a.instructions: there is no input "no"',
    ],
    [
      "a matrix key that is not there",
      withSteps(
        `a: { worker: shell, instructions: ▸'x \${{ matrix.os }}', capabilities: [], matrix: { so: [1] } }`,
      ),
      'steps.a.instructions: there is no matrix key "os"; did you mean "so"?',
    ],
    [
      "a default of another type",
      `inputs: { n: { type: number, default: ▸many } }\n${withSteps(`a: ${shell}`)}`,
      "inputs.n.default: is not a number",
    ],
    [
      "a sub-workflow that is not there",
      withSteps("a: { workflow: ▸./none.yaml }"),
      "steps.a.workflow: there is no workflow file /w/none.yaml",
    ],
    [
      "inputs for a step that is no sub-workflow",
      withSteps("a: { worker: shell, instructions: x, capabilities: [], ▸with: { n: 1 } }"),
      "steps.a.with: can only be used with workflow",
    ],
    [
      "a workflow that contains itself",
      withSteps("a: { workflow: ▸./main.yaml }"),
      "steps.a.workflow: the workflows contain each other: /w/main.yaml → /w/main.yaml",
    ],
    [
      "a merge without a worktree",
      withSteps("a: { worker: shell, instructions: x, capabilities: [], ▸merge: apply }"),
      'steps.a.merge: goes with "isolation: worktree" only',
    ],
    ["no concurrency", `concurrency: ▸0\n${withSteps(`a: ${shell}`)}`, "concurrency: is 0; write at least 1"],
    [
      "an id that is no folder name",
      withSteps(`▸"a/b": ${shell}`),
      "steps.a/b: the name is not an id: letters, digits, dot, underscore and hyphen, beginning with a letter or digit",
    ],
    [
      "a version that is a number",
      `name: w\nversion: ▸1\ntimeout: 5m\nsteps: { a: ${shell} }\n`,
      'version: the version is "1", in quotes',
    ],
    [
      "no version",
      `▸name: w\ntimeout: 5m\nsteps: { a: ${shell} }\n`,
      'version: is required, for example version: "1"',
    ],
    ["no steps", `${head}steps: ▸{}\n`, "steps: has no step"],
    [
      "two steps with one id",
      withSteps(`a: ${shell}`, `▸a: ${shell}`),
      'not YAML: the name "a" is there twice; leave out one of the two',
    ],
    [
      "retries with abort",
      withSteps(
        "a: { worker: shell, instructions: x, capabilities: [], max_retries: 2, on_failure: ▸abort }",
      ),
      'steps.a.on_failure: with max_retries write "retry" or "continue"; "abort" never retries',
    ],
  ])("such as %s is told with its place and its cure", async (_name, marked, expected) => {
    const before = marked.slice(0, marked.indexOf("▸")).split("\n");
    const place = `${before.length}:${(before.at(-1) ?? "").length + 1}`;
    expect(await problemsOf(marked.replace("▸", ""))).toEqual([`${place}: ${expected}`]);
  });

  it("that is a cycle is named in full", async () => {
    const step = (on: string) => `{ worker: shell, instructions: x, capabilities: [], depends_on: [${on}] }`;
    const text = withSteps(`free: ${shell}`, `a: ${step("c")}`, `b: ${step("a")}`, `c: ${step("b, free")}`);
    expect(await problemsOf(text)).toEqual([
      "6:58: steps.a.depends_on: the steps wait for each other: a → c → b → a",
    ]);
  });

  it("that is a missing file is told as such", async () => {
    expect(await problemsOf({})).toEqual(["1:1: the workflow file does not exist"]);
  });

  it("in a sub-workflow is told with that file", async () => {
    const files = {
      "/w/main.yaml": withSteps("a: { workflow: ./child.yaml }"),
      "/w/child.yaml": withSteps("b: { instructions: x }"),
    };
    expect(await problemsOf(files)).toEqual([
      '/w/child.yaml:5:3: steps.b: step "b" needs one of worker, agent, workflow or approval',
    ]);
  });

  it.each<[string, string, string]>([
    [
      "that the sub-workflow does not have",
      "a: { workflow: ./child.yaml, with: { word: x, ▸tiems: 2 } }",
      'steps.a.with.tiems: the sub-workflow has no input "tiems"; did you mean "times"?',
    ],
    [
      "of another type",
      "a: { workflow: ./child.yaml, with: { word: x, times: ▸many } }",
      "steps.a.with.times: is not a number",
    ],
    [
      "that is needed and not given",
      "a: { workflow: ./child.yaml, ▸with: { times: 2 } }",
      'steps.a.with: the sub-workflow needs the input "word"; give it in with: { word: … }',
    ],
    [
      "that is needed where nothing is given",
      "a: { ▸workflow: ./child.yaml }",
      'steps.a.workflow: the sub-workflow needs the input "word"; give it in with: { word: … }',
    ],
    [
      "of a value that nobody declares",
      "a: { workflow: ./child.yaml, with: { word: ▸'${{ inputs.no }}' } }",
      'steps.a.with.word: there is no input "no"',
    ],
  ])(
    "in an input of a sub-workflow %s is told with its place and its cure",
    async (_name, marked, expected) => {
      const main = withSteps(marked);
      const child = `inputs: { word: { required: true }, times: { type: number } }\n${withSteps(`b: ${shell}`)}`;
      const before = main.slice(0, main.indexOf("▸")).split("\n");
      const place = `${before.length}:${(before.at(-1) ?? "").length + 1}`;
      expect(await problemsOf({ "/w/main.yaml": main.replace("▸", ""), "/w/child.yaml": child })).toEqual([
        `${place}: ${expected}`,
      ]);
    },
  );

  it("of nesting without end is refused", async () => {
    const files = Object.fromEntries(
      Array.from({ length: 12 }, (_, n) => [
        n === 0 ? "/w/main.yaml" : `/w/${n}.yaml`,
        n === 11 ? withSteps(`a: ${shell}`) : withSteps(`a: { workflow: ./${n + 1}.yaml }`),
      ]),
    );
    expect(await problemsOf(files)).toEqual([
      "/w/7.yaml:5:18: steps.a.workflow: sub-workflows are nested deeper than 8",
    ]);
  });

  it("of more sub-workflow steps than a run may have is told at the step with which there are too many", async () => {
    const check = `completion_check: ${shell}`;
    const files = {
      "/w/main.yaml": withSteps(
        "a: { workflow: ./child.yaml }",
        `b: { workflow: ./child.yaml, max_iterations: 200, ${check}, matrix: { n: [1, 2, 3, 4, 5] } }`,
      ),
      "/w/child.yaml": withSteps(
        `c: { worker: shell, instructions: x, capabilities: [read], matrix: { n: [${Array.from({ length: 100 }, (_, n) => n).join(", ")}] } }`,
      ),
    };
    expect(await problemsOf(files)).toEqual([
      "6:8: steps.b.workflow: the sub-workflows come to more than 100000 steps here, combinations and iterations counted; lower max_iterations, or leave out combinations",
    ]);
  });

  it("never comes alone: ten in one file are ten lines, each with line, column and cure", async () => {
    const text = [
      'name: ""',
      "version: '2'",
      "timeout: 10",
      "concurrency: 0",
      "steps:",
      "  a: { worker: shell, instructions: x, capabilities: [fly] }",
      "  b: { worker: shell, instructions: x, capabilities: [read], depends_on: [aa] }",
      "  c: { worker: shell, capabilities: [read] }",
      "  d: { worker: shell, instructions: x, capabilities: [read], outputs: [{ name: o, path: ../o }] }",
      "  e: { worker: shell, instructions: x, capabilities: [read], retries: 3 }",
      "  f: { worker: shell, instructions: x, capabilities: [read], if: steps.a.state }",
      "",
    ].join("\n");
    expect(await problemsOf(text)).toEqual([
      "1:7: name: is empty; write something",
      '2:10: version: the version is "1", in quotes',
      "3:10: timeout: a duration needs a unit, such as 30s, 5m or 1h30m",
      "4:14: concurrency: is 0; write at least 1",
      '6:55: steps.a.capabilities[0]: "fly" is not one of read, edit, run_tests, run_commands',
      '7:75: steps.b.depends_on[0]: no step has the id "aa"; did you mean "a"?',
      "8:3: steps.c: needs instructions",
      '9:89: steps.d.outputs[0].path: "../o" leaves the workspace',
      "10:62: steps.e.retries: unknown setting; it is called max_retries here",
      '11:66: steps.f.if: step "f" does not wait for "a"; add it to depends_on',
    ]);
  });
});
