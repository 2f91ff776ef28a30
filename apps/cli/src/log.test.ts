import { AgentCoreError, unprintable } from "@agentcore/contract";
import { expect, it } from "vitest";
import { execFileSync, spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { createCommandLog, createLog } from "./log.ts";

const module = fileURLToPath(new URL("log.ts", import.meta.url));
const node = ["--conditions=@agentcore/source", "--input-type=module", "-e"];

function logged(level: string): { stdout: string; lines: { level: number; msg: string; n?: number }[] } {
  const program = `
    import { createLog } from ${JSON.stringify(module)};
    const log = createLog(${JSON.stringify(level)});
    log.debug({ n: 1 }, "a"); log.info({ n: 2 }, "b"); log.warn({ n: 3 }, "c"); log.error({ n: 4 }, "d");
    await log.flush();`;
  const { stdout, stderr } = spawnSync(process.execPath, [...node, program], {
    encoding: "utf8",
  });
  const lines = stderr.split("\n").filter(Boolean);
  return { stdout, lines: lines.map((line) => JSON.parse(line) as { level: number; msg: string }) };
}

it("lines at or above the level go to stderr as JSON, in order, and nothing to stdout", () => {
  const { stdout, lines } = logged("info");
  expect(stdout).toBe("");
  expect(lines.map(({ level, msg, n }) => [level, msg, n])).toEqual([
    [30, "b", 2],
    [40, "c", 3],
    [50, "d", 4],
  ]);
});

it("lines can go to another destination", async () => {
  const written: string[] = [];
  const log = createLog("warn", { write: (line) => written.push(line) });
  log.info({}, "unseen");
  log.warn({ n: 1 }, "seen");
  await log.flush();
  expect(written.map((line) => JSON.parse(line) as object)).toMatchObject([{ level: 40, msg: "seen", n: 1 }]);
});

it("a command for people logs sentences without control characters", async () => {
  const written: string[] = [];
  const log = createCommandLog(false, { write: (line) => written.push(line) });
  log.info({}, "unseen");
  log.warn({ step: "a\u001b[2J", files: ["x"] }, "it is not kept");
  log.error({ error: new Error("no disk") }, "it failed");
  await log.flush();
  expect(written).toEqual([
    'agentcore: warning: it is not kept (step a, files ["x"])\n',
    "agentcore: it failed (error no disk)\n",
  ]);
});

it("the logging library is not loaded where nothing is logged", () => {
  const program = `
    import { createLog } from ${JSON.stringify(module)};
    const log = createLog("silent");
    log.error({}, "unseen");
    await log.flush();
    process.stdout.write(String(Object.keys(process.getBuiltinModule("node:module")._cache).length));`;
  expect(execFileSync(process.execPath, [...node, program], { encoding: "utf8" })).toBe("0");
});

it("an error in a field is shown with its message and code, and without its stack", async () => {
  const written: string[] = [];
  const log = createLog("info", { write: (line) => written.push(line) });
  const missing = Object.assign(new Error("no such file"), { code: "ENOENT" });
  const full = new AgentCoreError("AC_STORE_UNAVAILABLE", "the disk is full", { evidence: { path: "/srv" } });
  for (const error of [missing, full, new TypeError("a fault"), "a text"]) log.warn({ error }, "failed");
  await log.flush();
  expect(written.map((line) => (JSON.parse(line) as { error: unknown }).error)).toEqual([
    { name: "Error", message: "no such file", code: "ENOENT" },
    {
      name: "AgentCoreError",
      message: "the disk is full",
      code: "AC_STORE_UNAVAILABLE",
      evidence: { path: "/srv" },
    },
    { name: "TypeError", message: "a fault" },
    "a text",
  ]);
});

it("no field and no error brings escapes to the terminal that shows the log, and the values stay", async () => {
  const written: string[] = [];
  const log = createLog("info", { write: (line) => written.push(line) });
  const hostile = "\u001B[31m\u009B31m\u202E\nline";
  log.warn({ path: hostile, error: new Error(hostile) }, `refused ${hostile}`);
  await log.flush();
  expect(written.join("").match(unprintable)).toEqual(["\n"]);
  expect(JSON.parse(written[0] ?? "")).toMatchObject({
    path: hostile,
    error: { message: hostile },
    msg: `refused ${hostile}`,
  });
});
