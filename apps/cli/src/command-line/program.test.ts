import { afterAll, describe, expect, it } from "vitest";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { agentcore, jsonLinesOf, makeScratch } from "../testing/agentcore-process.ts";

const scratch = makeScratch();
afterAll(() => scratch.remove());
const run = (args: readonly string[], input = "") => agentcore(scratch, args, { input });

describe("help", () => {
  it.each([
    [["workflow", "run"], "Usage: agentcore workflow run"],
    [["jobs", "wait"], "Usage: agentcore jobs wait"],
    [["dlq", "replay"], "Usage: agentcore dlq replay"],
  ])("of %j is that command's own, not its group's", async (words, usage) => {
    const { code, stdout } = await run(["help", ...words]);
    expect(stdout).toContain(usage);
    expect(code).toBe(0);
  });

  it("lists the commands, and each has examples", async () => {
    const { code, stdout, stderr } = await run(["--help"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const commands = [...stdout.matchAll(/^ {2}([a-z]+) /gm)]
      .map(([, name]) => name ?? "")
      .filter((name) => name !== "help");
    expect(commands).toEqual(
      expect.arrayContaining(["run", "doctor", "schema", "completion", "jobs", "why"]),
    );
    for (const name of commands) {
      const help = await run(["help", name]);
      expect(help.code).toBe(0);
      expect(help.stdout).toMatch(
        ["jobs", "dlq", "trigger", "token", "hosts"].includes(name) ? /Commands:/ : /Examples:/,
      );
    }
  });

  it("is what no arguments get", async () => {
    const { code, stdout } = await run([]);
    expect(code).toBe(0);
    expect(stdout).toContain("Usage: agentcore COMMAND");
  });

  it("of `run` says the exit codes", async () => {
    const { stdout } = await run(["run", "--help"]);
    expect(stdout).toContain("130 cancelled");
  });
});

it("the version is the package's", async () => {
  const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as {
    version: string;
  };
  expect((await run(["--version"])).stdout).toBe(`${version}\n`);
});

describe("bad input exits 2 with one clear message and starts nothing:", () => {
  mkdirSync(join(scratch.root, "bad"));
  writeFileSync(
    join(scratch.root, "bad", "agentcore.yaml"),
    "defualts: {}\nlimits: { global: { concurrency: none } }\n",
  );
  writeFileSync(join(scratch.root, "file"), "");

  it.each([
    [["rnu"], /^agentcore: unknown command 'rnu'\n\(Did you mean run\?\)\n$/],
    [["help", "rnu"], /^agentcore: unknown command 'rnu'\n\(Did you mean run\?\)\n$/],
    [["rnu", "--help"], /^agentcore: unknown command 'rnu'\n\(Did you mean run\?\)\n$/],
    [["help", "jobs", "lst"], /^agentcore: unknown command 'lst'\n\(Did you mean list\?\)\n$/],
    [
      ["cancel", "1"],
      /^agentcore: unknown command 'cancel'\n\(Did you mean agentcore workflow cancel, or agentcore trigger cancel, or agentcore jobs cancel\?\)\n$/,
    ],
    [
      ["logs"],
      /unknown command 'logs'\n\(Did you mean agentcore workflow logs, or agentcore jobs logs\?\)\n$/,
    ],
    [
      ["jobs", "replay"],
      /unknown command 'replay'\n\(Did you mean agentcore trigger replay, or agentcore dlq replay\?\)\n$/,
    ],
    [["status"], /^agentcore: unknown command 'status'\n {2}AC_USAGE: See agentcore help\n$/],
    [["doctor", "--fix"], /unknown option '--fix'\n {2}AC_USAGE: See agentcore help doctor\n$/],
    [["completion"], /missing required argument 'shell'\n {2}AC_USAGE: See agentcore help completion\n$/],
    [
      ["--config", "x.yaml", "budget"],
      /unknown option '--config'\n {2}put options after the command, such as: agentcore budget --config FILE\n$/,
    ],
    [["jobs", "show"], /no job given: .*\n {2}AC_USAGE: See agentcore help jobs show\n$/],
    [["run", "--wroker", "shell", "x"], /unknown option '--wroker'\n\(Did you mean --worker\?\)/],
    [
      ["run", "true", "extra", "--worker", "shell"],
      /too many arguments.*\n {2}put the instructions in quotes/,
    ],
    [
      ["run", "true", "--worker", "shell", "--workspace", ""],
      /^agentcore: option '-C, --workspace <dir>' is empty; is a variable in the call not set\?\n$/,
    ],
    [["jobs", "list", "--state-dir", ""], /option '--state-dir <dir>' is empty/],
    [["run", "true", "--worker", "shell", "--last-message="], /option '--last-message <file>' is empty/],
    [["jobs", "show", ""], /argument 'job' is empty; is a variable in the call not set\?/],
    [["jobs", "cancel", "x", ""], /argument 'job' is empty/],
    [["trust", ""], /argument 'path' is empty/],
    [
      ["run", "true", "--worker", "shell", "--output", "/etc/passwd"],
      /task\.outputs\[0\]\.path: "\/etc\/passwd" leaves the workspace/,
    ],
    [["submit", "true", "--worker", "shell", "--output", "a=.."], /"\.\." leaves the workspace/],
    [["run", "true", "--worker", "shell", "--dedup", "reject"], /--dedup needs --key/],
    [
      ["run", "true", "--worker", "shell", "--config", "."],
      /^agentcore: \.: it is a directory; name the file in it/,
    ],
    [["run", "true"], /no worker given: use --worker NAME/],
    [["run", "--worker", "shell"], /no instructions given: /],
    [["run", "", "--worker", "shell"], /the instructions are empty/],
    [["run", "  \n ", "--worker", "shell"], /the instructions are empty/],
    [["run", "-", "--worker", "shell"], /the instructions are empty/],
    [
      ["run", "true", "--worker", "shlel"],
      /there is no worker "shlel"; there are shell, claude-code, codex, opencode; did you mean "shell"\?/,
    ],
    [["run", "true", "--worker", "toString"], /there is no worker "toString"/],
    [
      ["run", "true", "--worker", "shell", "--workspace", "nowhere"],
      /the workspace .*nowhere does not exist/,
    ],
    [
      ["run", "true", "--worker", "shell", "--workspace", "../file"],
      /the workspace .*file is not a directory/,
    ],
    [
      ["run", "true", "--worker", "shell", "--capabilities", "fly"],
      /"fly" is not a capability; there are read, edit, run_tests, run_commands/,
    ],
    [
      ["run", "true", "--worker", "shell", "--timeout", "10"],
      /option '--timeout <duration>'.*"10" has no unit; write 10s for seconds or 10m for minutes/,
    ],
    [["run", "true", "--worker", "shell", "--timeout", "soon"], /"soon" is not a duration/],
    [
      ["run", "true", "--worker", "shell", "--max-cost", "-1"],
      /"-1" is not an amount above zero in US dollars/,
    ],
    [["run", "true", "--worker", "shell", "--max-cost", "NaN"], /"NaN" is not an amount/],
    [["run", "true", "--worker", "shell", "--max-attempts", "0"], /"0" is not a whole number of 1 or more/],
    [["run", "true", "--worker", "shell", "--max-attempts", "101"], /limits\.maxAttempts/],
    [
      ["run", "true", "--worker", "shell", "--dedup", "latest"],
      /Allowed choices are coalesce, latest-wins, reject/,
    ],
    [["run", "true", "--worker", "shell", "--env", "1=2"], /not NAME=VALUE/],
    [["run", "true", "--worker", "shell", "--config", "none.yaml"], /none\.yaml: there is no such file/],
    [
      ["schema", "confg"],
      /no schema "confg"; there are config, workflow, agents, daemon, job, output, event, result; did you mean "config"\?/,
    ],
    [["completion", "tcsh"], /no completion for "tcsh"/],
    [["jobs", "show", "no-such-job"], /there is no job "no-such-job"/],
    [["dlq", "purge", "--where", "wroker=shell"], /"wroker" is not a field;.*did you mean "worker"\?/],
    [["jobs", "list", "--state", "runing"], /"runing" is not a state.*did you mean "running"\?/],
  ])("%j", async (args, message) => {
    const { code, stdout, stderr } = await run(args);
    expect(stderr).toMatch(message);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).not.toMatch(/\n\s+at /);
  });

  it("a configuration with mistakes, all of them at once", async () => {
    const { code, stderr } = await agentcore(scratch, ["run", "true", "--worker", "shell"], {
      cwd: join(scratch.root, "bad"),
    });
    expect(code).toBe(2);
    expect(stderr).toContain('agentcore.yaml:1:1: defualts: unknown setting; did you mean "defaults"?');
    expect(stderr).toContain("agentcore.yaml:2:");
    expect(stderr).toContain("AC_CONFIG_INVALID");
  });

  it("for programs as a line of JSON too", async () => {
    const { code, stdout } = await run(["run", "true", "--worker", "nobody", "--json"]);
    expect(code).toBe(2);
    expect(jsonLinesOf(stdout)).toEqual([
      expect.objectContaining({
        type: "error",
        code: "AC_WORKER_UNKNOWN",
        evidence: expect.objectContaining({ worker: "nobody" }),
      }),
    ]);
    const usage = await run(["run", "true", "--worker", "shell", "--timeout", "10", "--json"]);
    expect(jsonLinesOf(usage.stdout)).toEqual([expect.objectContaining({ type: "error", code: "AC_USAGE" })]);
  });
});

it.each(["config", "workflow", "agents", "job", "output", "event", "result"])(
  "the schema %s is printed as JSON",
  async (name) => {
    const { code, stdout } = await run(["schema", name]);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ $schema: expect.stringContaining("json-schema.org") });
  },
);

describe("a worker that is not there", () => {
  const config = join(scratch.root, "workers.yaml");
  writeFileSync(
    config,
    "defaults: { worker: nobody }\nworkers: { mine: { adapter: ./absent.js }, shell: { program: /absent/sh } }\n",
  );
  const workflow = join(scratch.root, "nobody.yaml");
  writeFileSync(
    workflow,
    'name: n\nversion: "1"\ntimeout: 1m\nsteps: { a: { worker: nobdy, capabilities: [read], instructions: x } }\n',
  );

  it("is told by `workflow validate` with its place, by `doctor` as a fault, and never called a wrong line", async () => {
    const validated = await run(["workflow", "validate", workflow]);
    expect(validated.code).toBe(2);
    expect(validated.stderr).toMatch(/nobody\.yaml:4:\d+: steps\.a\.worker: there is no worker "nobdy"/);
    const doctor = await run(["doctor", "--config", config]);
    expect(doctor.code).toBe(1);
    expect(doctor.stdout).toMatch(/✗ Configuration +defaults\.worker: there is no worker "nobody"/);
    const mine = await run(["run", "true", "--worker", "mine", "--config", config]);
    expect(mine).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/AC_ADAPTER_MISSING: Correct `workers/),
    });
    const none = await run(["run", "true", "--worker", "shell", "--config", "nope.yaml"]);
    expect(none).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/AC_CONFIG_MISSING: Name an existing/),
    });
  });

  it("ends a run with 2, makes no job, and ends one that was in the queue with 2 as well", async () => {
    const ran = await run(["run", "true", "--worker", "shell", "--config", config]);
    expect(ran).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/\/absent\/sh is no program.*AC_WORKER_MISSING/s),
    });
    expect((await run(["dlq", "list", "--json"])).stdout).toBe("");
    const id = (await run(["submit", "true", "--worker", "shell"])).stdout.trim();
    const fixed = join(scratch.root, "only-shell.yaml");
    writeFileSync(fixed, "workers: { shell: { program: /absent/sh } }\n");
    await run(["work", "--drain", "--in-process", "--config", fixed]);
    expect((await run(["jobs", "wait", id])).code).toBe(2);
  });
});
