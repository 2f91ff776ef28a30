import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, expect, it } from "vitest";

let folder: string;
let child: ChildProcess | undefined;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "model-server-"));
});

afterEach(async () => {
  child?.kill("SIGKILL");
  child = undefined;
  await rm(folder, { recursive: true });
});

function startMain(...args: string[]): ChildProcess {
  const main = new URL("./main.ts", import.meta.url).pathname;
  child = spawn(process.execPath, ["--conditions=@agentcore/source", main, ...args]);
  return child;
}

it("serves a script file, prints each request, and ends on SIGTERM", async () => {
  const file = join(folder, "script.json");
  await writeFile(file, JSON.stringify([{ text: "from a file" }]));
  const server = startMain(file);
  const lines = createInterface({ input: server.stdout as NodeJS.ReadableStream })[Symbol.asyncIterator]();
  const { value: first } = (await lines.next()) as { value: string };
  const url = /http:\/\/127\.0\.0\.1:\d+/.exec(first)?.[0] ?? "no address";
  const answer = await fetch(`${url}/v1/messages`, {
    method: "POST",
    headers: { "x-api-key": "me" },
    body: JSON.stringify({ model: "m", messages: [] }),
  });
  expect(await answer.text()).toContain("from a file");
  expect((await lines.next()).value).toBe('anthropic-messages: model m, key "me", 0 messages, 0 tools');
  server.kill("SIGTERM");
  const [code] = (await once(server, "exit")) as [number | null];
  expect(code).toBe(0);
});

it.each([
  { why: "no file is named", args: [], content: undefined, message: "usage:" },
  { why: "the file is missing", args: ["missing.json"], content: undefined, message: "ENOENT" },
  { why: "the file is no JSON", args: ["script.json"], content: "[", message: "JSON" },
  {
    why: "a turn is unknown",
    args: ["script.json"],
    content: '[{"txt":"x"}]',
    message: "script.json is no script",
  },
  {
    why: "the port is no port",
    args: ["script.json", "--port", "x"],
    content: '[{"text":"x"}]',
    message: "usage:",
  },
  {
    why: "an option is unknown",
    args: ["script.json", "--prt", "1"],
    content: '[{"text":"x"}]',
    message: "--prt",
  },
])("says what is wrong and exits 2 when $why", async ({ args, content, message }) => {
  if (content !== undefined) await writeFile(join(folder, "script.json"), content);
  const server = startMain(...args.map((arg) => (arg.endsWith(".json") ? join(folder, arg) : arg)));
  const stderr = text(server.stderr as NodeJS.ReadableStream);
  const [code] = (await once(server, "exit")) as [number | null];
  expect(await stderr).toContain(message);
  expect(code).toBe(2);
});
