/** The hosts of a state directory: list, drain, resume. */
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { until } from "@agentcore/contract/testing";
import { expect, it, onTestFinished } from "vitest";
import { agentcore, jsonLinesOf, makeScratch, startAgentcore } from "../testing/agentcore-process.ts";

it("a host is listed, finishes what it runs while it drains, and takes jobs again after that", async () => {
  const scratch = makeScratch();
  onTestFinished(() => scratch.remove());
  const run = (...args: string[]) => agentcore(scratch, args);
  const submit = async (name: string, script: string): Promise<string> => {
    const options = ["--worker", "shell", "--workspace", at(name), "--capabilities", "edit"];
    const { code, stdout, stderr } = await run("submit", script, ...options);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    return stdout.trim();
  };
  const at = (name: string) => join(scratch.workspace, name);
  const stateOf = async (id: string) =>
    (JSON.parse((await run("jobs", "show", id, "--json")).stdout) as { state: string }).state;
  const hosts = async () => jsonLinesOf((await run("hosts", "--json")).stdout);
  writeFileSync(join(scratch.workspace, "agentcore.yaml"), "host: { name: build-3 }\n");
  await run("trust", at("agentcore.yaml"));
  for (const id of ["first", "second"]) mkdirSync(at(id));

  const first = await submit("first", "echo > begun; while [ ! -e go ]; do sleep 0.02; done");
  expect((await run("hosts")).stdout).toBe("No hosts: nothing works on the queue.\n");
  const work = startAgentcore(scratch, ["work", "--json"]);
  onTestFinished(async () => {
    work.child.kill("SIGTERM");
    await work.finished;
  });
  await until(() => existsSync(join(at("first"), "begun")), { what: "the first job" });
  expect(await hosts()).toMatchObject([
    { type: "host", name: "build-3", state: "up", running: 1, workers: expect.arrayContaining(["shell"]) },
  ]);

  expect(await run("hosts", "drain", "build-3")).toMatchObject({
    code: 0,
    stdout: "build-3  draining, 1 running\n",
  });
  const second = await submit("second", "true");
  expect(await hosts()).toMatchObject([{ state: "draining", running: 1 }]);
  expect((await run("hosts")).stdout).toMatch(/^name +state +running .*\nbuild-3 +draining +1\/\d+ /);
  writeFileSync(join(at("first"), "go"), "");
  const drained = await run("hosts", "drain", "build-3", "--wait", "--json");
  expect(jsonLinesOf(drained.stdout)).toMatchObject([
    { type: "host_drain", name: "build-3", draining: true, running: 0 },
  ]);
  expect(await stateOf(first)).toBe("succeeded");
  expect(await stateOf(second)).toBe("queued");

  expect(await run("hosts", "resume", "build-3")).toMatchObject({ stdout: "build-3  takes jobs again\n" });
  await until(async () => (await stateOf(second)) === "succeeded", { what: "the second job" });
  expect(await run("hosts", "drain", "nobody")).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("no host has the name nobody"),
  });
});
