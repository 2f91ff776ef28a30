import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { agentcore, jsonLinesOf, makeScratch, startAgentcore } from "../testing/agentcore-process.ts";

const scratch = makeScratch();
afterAll(() => scratch.remove());

const file = join(scratch.root, "build.yaml");
writeFileSync(
  file,
  `name: build
version: "1"
timeout: 2m
steps:
  build:
    worker: shell
    capabilities: [edit]
    instructions: |
      echo x >> context/ran
      mkdir -p out && head -c $(cat size) /dev/zero > out/big
    outputs: [{ name: out, path: out }]
    cache: { key: [size] }
`,
);
const at = (name: string): string => join(scratch.workspace, name);
const size = (bytes: number): void => writeFileSync(at("size"), `${bytes}`);
const ran = (): number => readFileSync(at("context/ran"), "utf8").split("\n").length - 1;
const state = ["--state-dir", scratch.stateDir];
const run = (...args: string[]) => agentcore(scratch, ["workflow", "run", file, ...state, ...args]);

it("a step that is taken from the cache is shown so in lines, JSON, JUnit and the page", async () => {
  size(10);
  const first = (await run()).stdout;
  expect(first).not.toContain("cached");
  expect(first).toMatch(/PASS +build .* not in the cache: no earlier result of the step is kept/);
  rmSync(at("out"), { recursive: true });
  const junit = join(scratch.root, "junit.xml");
  const lines = await run("--plain", "--junit", junit);
  expect(lines.stdout).toMatch(/PASS +build +\(cached\)/);
  expect(lines.stdout).toMatch(/PASS +build \(cached\)/);
  expect(readFileSync(junit, "utf8")).toContain("<system-out>cached: the step did not run");
  expect(readFileSync(at("out/big")).length).toBe(10);
  const json = jsonLinesOf((await run("--json")).stdout);
  expect(json.at(-1)).toMatchObject({ outcome: "SUCCEEDED", steps: [{ id: "build", cached: true }] });
  const page = await agentcore(scratch, ["workflow", "show", String(json[0]?.["run"]), "--html", ...state]);
  expect(page.stdout).toContain("PASS · cached");
  expect(ran()).toBe(1);
  expect(jsonLinesOf((await run("--json", "--no-cache")).stdout).at(-1)).toMatchObject({
    steps: [{ cached: false, cacheMiss: null }],
  });
  expect(ran()).toBe(2);
  size(11);
  const changed = jsonLinesOf((await run("--json")).stdout);
  const cacheMiss = "file size changed";
  expect(changed.at(-1)).toMatchObject({ steps: [{ cached: false, cacheMiss }] });
  const show = (...args: string[]) =>
    agentcore(scratch, ["workflow", "show", String(changed[0]?.["run"]), ...args, ...state]);
  expect((await show()).stdout).toContain(`not in the cache: ${cacheMiss}`);
  expect(jsonLinesOf((await show("--json")).stdout)[0]).toMatchObject({ steps: [{ cacheMiss }] });
  expect((await show("--html")).stdout).toContain(`not in the cache: ${cacheMiss}`);
});

it("a run that is killed while a result is stored is resumed, and no later run takes half a result", async () => {
  const bytes = 60_000_000;
  size(bytes);
  const cache = join(scratch.stateDir, "step-cache");
  const isStoring = (): boolean =>
    existsSync(cache) && readdirSync(cache).some((name) => name.startsWith(".new-"));
  const started = startAgentcore(scratch, ["workflow", "run", file, ...state, "--json"]);
  await expect.poll(isStoring, { timeout: 30_000, interval: 1 }).toBe(true);
  started.child.kill("SIGKILL");
  await started.finished;
  const id = String(jsonLinesOf(started.stdout().split("\n")[0] ?? "")[0]?.["run"]);
  const resumed = await agentcore(scratch, ["workflow", "resume", id, ...state, "--json"]);
  expect(jsonLinesOf(resumed.stdout).at(-1)).toMatchObject({
    outcome: "SUCCEEDED",
    steps: [{ cached: false, cacheMiss: "file size changed" }],
  });
  for (let times = 1; times <= 2; times++) {
    rmSync(at("out"), { recursive: true });
    const result = jsonLinesOf((await run("--json")).stdout).at(-1);
    expect(result).toMatchObject({ outcome: "SUCCEEDED" });
    expect(readFileSync(at("out/big")).length).toBe(bytes);
    if (times === 2) expect(result).toMatchObject({ steps: [{ cached: true }] });
  }
});

it("a step that changes files in a git workspace that it does not declare is not kept, and says so", async () => {
  const repository = join(scratch.root, "repository");
  const stray = join(scratch.root, "stray.yaml");
  const script = "mkdir -p out; echo x > out/made; echo y > stray.txt; echo ran";
  writeFileSync(
    stray,
    `name: stray
version: "1"
timeout: 2m
steps:
  build: { worker: shell, capabilities: [edit], instructions: "${script}", outputs: [{ name: out, path: out }], cache: { key: [size] } }
`,
  );
  execFileSync("git", ["init", "-q", "-b", "work", repository]);
  writeFileSync(join(repository, "size"), "1");
  execFileSync("git", ["-C", repository, "add", "."]);
  const identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"];
  execFileSync("git", ["-C", repository, ...identity, "commit", "-qm", "start"]);
  const args = ["workflow", "run", stray, "--workspace", repository, ...state];
  const first = await agentcore(scratch, args);
  expect(first.code).toBe(0);
  expect(first.stderr).toMatch(
    /^agentcore: warning: the result of the step is not kept in the cache \(run \S+, step build, why it changed files that are no outputs: stray\.txt\)$/m,
  );
  expect((await agentcore(scratch, args)).stdout).not.toContain("cached");
});

it("a dry run says which steps are cached, which are not, and what only the run can tell, and changes nothing", async () => {
  const place = mkdtempSync(join(scratch.root, "dry-"));
  const planned = join(place, "plan.yaml");
  writeFileSync(join(place, "in.txt"), "1");
  writeFileSync(
    planned,
    `name: plan
version: "1"
timeout: 1m
inputs: { deploy: { type: boolean, default: false } }
defaults: { worker: shell, capabilities: [run_commands] }
steps:
  kept: { instructions: cat in.txt, cache: { key: [in.txt] } }
  lost: { instructions: cat in.txt, cache: { key: [gone.txt] } }
  same: { instructions: "true", depends_on: [lost], cache: { key: ["\${{ inputs.deploy }}"] } }
  after: { instructions: cat in.txt, depends_on: [lost], cache: { key: [in.txt] } }
  tag:
    instructions: echo v=1 >> "$AGENTCORE_OUTPUT"
    outputs: [{ name: v, value: true }]
  uses: { instructions: "echo \${{ steps.tag.outputs.v }}", depends_on: [tag], cache: { key: [in.txt] } }
  off: { instructions: "true", if: inputs.deploy, cache: { key: [in.txt] } }
`,
  );
  const base = ["workflow", "run", planned, "--workspace", place, "--state-dir", join(place, "state")];
  const dry = async (...more: string[]) => {
    const { code, stdout } = await agentcore(scratch, [...base, "--dry-run", "--json", ...more]);
    expect(code).toBe(0);
    const steps = jsonLinesOf(stdout)[0]?.["steps"] as { id: string; cache: { state: string } | null }[];
    return Object.fromEntries(steps.map(({ id, cache }) => [id, cache]));
  };
  const miss = { state: "miss", reason: "no earlier result of the step is kept" };
  expect(await dry()).toMatchObject({ kept: miss, same: miss });
  expect(existsSync(join(place, "state"))).toBe(false);
  expect((await agentcore(scratch, base)).code).toBe(0);
  const hit = { state: "hit", reason: "" };
  expect(await dry()).toEqual({
    kept: hit,
    lost: { state: "miss", reason: 'it has no key: "gone.txt" matches no file' },
    same: hit,
    after: { state: "unknown", reason: 'step "lost" may change the files of its key' },
    tag: null,
    uses: { state: "unknown", reason: 'it uses what step "tag" leaves' },
    off: null,
  });
  expect(await dry("--no-cache")).toMatchObject({ kept: null });
  writeFileSync(join(place, "in.txt"), "2");
  expect(await dry()).toMatchObject({ kept: { state: "miss", reason: "file in.txt changed" }, same: hit });
  const { stdout } = await agentcore(scratch, [...base, "--dry-run"]);
  expect(stdout).toMatch(/kept .*not in the cache: file in\.txt changed$/m);
  expect(stdout).toMatch(/same .* cached$/m);
  writeFileSync(join(place, "in.txt"), "1");
  const cache = join(place, "state", "step-cache");
  for (const name of readdirSync(cache)) writeFileSync(join(cache, name, "entry.json"), "");
  expect(await dry()).toMatchObject({ kept: { state: "miss", reason: "the entry is damaged" } });
  const refused = await agentcore(scratch, [...base, "--dry-run", "--only", "kept"]);
  expect(refused).toMatchObject({ code: 2, stdout: "" });
  expect(refused.stderr).toContain("leave out --only");
});
