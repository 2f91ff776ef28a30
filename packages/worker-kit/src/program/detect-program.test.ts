import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  adapterContractVersion,
  systemClock,
  systemIds,
  unknownUsage,
  type WorkerAdapter,
  type WorkerProgram,
} from "@agentcore/contract";
import { beforeAll, describe, expect, it } from "vitest";
import type { ProgramOptions } from "./contained-program.ts";
import { drive, machineContainment } from "../testing/drive.ts";
import { findSurvivors } from "../testing/survivors.ts";
import { makeTemporaryDirectory } from "../testing/temporary-directories.ts";
import { credentialStatus, detectProgram, requireProgram } from "./detect-program.ts";
import { findProgram } from "./find-program.ts";

let base: { readonly parts: ProgramOptions };
beforeAll(async () => {
  base = { parts: { containment: await machineContainment(), clock: systemClock, ids: systemIds } };
});

function adapter(program: Partial<WorkerProgram>): WorkerAdapter {
  return {
    contractVersion: adapterContractVersion,
    name: "agent",
    title: "The Agent",
    provider: null,
    capabilities: ["read"],
    program: {
      command: "agent",
      versionArgs: ["--version"],
      install: "npm install -g agent",
      credentialEnv: [],
      loginPaths: [],
      ...program,
    },
    plan: () => ({ command: "agent", args: [], env: {}, stdin: "", home: "own" }),
    createReader: () => ({
      stdout: () => [],
      stderr: () => [],
      end: () => ({
        terminal: "none",
        error: null,
        deniedTools: [],
        summary: "",
        session: null,
        model: null,
        usage: unknownUsage,
        costUsd: null,
        costBasis: "none",
        malformedLines: 0,
      }),
    }),
  };
}

function installed(script: string): { directory: string; path: string; hostEnv: Record<string, string> } {
  const directory = makeTemporaryDirectory("detect");
  const path = join(directory, "agent");
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
  return { directory, path, hostEnv: { PATH: `/nowhere:${directory}:/usr/bin:/bin` } };
}

describe("a worker's program", () => {
  it("is found on PATH, and not started where nothing is asked of its version", async () => {
    const { path, hostEnv } = installed("exit 1");
    expect(await detectProgram(adapter({}), { ...base, hostEnv })).toEqual({
      kind: "found",
      path,
      version: null,
    });
  });

  it("is found at the path of the configuration", async () => {
    const { path } = installed("echo 1.0.0");
    const status = await detectProgram(adapter({}), {
      ...base,
      hostEnv: { PATH: "" },
      path,
      alwaysAskVersion: true,
    });
    expect(status).toEqual({ kind: "found", path, version: "1.0.0" });
  });

  it("that is missing is named together with how to install it", async () => {
    await expect(
      requireProgram(adapter({}), { ...base, hostEnv: { PATH: "/nowhere" } }),
    ).rejects.toMatchObject({
      code: "AC_WORKER_MISSING",
      message: "The Agent: agent is not on PATH; install it with: npm install -g agent",
    });
    const status = await detectProgram(adapter({}), { ...base, hostEnv: {}, path: "/no/such/agent" });
    expect(status).toMatchObject({
      kind: "missing",
      message: expect.stringContaining("/no/such/agent is no program"),
    });
  });

  it("whose path in the configuration is relative is refused, since it would depend on the directory", async () => {
    const status = await detectProgram(adapter({}), { ...base, hostEnv: {}, path: "./bin/agent" });
    expect(status).toMatchObject({ kind: "missing", message: expect.stringContaining("must be absolute") });
  });

  it("that is too old is named with both versions and how to update it", async () => {
    const { hostEnv } = installed("echo agent 1.9.0");
    await expect(
      requireProgram(adapter({ minVersion: "1.10.0" }), { ...base, hostEnv }),
    ).rejects.toMatchObject({
      code: "AC_WORKER_TOO_OLD",
      message: "The Agent 1.9.0 is older than 1.10.0; update it with: npm install -g agent",
    });
  });

  it("that cannot say its version is unusable where one is required", async () => {
    const { hostEnv } = installed("echo no native binary >&2; exit 1");
    await expect(
      requireProgram(adapter({ minVersion: "1.0.0" }), { ...base, hostEnv }),
    ).rejects.toMatchObject({
      code: "AC_WORKER_MISSING",
      message: expect.stringContaining("no native binary"),
    });
  });

  it("is asked once for its version by all who ask at the same time, and once by later processes", async () => {
    const { directory, path, hostEnv } = installed('echo asked >> "$0.log"; echo 1.0.0');
    const options = { ...base, hostEnv, versionsDir: join(directory, "versions") };
    const agent = adapter({ minVersion: "1.0.0" });
    await Promise.all([requireProgram(agent, options), requireProgram(agent, options)]);
    await requireProgram(agent, options);
    expect(readFileSync(join(directory, "agent.log"), "utf8")).toBe("asked\n");
    writeFileSync(path, "#!/bin/sh\necho 0.9.0 and some more bytes\n");
    await expect(requireProgram(agent, options)).rejects.toMatchObject({ code: "AC_WORKER_TOO_OLD" });
  });

  it("is never refused by an earlier answer, and none is believed that others could have written", async () => {
    const { directory, hostEnv } = installed('echo asked >> "$0.log"; cat "$(dirname "$0")/real"');
    const versionsDir = join(directory, "versions");
    const options = { ...base, hostEnv, versionsDir };
    writeFileSync(join(directory, "real"), "1.0.0\n");
    await requireProgram(adapter({ minVersion: "1.0.0" }), options);
    // What the launcher starts was replaced; the launcher was not.
    writeFileSync(join(directory, "real"), "2.0.0\n");
    await requireProgram(adapter({ minVersion: "2.0.0" }), options);
    const asked = () => readFileSync(join(directory, "agent.log"), "utf8").split("\n").length - 1;
    expect(asked()).toBe(2);
    const [name = ""] = readdirSync(versionsDir);
    const kept = join(versionsDir, name);
    chmodSync(kept, 0o666);
    await requireProgram(adapter({ minVersion: "2.0.0" }), options);
    expect(asked()).toBe(3);
    rmSync(kept);
    execFileSync("mkfifo", [kept]);
    await requireProgram(adapter({ minVersion: "2.0.0" }), options);
    chmodSync(versionsDir, 0o777);
    await requireProgram(adapter({ minVersion: "2.0.0" }), options);
    expect(asked()).toBe(5);
  });

  it("that does not answer is not missing: it may be started later, and the question ends with who asked", async () => {
    const token = `9${Math.floor(Math.random() * 1e8)}`;
    const { hostEnv } = installed(`sleep ${token}`);
    const agent = adapter({ minVersion: "1.0.0" });
    const refusing = { ...base.parts.containment, start: () => Promise.reject(new Error("spawn EAGAIN")) };
    const busy = requireProgram(agent, { hostEnv, parts: { ...base.parts, containment: refusing } });
    await expect(busy).rejects.toMatchObject({
      code: "AC_WORKER_SPAWN",
      message: expect.stringContaining("did not answer: spawn EAGAIN; the machine may be too busy"),
    });
    const [one, other] = [new AbortController(), new AbortController()];
    const [first, second] = [one, other].map(({ signal }) =>
      requireProgram(agent, { ...base, hostEnv, signal }).catch((error: unknown) => error),
    );
    await expect.poll(() => findSurvivors([token]).length).toBeGreaterThan(0);
    one.abort();
    expect(await first).toMatchObject({ code: "AC_CANCELLED" });
    expect(findSurvivors([token])).not.toEqual([]);
    other.abort();
    expect(await second).toMatchObject({ code: "AC_CANCELLED" });
    expect(findSurvivors([token])).toEqual([]);
  });

  it("that hangs does not keep a run that is stopped", async () => {
    const token = `9${Math.floor(Math.random() * 1e8)}`;
    const { path } = installed(`sleep ${token}`);
    const driven = await drive({ adapter: adapter({ minVersion: "1.0.0" }), program: path });
    await expect.poll(() => findSurvivors([token]).length).toBeGreaterThan(0);
    driven.cancel();
    expect(await driven.result).toMatchObject({ outcome: "cancelled", code: "AC_CANCELLED" });
    expect(findSurvivors([token])).toEqual([]);
  });
});

describe("the search for a program", () => {
  it("takes executable files only, in the order of PATH, and never the current directory", () => {
    const first = makeTemporaryDirectory("path");
    const second = makeTemporaryDirectory("path");
    writeFileSync(join(first, "tool"), "not executable", { mode: 0o644 });
    mkdirSync(join(first, "folder"));
    writeFileSync(join(second, "tool"), "#!/bin/sh\n", { mode: 0o755 });
    expect(findProgram("tool", `${first}:${second}`)).toBe(join(second, "tool"));
    expect(findProgram("folder", first)).toBeNull();
    expect(findProgram("tool", undefined)).toBeNull();
    expect(findProgram("sh", `:.:bin`)).toBeNull();
    expect(findProgram("./tool", second)).toBeNull();
    expect(findProgram(join(second, "tool"), undefined)).toBe(join(second, "tool"));
  });
});

describe("a worker's credential", () => {
  const agent = adapter({ credentialEnv: ["KEY", "TOKEN"], loginPaths: [".agent/auth.json"] });
  const home = makeTemporaryDirectory("home");

  it("is not needed by some, and comes from the environment first", () => {
    expect(credentialStatus(adapter({}), {})).toEqual({ kind: "not-needed" });
    expect(credentialStatus(agent, { KEY: "", TOKEN: "x", HOME: home })).toEqual({
      kind: "environment",
      variable: "TOKEN",
    });
  });

  it("comes from the worker's own login where there is one", () => {
    expect(credentialStatus(agent, { HOME: home })).toEqual({ kind: "none" });
    mkdirSync(join(home, ".agent"));
    writeFileSync(join(home, ".agent/auth.json"), "{}");
    expect(credentialStatus(agent, { HOME: home })).toEqual({
      kind: "login",
      path: join(home, ".agent/auth.json"),
    });
  });
});
