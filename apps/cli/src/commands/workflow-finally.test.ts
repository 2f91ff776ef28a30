import { until } from "@agentcore/contract/testing";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { agentcore, jsonLinesOf, makeScratch, startAgentcore } from "../testing/agentcore-process.ts";

const scratch = makeScratch();
afterAll(() => scratch.remove());

const file = join(scratch.root, "finally.yaml");
writeFileSync(
  file,
  `name: tidy
version: "1"
timeout: 2m
steps:
  work:
    worker: shell
    capabilities: [run_commands]
    instructions: |
      echo work >> ledger
      until test -e go; do sleep 0.05; done
finally:
  clean:
    worker: shell
    capabilities: [run_commands]
    instructions: |
      echo clean >> ledger
      until test -e cleaned; do sleep 0.05; done
  told: { worker: shell, capabilities: [run_commands], if: cancelled(), instructions: echo told >> ledger }
`,
);

const at = (name: string): string => join(scratch.workspace, name);
const ledger = (): string[] =>
  existsSync(at("ledger")) ? readFileSync(at("ledger"), "utf8").trim().split("\n") : [];
const idOf = (stdout: string): string => String(jsonLinesOf(stdout.split("\n")[0] ?? "")[0]?.["run"]);

it("Ctrl-C leaves finally for the resumed run, kill -9 within it is resumed, and a cancel of the run runs it", async () => {
  const first = startAgentcore(scratch, ["workflow", "run", file, "--json"]);
  await until(() => ledger().length === 1);
  const id = idOf(first.stdout());
  first.child.kill("SIGINT");
  expect((await first.finished).code).toBe(130);
  expect(ledger()).toEqual(["work"]);

  writeFileSync(at("go"), "");
  const second = startAgentcore(scratch, ["workflow", "resume", id, "--json"]);
  await until(() => ledger().length === 3);
  second.child.kill("SIGKILL");
  await second.finished;
  writeFileSync(at("cleaned"), "");
  const third = await agentcore(scratch, ["workflow", "resume", id]);
  expect(third.code).toBe(0);
  expect(third.stdout).toMatch(/^PASS +clean +finally/m);
  expect(third.stdout).toMatch(/^PASS +clean \(finally\)/m);
  expect(third.stdout).toMatch(/^SKIP +told \(finally\)/m);
  expect(ledger()).toEqual(["work", "work", "clean", "clean"]);

  rmSync(at("ledger"));
  rmSync(at("go"));
  const fourth = startAgentcore(scratch, ["workflow", "run", file, "--json"]);
  await until(() => ledger().length === 1);
  const other = idOf(fourth.stdout());
  await agentcore(scratch, ["workflow", "cancel", other]);
  expect((await fourth.finished).code).toBe(130);
  expect(ledger().toSorted()).toEqual(["clean", "told", "work"]);
  const shown = jsonLinesOf((await agentcore(scratch, ["workflow", "show", other, "--json"])).stdout)[0];
  expect(shown?.["steps"]).toMatchObject([
    { id: "work", status: "CANCELLED", isFinal: false },
    { id: "clean", status: "SUCCEEDED", isFinal: true },
    { id: "told", status: "SUCCEEDED", isFinal: true },
  ]);
});

it("a second cancel by another process ends finally", async () => {
  for (const name of ["ledger", "go", "cleaned"]) rmSync(at(name), { force: true });
  const started = startAgentcore(scratch, ["workflow", "run", file, "--json"]);
  await until(() => ledger().length === 1);
  const id = idOf(started.stdout());
  await agentcore(scratch, ["workflow", "cancel", id]);
  await until(() => ledger().includes("clean"));
  await agentcore(scratch, ["workflow", "cancel", id]);
  const { code, stdout } = await started.finished;
  expect(code).toBe(130);
  const steps = jsonLinesOf(stdout).at(-1)?.["steps"] as readonly { id: string; status: string }[];
  expect(Object.fromEntries(steps.map((step) => [step.id, step.status]))).toEqual({
    work: "CANCELLED",
    clean: "CANCELLED",
    told: "SUCCEEDED",
  });
});
