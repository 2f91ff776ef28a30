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
