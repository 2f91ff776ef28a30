/** The secrets of a workflow, with the real shell worker in its box: it gets them, and nothing that is kept or shown has them. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { agentcore, jsonLinesOf, makeScratch, type Scratch } from "../testing/agentcore-process.ts";

let scratch: Scratch;
beforeAll(() => {
  scratch = makeScratch();
});
afterAll(() => scratch.remove());

const token = `tok'en "quoted" \\ $(id) é-9f8e7d`;
const key = "-----BEGIN KEY-----\nMIIEvQIBADANBgkq\nhkiG9w0BAQEFAASC\n-----END KEY-----\n";
const env = { TOKEN: token, DEPLOY_KEY: key };
/** Parts that give a secret away, in each form in which something may have kept it. */
const traces = [token, JSON.stringify(token).slice(1, -1), "9f8e7d", "MIIEvQIBADANBgkq", "hkiG9w0BAQEFAASC"];

const file = (): string => {
  const path = join(scratch.root, "secrets.yaml");
  const text = `name: secrets
version: "1"
timeout: 2m
secrets: [TOKEN]
steps:
  says:
    worker: shell
    capabilities: [run_commands]
    secrets: [DEPLOY_KEY]
    on_failure: continue
    max_retries: 0
    outputs: [{ name: leaked, value: true }]
    stall: { probe: { interval: 100ms, command: 'printf "%s" "$TOKEN" >&2; exit 1', capture_stderr: true } }
    instructions: |
      printf %s "$TOKEN" | sha256sum > got
      printf %s "$DEPLOY_KEY" | tail -n 2 | sha256sum >> got
      echo "the token is $TOKEN"
      printf %s "\${TOKEN:0:9}"; sleep 0.3; printf '%s\\n' "\${TOKEN:9}"
      echo "$DEPLOY_KEY" >&2
      while read -r line; do printf '%s' "\${line:0:5}" >&2; sleep 0.1; echo "\${line:5}" >&2; done <<< "$DEPLOY_KEY"
      python3 -c 'import json, os; print(json.dumps({"all": dict(os.environ)}))'
      set -x; : "$TOKEN"; set +x
      echo "leaked=$TOKEN" >> "$AGENTCORE_OUTPUT"
    verify: echo "verify has $TOKEN"
  uses:
    depends_on: [says]
    worker: shell
    capabilities: [run_commands]
    on_failure: continue
    instructions: |
      echo "\${{ steps.says.outputs.leaked }} $TOKEN" > used
      echo "failed with $TOKEN" >&2
      exit 3
  checked:
    worker: shell
    capabilities: [run_commands]
    instructions: "true"
    on_failure: continue
    max_iterations: 2
    completion_check:
      worker: shell
      capabilities: [run_commands]
      decision_file: decision.json
      instructions: |
        echo "check says $TOKEN"
        exit 1
`;
  writeFileSync(path, text);
  return path;
};

function filesBelow(directory: string): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

const tracesIn = (text: string): string[] => traces.filter((trace) => text.includes(trace));

it("a worker gets its secrets, and no output, log, page, report, record or database has them", async () => {
  const ran = await agentcore(scratch, ["workflow", "run", file(), "--json", "--junit", "junit.xml"], {
    env,
  });
  const result = jsonLinesOf(ran.stdout).at(-1) as {
    run: string;
    steps: { id: string; jobId: string; status: string }[];
  };
  expect(result.steps.map(({ id, status }) => `${id} ${status}`)).toEqual([
    "says SUCCEEDED",
    "uses FAILED",
    "checked FAILED",
  ]);
  expect(ran.stdout).toContain("the token is ***");
  expect(ran.stdout).toContain("failed with ***");

  const got = readFileSync(join(scratch.workspace, "got"), "utf8");
  const { createHash } = await import("node:crypto");
  const hash = (text: string): string => createHash("sha256").update(text).digest("hex");
  expect(got).toBe(
    `${hash(token)}  -\n${hash("hkiG9w0BAQEFAASC\n-----END KEY-----\n".replace(/^.*\n/, "hkiG9w0BAQEFAASC\n"))}  -\n`,
  );
  expect(readFileSync(join(scratch.workspace, "used"), "utf8")).toBe(`*** ${token}\n`);

  const shown: Record<string, string> = { run: ran.stdout + ran.stderr };
  const commands = [
    ["workflow", "show", result.run],
    ["workflow", "show", result.run, "--json"],
    ["workflow", "show", result.run, "--html", "page.html"],
    ["workflow", "logs", result.run],
    ["workflow", "list", "--json"],
    ...result.steps.flatMap(({ jobId }) => [
      ["jobs", "logs", jobId],
      ["jobs", "show", jobId, "--json"],
    ]),
  ];
  for (const command of commands) {
    const { code, stdout, stderr } = await agentcore(scratch, command);
    expect({ command, code }).toEqual({ command, code: 0 });
    shown[command.join(" ")] = stdout + stderr;
  }
  for (const name of ["junit.xml", "page.html"])
    shown[name] = readFileSync(join(scratch.workspace, name), "utf8");
  const kept = [join(scratch.root, "xdg"), join(scratch.workspace, "context")].flatMap(filesBelow);
  expect(kept.some((path) => path.includes("state.db"))).toBe(true);
  for (const path of kept) shown[path] = readFileSync(path, "utf8");
  const leaks = Object.entries(shown).map(([where, text]) => ({ where, traces: tracesIn(text) }));
  expect(leaks.filter(({ traces: found }) => found.length > 0)).toEqual([]);
  expect(shown[["jobs", "logs", result.steps[0]?.jobId].join(" ")]).toContain("the token is ***");
});

it("a secret that is not set is an error before anything runs, and a resume asks for its own", async () => {
  const path = join(scratch.root, "missing.yaml");
  const step = (id: string, more: string): string =>
    `  ${id}: { worker: shell, capabilities: [run_commands], ${more} }\n`;
  const text = (script: string): string =>
    `name: missing\nversion: "1"\ntimeout: 1m\nsteps:\n${step("a", `instructions: "touch began", secrets: [TOKEN, SHORT]`)}${step("b", `depends_on: [a], instructions: "${script}", secrets: [OTHER]`)}`;
  writeFileSync(path, text("exit 1"));
  const refused = await agentcore(scratch, ["workflow", "run", path], { env: { SHORT: "abc" } });
  expect(refused.code).toBe(2);
  expect(refused.stderr).toMatch(
    /the secret TOKEN of step "a" is not set in the environment; the secret SHORT of step "a" is shorter than 4 characters; the secret OTHER of step "b" is not set/,
  );
  expect(readdirSync(scratch.workspace)).not.toContain("began");
  const all = { TOKEN: token, SHORT: "long enough", OTHER: "other secret" };
  const failed = await agentcore(scratch, ["workflow", "run", path, "--json"], { env: all });
  const { run } = jsonLinesOf(failed.stdout).at(-1) as { run: string };
  const retry = await agentcore(scratch, ["workflow", "retry", run], { env: { TOKEN: token } });
  expect([retry.code, retry.stderr]).toEqual([2, expect.stringContaining("the secret SHORT")]);
  const again = await agentcore(scratch, ["workflow", "retry", run], { env: all });
  expect(again.code).toBe(1);
});
