import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { agentcore, jsonLinesOf, makeScratch, startAgentcore } from "../testing/agentcore-process.ts";
import { startOnPty } from "../testing/pty.ts";

const scratch = makeScratch();
afterAll(() => scratch.remove());

const file = join(scratch.root, "two.yaml");
beforeAll(() =>
  writeFileSync(
    file,
    `name: two
version: "1"
timeout: 2m
steps:
  one: { worker: shell, capabilities: [run_commands], instructions: "echo from one; until [ -e go ]; do sleep 0.05; done; echo end of one" }
  two: { worker: shell, capabilities: [run_commands], instructions: "echo from two", depends_on: [one] }
`,
  ),
);

it("the steps of one run are listed with --run, watched on a terminal and as lines, and their output followed to the end of the run", async () => {
  await agentcore(scratch, ["submit", "true # no step", "--worker", "shell"]);
  const running = startAgentcore(scratch, ["workflow", "run", file]);
  await running.saw("RUNNING");
  const following = startAgentcore(scratch, ["workflow", "logs", "-f", "--last"]);
  const watching = startAgentcore(scratch, ["jobs", "list", "--run", "@last", "--watch"]);
  const terminal = startOnPty(scratch, ["jobs", "list", "--all", "--watch"], { columns: 140 });
  await Promise.all([following.saw("from one"), watching.saw("running")]);
  await terminal.until(
    (screen) => /running .*one, iteration 1/.test(screen) && /queued .*no step/.test(screen),
  );
  const listed = await agentcore(scratch, ["jobs", "list", "--run", "@last", "--json"]);
  expect(jsonLinesOf(listed.stdout)).toMatchObject([{ type: "job", step: "one", state: "running" }]);

  writeFileSync(join(scratch.workspace, "go"), "");
  expect((await running.finished).code).toBe(0);
  const { code, stdout } = await following.finished;
  expect(code).toBe(0);
  // The last lines of a step and the first ones of the next may be read in either order.
  const followed = stdout.replaceAll(/ +/g, " ").trimEnd().split("\n");
  expect(followed.filter((line) => line.startsWith("one"))).toEqual([
    "one | out from one",
    "one | out end of one",
  ]);
  expect(followed.filter((line) => !line.startsWith("one"))).toEqual(["two | out from two"]);
  await terminal.until((screen) => /succeeded .*two, iteration 1/.test(screen));
  terminal.type("q");
  expect(await terminal.finished).toBe(0);
  expect(terminal.isAlternate()).toBe(false);
  await watching.saw("from two");
  watching.child.kill("SIGINT");
  const watched = await watching.finished;
  expect(watched.code).toBe(0);
  expect(watched.stdout).toMatch(
    / {2}running {2}shell {2}echo from one;.*\n.* succeeded {2}shell {2}echo from one/,
  );
});
