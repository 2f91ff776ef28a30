import { silentLog } from "@agentcore/contract";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { Step, Workflow } from "../definition.ts";
import type { RunResult } from "../run-ports.ts";
import type { StartOptions } from "../run/run-workflow.ts";
import { mortal } from "../testing/mortal-ports.ts";
import { createRunRig, type RunRig } from "../testing/run-rig.ts";
import { shellLoop, shellStep, testWorkflow } from "../testing/test-workflow.ts";

let rig: RunRig;
beforeEach(async () => {
  rig = await createRunRig();
  mkdirSync(at("src"));
  writeFileSync(at("src/a.txt"), "a");
  writeFileSync(at("src/b.txt"), "b");
});
afterEach(() => rig.close());

const at = (name: string): string => join(rig.workspace, name);
const directory = (): string => at(".cache");
const entries = (): string[] =>
  existsSync(directory()) ? readdirSync(directory()).filter((name) => !name.startsWith(".")) : [];
const ran = (): number =>
  existsSync(at("ran")) ? readFileSync(at("ran"), "utf8").split("\n").length - 1 : 0;

const out = { name: "out", path: "out/made", optional: false, type: null };
const build = "echo x >> ran; mkdir -p out; cat src/*.txt > out/made; echo key=7 >> $AGENTCORE_OUTPUT";
const cached = (rest: Partial<Step> = {}, script = build): Step =>
  shellStep("build", script, {
    outputs: [out],
    values: [{ name: "key", key: "key", optional: true }],
    cache: { key: ["src/**"] },
    ...rest,
  });

const warnings: string[] = [];
const log = {
  ...silentLog,
  warn: (fields: object, text?: string) => void warnings.push(`${text} ${JSON.stringify(fields)}`),
} as typeof silentLog;
beforeEach(() => void warnings.splice(0));

function run(steps: Step | Workflow, options: Partial<StartOptions> = {}): Promise<RunResult> {
  const workflow = "steps" in steps ? steps : testWorkflow([steps]);
  const cache = { directory: directory(), bytesMax: 1e6, keepMs: 1e9 };
  return rig.run(workflow, { log, cache, ...options });
}
/** Whether the last step of the run was taken from the cache. */
async function hits(steps: Step | Workflow, options: Partial<StartOptions> = {}): Promise<boolean> {
  const result = await run(steps, options);
  expect(result.outcome).toBe("SUCCEEDED");
  return result.steps.at(-1)?.cached === true;
}

it("a step whose files, definition and inputs are the same is not run again: artifacts, values and files are put back", async () => {
  expect(await hits(cached())).toBe(false);
  rmSync(at("out"), { recursive: true });
  rmSync(at("context"), { recursive: true });
  const result = await run(cached());
  expect(result.steps[0]).toMatchObject({
    status: "SUCCEEDED",
    cached: true,
    artifacts: ["out"],
    values: { key: "7" },
    costUsd: null,
  });
  expect(ran()).toBe(1);
  expect(readFileSync(at("out/made"), "utf8")).toBe("ab");
  expect(readFileSync(at("context/build/out/made"), "utf8")).toBe("ab");
  expect(warnings).toEqual([]);
});

it("each change of what the key covers is a miss, and the way back a hit", async () => {
  const make = (): void => {
    rmSync(at("src"), { recursive: true });
    mkdirSync(at("src/deep"), { recursive: true });
    writeFileSync(at("src/a.txt"), "a");
    writeFileSync(at("src/b.txt"), "b");
    symlinkSync("a.txt", at("src/link.txt"));
  };
  const changes: Readonly<Record<string, () => void>> = {
    "a changed file": () => writeFileSync(at("src/a.txt"), "c"),
    "a changed file mode": () => chmodSync(at("src/a.txt"), 0o755),
    "a deleted file": () => rmSync(at("src/b.txt")),
    "a new file that a glob matches": () => writeFileSync(at("src/deep/c.txt"), ""),
    "a changed link": () => (rmSync(at("src/link.txt")), symlinkSync("b.txt", at("src/link.txt"))),
    "two files with each other's content": () => (
      writeFileSync(at("src/a.txt"), "b"),
      writeFileSync(at("src/b.txt"), "a")
    ),
  };
  make();
  await run(cached());
  for (const [what, change] of Object.entries(changes)) {
    change();
    expect({ what, hit: await hits(cached()) }).toEqual({ what, hit: false });
    make();
    expect({ what, hit: await hits(cached()) }).toEqual({ what, hit: true });
  }
});

it("each change of the step, its variables, inputs and matrix values is a miss", async () => {
  const inputs = new Map([
    ["who", { type: "string", default: "me", required: false, description: null }],
  ] as const);
  const base = (rest: Partial<Step> = {}, script?: string): Workflow =>
    testWorkflow([cached({ env: new Map([["A", "1"]]), ...rest }, script)], { inputs });
  await run(base());
  expect(await hits(base())).toBe(true);
  const changed: readonly [string, Workflow, Partial<StartOptions>?][] = [
    ["script", base({}, `${build}; true`)],
    ["env", base({ env: new Map([["A", "2"]]) })],
    ["verify", base({ verify: "true" })],
    ["an output", base({ outputs: [{ ...out, optional: true }] })],
    ["the check", base({ loop: shellLoop("true") })],
    ["an input", base(), { inputs: { who: "you" } }],
    ["a matrix value", base({ matrix: new Map([["n", ["1"]]]) })],
    ["another matrix value", base({ matrix: new Map([["n", ["2"]]]) })],
    ["a value of the key", base({ cache: { key: ["src/**", "${{ inputs.who }}"] } })],
  ];
  for (const [what, workflow, options] of changed) {
    expect({ what, hit: await hits(workflow, options) }).toEqual({ what, hit: false });
    expect({ what, hit: await hits(workflow, options) }).toEqual({ what, hit: true });
  }
  expect(await hits(base())).toBe(true);
});

it("a miss names each part of the key that changed since the newest result, and no value", async () => {
  const inputs = new Map([
    ["who", { type: "string", default: "me", required: false, description: null }],
    ["extra", { type: "string", default: "x", required: false, description: null }],
  ] as const);
  const base = (rest: Partial<Step> = {}): Workflow => testWorkflow([cached(rest)], { inputs });
  const missOf = async (workflow: Workflow, options: Partial<StartOptions> = {}) =>
    (await run(workflow, options)).steps.at(-1)?.cacheMiss;
  expect(await missOf(base(), { usesCache: false })).toBe(null);
  expect(await missOf(base())).toBe("no earlier result of the step is kept");
  expect(await missOf(base())).toBe(null);
  writeFileSync(at("src/a.txt"), "c");
  expect(await missOf(base())).toBe("file src/a.txt changed");
  expect(await missOf(base(), { inputs: { who: "you-there" } })).toBe("input who changed");
  expect(await missOf(base({ env: new Map([["A", "1"]]) }))).toBe("the step changed, input who changed");
  expect(await missOf(base())).toBe(null);
  rmSync(at("src/b.txt"));
  for (const name of ["c", "d", "e"]) writeFileSync(at(`src/${name}.txt`), name);
  expect(await missOf(base())).toBe(
    "file src/c.txt is new, file src/d.txt is new, file src/e.txt is new, and 1 more",
  );
  expect(await missOf(testWorkflow([cached({ cache: { key: ["gone.txt"] } })]))).toBe(
    'it has no key: "gone.txt" matches no file',
  );
  const kept = entries().map((name) => readFileSync(join(directory(), name, "entry.json"), "utf8"));
  expect(kept.join()).not.toContain("you-there");
});

it("a miss tells an artifact, a value of the key and a value in the texts of a step apart", async () => {
  const workflow = (made: string, value: string, key: readonly string[], text = "") =>
    testWorkflow([
      shellStep("first", `echo ${made} > first; echo v=${value} >> $AGENTCORE_OUTPUT`, {
        outputs: [{ name: "f", path: "first", optional: false, type: null }],
        values: [{ name: "v", key: "v", optional: false }],
      }),
      cached({
        dependsOn: ["first"],
        inputs: [{ from: "first", artifact: "f", as: "in" }],
        env: new Map([["V", text]]),
        cache: { key },
      }),
    ]);
  const v = "${{ steps.first.outputs.v }}";
  const missOf = async (...of: Parameters<typeof workflow>) =>
    (await run(workflow(...of))).steps.at(-1)?.cacheMiss;
  await missOf("one", "1", [v]);
  expect(await missOf("two", "1", [v])).toBe("artifact f of step first changed");
  expect(await missOf("two", "2", [v])).toBe(`${v} changed`);
  await missOf("two", "1", ["src/**"], v);
  expect(await missOf("two", "2", ["src/**"], v)).toBe("a value that the step uses changed");
});

it("a changed artifact or value of an earlier step is a miss", async () => {
  const workflow = (text: string, value: string): Workflow =>
    testWorkflow([
      shellStep("first", `echo ${text} > first; echo v=${value} >> $AGENTCORE_OUTPUT`, {
        outputs: [{ name: "f", path: "first", optional: false, type: null }],
        values: [{ name: "v", key: "v", optional: false }],
      }),
      cached({
        dependsOn: ["first"],
        inputs: [{ from: "first", artifact: "f", as: "in" }],
        env: new Map([["V", "${{ steps.first.outputs.v }}"]]),
      }),
    ]);
  expect(await hits(workflow("one", "1"))).toBe(false);
  expect(await hits(workflow("one", "1"))).toBe(true);
  expect(await hits(workflow("two", "1"))).toBe(false);
  expect(await hits(workflow("one", "2"))).toBe(false);
  expect(await hits(workflow("one", "1"))).toBe(true);
});

it("a damaged entry is a miss with a warning, and is stored again", async () => {
  await run(cached());
  const [key = ""] = entries();
  const damages: readonly (() => void)[] = [
    () => writeFileSync(join(directory(), key, "contents/1"), "xx"),
    () => rmSync(join(directory(), key, "contents/1")),
    () =>
      writeFileSync(
        join(directory(), key, "entry.json"),
        readFileSync(join(directory(), key, "entry.json"), "utf8").replace('"7"', '"8"'),
      ),
    () => writeFileSync(join(directory(), key, "entry.json"), ""),
  ];
  for (const damage of damages) {
    warnings.splice(0);
    damage();
    writeFileSync(at("out/made"), "mine");
    expect((await run(cached())).steps[0]).toMatchObject({
      cached: false,
      cacheMiss: "the entry is damaged",
    });
    expect(warnings).toHaveLength(1);
    expect(readFileSync(at("out/made"), "utf8")).toBe("ab");
    expect(await hits(cached())).toBe(true);
  }
  rmSync(join(directory(), key, "entry.json"));
  expect(await hits(cached())).toBe(false);
});

it("a step that failed, or needed a second attempt, is not stored", async () => {
  const failing = cached({ onFailure: "continue" }, `${build}; exit 1`);
  expect((await run(failing)).steps[0]).toMatchObject({ status: "FAILED", cached: false });
  expect(entries()).toEqual([]);
  const flaky = cached({ maxRetries: 1 }, `${build}; test -e again || { touch again; exit 1; }`);
  expect(await hits(flaky)).toBe(false);
  expect(entries()).toEqual([]);
  const unverified = cached({ verify: "false", onFailure: "continue" });
  await run(unverified);
  const incomplete = cached({ loop: shellLoop("false", { maxIterations: 1, onExhausted: "continue" }) });
  await run(incomplete);
  expect(entries()).toEqual([]);
});

it("a step that changes the files of its key while it runs is not stored", async () => {
  const step = cached({}, `${build}; echo more >> src/a.txt`);
  expect(await hits(step)).toBe(false);
  expect(warnings.join()).toContain("files of its key changed while it ran");
  expect(entries()).toEqual([]);
});

it("a glob that matches nothing, and what cannot be read as a file, leave the step without the cache", async () => {
  for (const [key, why] of [
    [["src/**", "srcc/*.txt"], '\\"srcc/*.txt\\" matches no file'],
    [["inside"], "inside is a link to a directory"],
    [["elsewhere"], "leaves the workspace by a symbolic link"],
    [["elsewhere/*"], "leaves the workspace by a symbolic link"],
  ] as const) {
    for (const name of ["elsewhere", "inside"]) rmSync(at(name), { force: true });
    symlinkSync("/tmp", at("elsewhere"));
    symlinkSync("src", at("inside"));
    warnings.splice(0);
    expect(await hits(cached({ cache: { key } }))).toBe(false);
    expect(await hits(cached({ cache: { key } }))).toBe(false);
    expect(warnings.join()).toContain(why);
  }
});

it("links inside an output are put back; one that leads out of it is not stored", async () => {
  const outputs = [{ name: "out", path: "out", optional: false, type: null }];
  const inside = cached({ outputs }, `${build}; ln -s made out/latest; chmod 750 out/made; mkdir out/empty`);
  await run(inside);
  rmSync(at("out"), { recursive: true });
  expect(await hits(inside)).toBe(true);
  expect(readFileSync(at("out/latest"), "utf8")).toBe("ab");
  expect(lstatSync(at("out/latest")).isSymbolicLink()).toBe(true);
  expect(lstatSync(at("out/made")).mode & 0o777).toBe(0o750);
  expect(readdirSync(at("out")).toSorted()).toEqual(["empty", "latest", "made"]);
  rmSync(at("out"), { recursive: true });
  const outside = cached({ outputs }, `${build}; ln -sf ../src/a.txt out/leads`);
  expect(await hits(outside)).toBe(false);
  expect(await hits(outside)).toBe(false);
  expect(warnings.join()).toContain("leads out of the output");
});

it("an output whose place leads out of the workspace by now is not put back there", async () => {
  await run(cached());
  rmSync(at("out"), { recursive: true });
  symlinkSync("/tmp", at("out"));
  const result = await run(cached({}, build));
  expect(result.steps[0]).toMatchObject({
    cached: false,
    cacheMiss: expect.stringMatching(/^its result cannot be put back: .*out\/made/),
  });
  expect(existsSync("/tmp/made")).toBe(false);
});

it.each([
  ["an output", "mkdir -p out; echo hush-hush-1 > out/made"],
  ["a value", "mkdir -p out; echo x > out/made; echo key=hush-hush-1 >> $AGENTCORE_OUTPUT"],
])("a run leaves no secret in the cache that a step wrote into %s", async (_where, script) => {
  const secretValue = (name: string) => (name === "TOKEN" ? "hush-hush-1" : undefined);
  const step = (text: string) => cached({ secrets: ["TOKEN"] }, text);
  expect(await hits(step(script), { secretValue })).toBe(false);
  expect(await hits(step("mkdir -p out; echo x > out/made"), { secretValue })).toBe(false);
  expect(entries()).not.toEqual([]);
  const kept = readdirSync(directory(), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), "utf8"));
  expect([...kept, ...warnings].join("\n")).not.toContain("hush-hush-1");
});

it("--no-cache neither takes nor stores a result", async () => {
  expect(await hits(cached(), { usesCache: false })).toBe(false);
  expect(entries()).toEqual([]);
  await run(cached());
  expect(await hits(cached(), { usesCache: false })).toBe(false);
  expect(await hits(cached())).toBe(true);
});

it("a step with a check is taken whole from the cache", async () => {
  const step = cached({ loop: shellLoop("test $(wc -l < ran) -ge 2") });
  expect((await run(step)).steps[0]).toMatchObject({ iterations: 2, cached: false });
  expect((await run(step)).steps[0]).toMatchObject({ status: "SUCCEEDED", cached: true });
  expect(ran()).toBe(2);
});

it("a process that ends before or after any of its acts leaves a cache that gives right results or none", async () => {
  const workflow = testWorkflow([cached(), shellStep("last", "cp out/made last", { dependsOn: ["build"] })]);
  const cache = { directory: directory(), bytesMax: 1e6, keepMs: 1e9 };
  const whole = mortal(rig, Number.POSITIVE_INFINITY, "before");
  await rig.run(workflow, { ...whole.ports, cache });
  for (const isFilled of [true, false]) {
    for (const when of ["before", "after"] as const) {
      for (let death = 1; death < whole.acts(); death++) {
        if (!isFilled) rmSync(directory(), { recursive: true, force: true });
        rmSync(at("last"), { force: true });
        rmSync(at("out"), { recursive: true, force: true });
        const process = mortal(rig, death, when);
        const handle = await rig.start(workflow, { ...process.ports, cache });
        await Promise.race([process.dying, handle.result()]);
        await rig.restart();
        const result = await (await rig.resume(handle.id, workflow, { cache })).result();
        expect({ death, when, outcome: result.outcome }).toEqual({ death, when, outcome: "SUCCEEDED" });
        expect(readFileSync(at("last"), "utf8")).toBe("ab");
        rmSync(at("out"), { recursive: true });
        expect((await rig.run(workflow, { cache })).outcome).toBe("SUCCEEDED");
        expect(readFileSync(at("last"), "utf8")).toBe("ab");
      }
    }
  }
}, 60_000);
