import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { systemClock, systemIds } from "@agentcore/contract";
import type { ProgramOptions } from "./contained-program.ts";
import { machineContainment } from "../testing/drive.ts";
import { findSurvivors } from "../testing/survivors.ts";
import { makeTemporaryDirectory } from "../testing/temporary-directories.ts";
import { compareVersions, findVersion, readVersion } from "./version.ts";

function program(script: string): string {
  const path = join(makeTemporaryDirectory("version"), "program");
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
  return path;
}

let options: ProgramOptions;
beforeAll(async () => {
  options = { containment: await machineContainment(), clock: systemClock, ids: systemIds };
});

const env = { PATH: "/usr/bin:/bin" };

describe("a version", () => {
  it.each([
    ["2.1.330 (Claude Code)", "2.1.330"],
    ["codex-cli 0.169.0", "0.169.0"],
    ["v1.18\n", "1.18"],
    ["1.2.3-beta.1+build", "1.2.3-beta.1"],
    ["no number", null],
    ["5", null],
    ["built 2026-11-24, version 3.4.5", "3.4.5"],
  ])("in %j is %s", (text, expected) => {
    expect(findVersion(text)).toBe(expected);
  });

  it.each([
    ["1.2.3", "1.2.3", 0],
    ["1.2", "1.2.0", 0],
    ["1.10.0", "1.9.9", 1],
    ["0.169.0", "1.0.0", -1],
    ["1.0.0-beta", "1.0.0", -1],
    ["1.0.0", "1.0.0-beta", 1],
    ["1.0.0-a", "1.0.0-b", -1],
  ])("%s compared with %s is %i", (left, right, expected) => {
    expect(Math.sign(compareVersions(left, right))).toBe(expected);
  });

  it("is read from what a program prints", async () => {
    expect(await readVersion(options, program('echo "x 1.2.3 $1"'), ["--version"], env)).toEqual({
      kind: "version",
      version: "1.2.3",
    });
    expect(await readVersion(options, program("echo 4.5.6 >&2"), [], env)).toEqual({
      kind: "version",
      version: "4.5.6",
    });
  });

  it.each([
    ["prints none", "echo hello", "it printed no version"],
    ["fails with words", "echo broken install >&2; exit 3", "broken install"],
    ["fails without words", "exit 3", "it exited with code 3"],
  ])("is unreadable where the program %s", async (_what, script, reason) => {
    expect(await readVersion(options, program(script), [], env)).toEqual({ kind: "unreadable", reason });
  });

  it("is not answered by a program that hangs, which is ended with all that it started", async () => {
    const token = `8${Math.floor(Math.random() * 1e8)}`;
    const hanging = program(`setsid sleep ${token} & exec sleep ${token}`);
    const answer = await readVersion(options, hanging, [], env, { timeoutMs: 300 });
    expect(answer).toEqual({ kind: "unanswered", reason: "no answer within 300 ms" });
    expect(findSurvivors([token])).toEqual([]);
  });

  it("is not waited for by a caller who gives up: the program is ended at once", async () => {
    const token = `8${Math.floor(Math.random() * 1e8)}`;
    const caller = new AbortController();
    const hanging = program(`trap '' TERM; sleep ${token}; sleep ${token}`);
    const asked = readVersion(options, hanging, [], env, { signal: caller.signal });
    const refusal = asked.catch((error: unknown) => error);
    await expect.poll(() => findSurvivors([token]).length).toBeGreaterThan(0);
    caller.abort();
    expect(await refusal).toMatchObject({ code: "AC_CANCELLED" });
    expect(findSurvivors([token])).toEqual([]);
  });

  it("is not answered by a program that is contained by nothing, since it is not started", async () => {
    const containment = { ...options.containment, start: () => Promise.reject(new Error("spawn EAGAIN")) };
    const answer = await readVersion({ ...options, containment }, program("echo 1.0.0"), [], env);
    expect(answer).toEqual({ kind: "unanswered", reason: "spawn EAGAIN" });
  });

  it("is asked with the environment given and no other", async () => {
    const path = program('[ -z "$AGENTCORE_TEST_LEAK" ] && echo 1.0.0');
    process.env["AGENTCORE_TEST_LEAK"] = "x";
    try {
      expect((await readVersion(options, path, [], env)).kind).toBe("version");
    } finally {
      delete process.env["AGENTCORE_TEST_LEAK"];
    }
  });
});
