/** A daemon in one network namespace, and the command line in another: nothing but the network is between them. */
import { openApiDocument } from "@agentcore/api";
import { until } from "@agentcore/contract/testing";
import { afterAll, beforeAll, expect, it } from "vitest";
import { agentcore, makeScratch, startAgentcore } from "../testing/agentcore-process.ts";
import { startDaemon, writeDaemonFile, writeFlow } from "../testing/daemon-process.ts";
import { makeNamespaces } from "../testing/network-namespaces.ts";

const port = 7411;
const scratch = makeScratch();
const namespaces = makeNamespaces();
const url = `http://${namespaces.address}:${port}`;
let served: string | null = null;
let operate = "";
let read = "";

afterAll(async () => {
  await scratch.remove();
  namespaces.remove();
});

const file = (host: string): string => `events: { q: { type: queue, topic: q } }
triggers: { t: { on: q, workflow: flow.yaml } }
server: { http: { host: ${host}, port: ${port} } }
`;

/** On the machine of the user. */
const remote = (args: readonly string[], token = operate) =>
  agentcore(scratch, args, {
    prefix: namespaces.second,
    env: { AGENTCORE_URL: url, AGENTCORE_TOKEN: token },
  });

beforeAll(async () => {
  writeFlow(scratch, "echo from the flow");
  writeDaemonFile(scratch, file(namespaces.address));
  served = (await startDaemon(scratch, [], {}, namespaces.first)).url;
  const token = async (scope: string): Promise<string> =>
    (
      await agentcore(scratch, ["token", "create", scope, "--scope", scope, "--state-dir", scratch.stateDir])
    ).stdout.trim();
  [operate, read] = [await token("operate"), await token("read")];
});

const options = ["--worker", "shell", "--capabilities", "run_commands", "--workspace", scratch.workspace];
const shell = (script: string): readonly string[] => ["submit", script, ...options];

it("jobs are submitted, waited for, followed and cancelled from another namespace", async () => {
  expect(served).toBe(url);
  const unreachable = await agentcore(scratch, ["jobs", "list", "--url", url]);
  expect(unreachable).toMatchObject({ code: 6, stderr: expect.stringContaining("AC_API_UNREACHABLE") });
  const submitted = await remote(shell("echo begun; until test -e go; do sleep 0.05; done; exit 3"));
  expect(submitted).toMatchObject({ code: 0, stderr: "" });
  const id = submitted.stdout.trim();
  const there = { prefix: namespaces.second, env: { AGENTCORE_URL: url, AGENTCORE_TOKEN: operate } };
  const logs = startAgentcore(scratch, ["jobs", "logs", "-f", id], there);
  await until(() => logs.stdout().includes("begun"));
  expect((await remote(["jobs", "cancel", id])).stdout).toContain("cancellation requested");
  expect(await remote(["jobs", "wait", id])).toMatchObject({ code: 130 });
  expect(await logs.finished).toMatchObject({ code: 0, stderr: "" });
  const flow = await remote(["workflow", "run", `${scratch.workspace}/flow.yaml`, "-C", scratch.workspace]);
  expect(flow).toMatchObject({ code: 0, stdout: expect.stringContaining("SUCCEEDED") });
});

it("Ctrl-C ends a command that follows at once, and nothing else", async () => {
  const id = (await remote(shell("echo begun; sleep 300"))).stdout.trim();
  const there = { prefix: namespaces.second, env: { AGENTCORE_URL: url, AGENTCORE_TOKEN: operate } };
  const waiting = startAgentcore(scratch, ["jobs", "wait", id], there);
  const logs = startAgentcore(scratch, ["jobs", "logs", "-f", id], there);
  await until(() => logs.stdout().includes("begun"));
  for (const { child } of [waiting, logs]) child.kill("SIGINT");
  for (const { finished } of [waiting, logs]) expect((await finished).signal ?? "exit").toBe("SIGINT");
  expect((await remote(["jobs", "show", id])).stdout).toContain("running");
  await remote(["jobs", "cancel", id]);
});

interface Operation {
  readonly operationId: string;
}

const { paths } = openApiDocument() as { readonly paths: Readonly<Record<string, object>> };
const changing = Object.entries(paths).flatMap(([path, methods]) =>
  Object.entries(methods as Readonly<Record<string, Operation>>)
    .filter(([method]) => method !== "get")
    .map(([method, { operationId }]) => ({ method, path: path.replaceAll(/\{\w+\}/g, "x"), operationId })),
);

it("without a token every operation is refused, and with `read` every one that changes something", async () => {
  expect((await remote(["jobs", "list"], "")).stderr).toContain("AC_API_UNAUTHORIZED");
  expect((await remote(["jobs", "list"], read)).code).toBe(0);
  expect(changing.length).toBeGreaterThan(15);
  // One process for all of them; it prints the operations with the statuses.
  const script = `
    const statuses = {};
    for (const { method, path, operationId } of ${JSON.stringify(changing)})
      for (const token of ["", ${JSON.stringify(read)}]) {
        const headers = { "content-type": "application/json", ...(token && { authorization: "Bearer " + token }) };
        const answer = await fetch(${JSON.stringify(url)} + path, { method: method.toUpperCase(), headers, body: "{}" });
        (statuses[operationId] ??= []).push(answer.status);
      }
    console.log(JSON.stringify(statuses));
  `;
  const asked = await startAgentcore(scratch, [], {
    prefix: namespaces.second,
    program: [process.execPath, "--input-type=module", "--eval", script],
  }).finished;
  const expected = Object.fromEntries(changing.map(({ operationId }) => [operationId, [401, 403]]));
  expect(JSON.parse(asked.stdout)).toEqual(expected);
  const before = await remote(["jobs", "list", "--all", "--json"]);
  expect(await remote(shell("true"), read)).toMatchObject({
    code: 3,
    stderr: expect.stringContaining("AC_API_FORBIDDEN"),
  });
  expect((await remote(["jobs", "list", "--all", "--json"])).stdout).toBe(before.stdout);
});

it("a name that is not the daemon's is refused, and says what to configure", async () => {
  const script = `
    const { request } = await import("node:http");
    request({ host: ${JSON.stringify(namespaces.address)}, port: ${port}, path: "/v1/health", headers: { host: "evil.example" } },
      (answer) => answer.on("data", (data) => console.log(answer.statusCode, String(data)))).end();
  `;
  const asked = await startAgentcore(scratch, [], {
    prefix: namespaces.second,
    program: [process.execPath, "--input-type=module", "--eval", script],
  }).finished;
  expect(asked.stdout).toMatch(/^403 .*AC_API_HOST.*server\.http\.names/);
});
