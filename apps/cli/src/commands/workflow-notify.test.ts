import { readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { agentcore, makeScratch, startAgentcore } from "../testing/agentcore-process.ts";
import { until } from "@agentcore/contract/testing";

const scratch = makeScratch();
afterAll(() => scratch.remove());

it("a real run tells a script and a webhook, not twice though its process is killed while the script runs", async () => {
  const posted: unknown[] = [];
  const server = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8").on("data", (text: string) => (body += text));
    request.on("end", () => {
      posted.push([request.method, request.url, JSON.parse(body)]);
      response.end();
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const { port } = server.address() as AddressInfo;
  const file = join(scratch.root, "notify.yaml");
  writeFileSync(
    file,
    `name: notify
version: "1"
timeout: 2m
steps:
  step: { worker: shell, capabilities: [run_commands], instructions: "exit 3" }
notify:
  - on: [failed]
    command: |
      echo "$AGENTCORE_EVENT $AGENTCORE_RUN_STATE" >> told
      until test -e go; do sleep 0.05; done
      cp "$AGENTCORE_EVENT_FILE" document.json
  - { on: [failed, succeeded], webhook: "http://127.0.0.1:${port}/hook" }
`,
  );
  const at = (name: string): string => join(scratch.workspace, name);
  const told = (): string => {
    try {
      return readFileSync(at("told"), "utf8");
    } catch {
      return "";
    }
  };
  try {
    const first = startAgentcore(scratch, ["workflow", "run", file, "--plain"]);
    await until(() => told() !== "" && posted.length === 1);
    first.child.kill("SIGKILL");
    await first.finished;
    writeFileSync(at("go"), "");
    const second = await agentcore(scratch, ["workflow", "resume", "@last", "--plain"]);
    expect(second.code).toBe(1);
    expect(second.stdout).toContain(`WARNING    the notification of "failed" failed: its command failed`);
    expect(told()).toBe("failed FAILED\n");
    const shown = await agentcore(scratch, ["workflow", "show", "@last"]);
    expect(shown.stdout).toContain(`WARNING    the notification of "failed" failed: its command failed`);
    expect(posted).toEqual([
      ["POST", "/hook", expect.objectContaining({ event: "failed", state: "FAILED" })],
    ]);
  } finally {
    server.close();
  }
});
