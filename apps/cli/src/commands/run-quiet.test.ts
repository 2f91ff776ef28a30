import { afterAll, expect, it } from "vitest";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { ResultLine, RunEvent } from "@agentcore/contract";
import { LastMessage } from "../present/last-message.ts";
import { resultLine } from "@agentcore/scheduler";
import { agentcore, jsonLinesOf, makeScratch } from "../testing/agentcore-process.ts";

const scratch = makeScratch();
afterAll(() => scratch.remove());
const quiet = (script: string, ...options: string[]) =>
  agentcore(scratch, [
    "run",
    script,
    "--quiet",
    "--worker",
    "shell",
    "--capabilities",
    "run_commands",
    ...options,
  ]);

it("`run --quiet` prints the last message alone, and `--last-message` writes it to a file", async () => {
  const { code, stdout, stderr } = await quiet("echo first; echo last", "--last-message", "m.txt");
  expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: "last\n", stderr: "" });
  expect(readFileSync(join(scratch.workspace, "m.txt"), "utf8")).toBe("last\n");
});

it("`run --quiet` says on stderr why a run failed, and with --json prints the result line alone", async () => {
  const { code, stdout, stderr } = await quiet("echo no such thing >&2; exit 3");
  expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
  expect(stderr).toMatch(/^agentcore: failed: exited with code 3.*no such thing\n {2}AC_WORKER_EXIT: /);
  const lines = jsonLinesOf((await quiet("exit 3", "--json")).stdout);
  expect(lines).toMatchObject([{ type: "result", outcome: "failed" }]);
});

it("a place where the last message cannot be written is refused before the run", async () => {
  const { code, stderr } = await quiet("echo ran > ran.txt", "--last-message", "no/such/m.txt");
  expect(code).toBe(2);
  expect(stderr).toContain("cannot write no/such/m.txt: no such directory");
  expect(() => readFileSync(join(scratch.workspace, "ran.txt"))).toThrow("ENOENT");
});

it("the last message is the last text of the last attempt", () => {
  const message = new LastMessage();
  const result: ResultLine = {
    ...resultLine("j", [], { outcome: "succeeded", errorClass: null, code: null, summary: "done" }),
  };
  expect(message.of(result)).toBe("done");
  const text = (said: string): RunEvent => ({
    type: "worker_event",
    jobId: "j",
    attempt: 1,
    at: 0,
    event: { type: "text", text: said },
  });
  message.see(text("one"));
  message.see(text("two\n\n"));
  expect(message.of(result)).toBe("two");
  message.see({
    type: "attempt_started",
    jobId: "j",
    attempt: 2,
    at: 0,
    worker: "w",
    leaseMs: null,
  } as never);
  expect(message.of(result)).toBe("done");
  expect(message.of({ ...result, outcome: "failed" })).toBe("");
});
