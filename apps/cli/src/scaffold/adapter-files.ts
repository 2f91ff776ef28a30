/**
 * The files of a new adapter package: an adapter that works, for a small agent that comes with it, with tests that pass. The
 * author replaces the agent by a real one, one file after the other. `NAME` stands for the adapter's name, and `NAME_` for the
 * beginning of its environment variables.
 */

const packageJson = (name: string, version: string): string => `{
  "name": "agentcore-adapter-${name}",
  "version": "0.1.0",
  "description": "AgentCore adapter for ${name}.",
  "license": "UNLICENSED",
  "private": true,
  "type": "module",
  "exports": {
    ".": { "types": "./dist/src/adapter.d.ts", "default": "./dist/src/adapter.js" },
    "./package.json": "./package.json"
  },
  "files": ["bin", "dist", "!dist/test"],
  "scripts": {
    "build": "tsc",
    "prepare": "tsc",
    "test": "tsc && node --test dist/test/*.test.js"
  },
  "dependencies": {
    "@agentcore/contract": "^${version}",
    "@agentcore/worker-kit": "^${version}"
  },
  "devDependencies": {
    "@types/node": ">=22",
    "agentcore": "^${version}",
    "typescript": ">=5.8"
  },
  "engines": { "node": ">=22.13" }
}
`;

const tsconfig = `{
  "compilerOptions": {
    "target": "es2024",
    "lib": ["es2024", "esnext.disposable"],
    "module": "nodenext",
    "types": ["node"],
    "rootDir": ".",
    "outDir": "dist",
    "declaration": true,
    "strict": true,
    "noUncheckedIndexedAccess": true,
    "skipLibCheck": true
  },
  "include": ["src", "test"]
}
`;

const configuration = `# For trying the adapter here: npx agentcore trust, then npx agentcore doctor.
workers:
  NAME:
    adapter: ./dist/src/adapter.js
    program: \${PWD}/bin/NAME-agent.js
`;

const adapter = `/** How to find the worker, how to start it, what it can enforce. AgentCore looks for the default export. */
import { adapterContractVersion, type PlanContext, type WorkerAdapter } from "@agentcore/contract";
import { capabilitySet, divideAddress, networkEnvironment, requireAllowedArgs } from "@agentcore/worker-kit";
import { createReader } from "./reader.js";

/** The address of the worker's provider. */
const address = "https://api.NAME.example/v1";

const adapter: WorkerAdapter = {
  contractVersion: adapterContractVersion,
  name: "NAME",
  title: "NAME",
  // The provider that bills the worker, such as "anthropic": its limits and prices apply. null: it calls none.
  provider: "NAME",
  // What the worker can enforce. Tasks that ask for more are refused before anything starts.
  capabilities: ["read", "edit"],
  program: {
    command: "NAME-agent",
    versionArgs: ["--version"],
    minVersion: "1.0.0",
    install: "npm install agentcore-adapter-NAME",
    // Variables with a credential; pass them on in \`env\` of the plan, never in \`args\`.
    credentialEnv: ["NAME_API_KEY"],
    loginPaths: [],
  },
  // Flags that a task may add: none. Allow only those that change neither rights nor output.
  checkArgs: (args) => requireAllowedArgs("NAME", args, {}),
  // Where the worker's requests go. The spend gate sends them there with the credential, and meters what they cost. Remove
  // it if the worker cannot be given another address; its cost is then what it reports.
  spendGateUpstream(_task, { hostEnv, providersWithCredential }) {
    const key = hostEnv["NAME_API_KEY"];
    const isConfigured = providersWithCredential?.includes("NAME") === true;
    if (!key && !isConfigured) return null;
    return {
      provider: "NAME",
      protocol: "openai-chat", // or "openai-responses", "anthropic-messages"
      baseUrl: divideAddress(address).baseUrl,
      credential: key ? { kind: "header", name: "authorization", value: \`Bearer \${key}\` } : { kind: "none" },
    };
  },
  plan(task, context) {
    requireAllowedArgs("NAME", task.args ?? [], {});
    // The grants count, not what the task asked for: a permit may allow less.
    const { edit } = capabilitySet(context.grants.capabilities);
    return {
      command: context.program,
      args: edit ? ["--allow-write"] : [],
      env: { ...networkEnvironment(context.hostEnv, context.spendGate), ...providerEnvironment(context) },
      stdin: task.instructions,
      home: "own",
    };
  },
  createReader,
};

/** Through the spend gate, the worker gets the key of this run in place of the provider's. */
function providerEnvironment({ hostEnv, spendGate }: PlanContext): Record<string, string> {
  if (spendGate !== undefined) {
    return { NAME_API_KEY: spendGate.key, NAME_BASE_URL: spendGate.url + divideAddress(address).path };
  }
  const key = hostEnv["NAME_API_KEY"];
  return key ? { NAME_API_KEY: key, NAME_BASE_URL: address } : {};
}

export default adapter;
`;

const reader = `/** What the worker's output means: lines to events, and a report at the end. Never throws, whatever a line is. */
import { unknownUsage, type OutputReader, type WorkerReport } from "@agentcore/contract";
import {
  classifyProviderStatus,
  countAt,
  jsonLineReader,
  numberAt,
  stringAt,
  textEvent,
  type JsonObject,
} from "@agentcore/worker-kit";

export function createReader(): OutputReader {
  let terminal: WorkerReport["terminal"] = "none";
  let error: WorkerReport["error"] = null;
  let summary = "";
  let model: string | null = null;
  let usage = unknownUsage;
  const deniedTools: string[] = [];

  return jsonLineReader({
    object(line) {
      switch (stringAt(line, "event")) {
        case "hello":
          model = stringAt(line, "model");
          return [{ type: "started", session: null, model }];
        case "wrote":
          return [{ type: "file_change", path: stringAt(line, "path") ?? "", change: "modify" }];
        case "refused": {
          const tool = stringAt(line, "tool") ?? "unknown";
          deniedTools.push(tool);
          return [{ type: "denied", tool, text: \`\${tool} is not allowed\` }];
        }
        case "failed":
          terminal = "error";
          error = errorOf(line);
          return [];
        case "done":
          terminal = "success";
          summary = stringAt(line, "words") ?? "";
          usage = {
            inputTokens: countAt(line, "tokens", "in"),
            cachedInputTokens: null,
            outputTokens: countAt(line, "tokens", "out"),
          };
          return [textEvent(summary), { type: "usage", usage, costUsd: null }];
        default:
          return null; // a line of a newer version: passed on as \`raw\`
      }
    },
    end: (malformedLines) => ({
      terminal,
      error,
      deniedTools,
      summary,
      session: null,
      model,
      usage,
      costUsd: null,
      costBasis: "none",
      malformedLines,
    }),
  });
}

function errorOf(line: JsonObject): NonNullable<WorkerReport["error"]> {
  const status = countAt(line, "status");
  const waitSeconds = numberAt(line, "wait_s");
  return {
    class: status === null ? "worker_protocol" : classifyProviderStatus(status),
    message: stringAt(line, "message") ?? "it failed and did not say why",
    status,
    retryAfterMs: waitSeconds === null ? null : Math.max(0, waitSeconds * 1000),
  };
}
`;

const agent = `#!/usr/bin/env node
// A pretended agent, so that the adapter can be tried at once. Replace it by a real one, then delete this file.
import { readFileSync, writeFileSync } from "node:fs";

const say = (event) => process.stdout.write(\`\${JSON.stringify(event)}\\n\`);

if (process.argv.includes("--version")) {
  process.stdout.write("NAME-agent 1.0.0\\n");
} else {
  const prompt = readFileSync(0, "utf8");
  say({ event: "hello", model: "NAME-1" });
  const answer = await ask(prompt);
  if (prompt.startsWith("fail:")) {
    say({ event: "failed", status: 429, message: "too many requests", wait_s: 2 });
    process.exitCode = 1;
  } else if (!answer.ok) {
    say({ event: "failed", status: answer.status, message: await answer.text() });
    process.exitCode = 1;
  } else {
    if (process.argv.includes("--allow-write")) {
      writeFileSync("NAME.txt", prompt);
      say({ event: "wrote", path: "NAME.txt" });
    } else {
      say({ event: "refused", tool: "write" });
    }
    const words = \`wrote \${prompt.length} characters\`;
    say({ event: "done", words, tokens: { in: prompt.length, out: 3 } });
  }
}

/** Asks its provider. Without a key it pretends an answer. */
async function ask(content) {
  const { NAME_API_KEY: key, NAME_BASE_URL: url } = process.env;
  if (key === undefined) return new Response("{}");
  const headers = { authorization: \`Bearer \${key}\`, "content-type": "application/json" };
  const body = JSON.stringify({ model: "NAME-1", max_tokens: 100, messages: [{ role: "user", content }] });
  return fetch(\`\${url}/chat/completions\`, { method: "POST", headers, body });
}
`;

const test = `import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { adapterConformanceChecks, driveToEnd } from "@agentcore/worker-kit/testing";
import adapter from "../src/adapter.js";

// What every adapter must do. A fake agent prints these lines in the worker's place: record those of your worker.
describe("the adapter conforms:", () => {
  const hello = '{"event":"hello","model":"NAME-1"}';
  const checks = adapterConformanceChecks({
    adapter,
    beginning: [hello],
    success: { stdout: [hello, '{"event":"done","words":"done","tokens":{"in":5,"out":3}}'] },
    failures: [
      {
        name: "rate limited",
        errorClass: "rate_limited",
        stdout: [hello, '{"event":"failed","status":429,"message":"too many requests","wait_s":2}'],
      },
      { name: "an unknown failure", errorClass: "worker_protocol", stdout: [hello, '{"event":"failed"}'] },
    ],
  });
  for (const check of checks) it(check.name, check.run);
});

// The real worker, with everything else as in production.
describe("the worker", () => {
  const program = fileURLToPath(new URL("../../bin/NAME-agent.js", import.meta.url));

  it("does its task where it may edit", async () => {
    const task = { instructions: "hello", capabilities: ["edit" as const] };
    const { ended, workspace } = await driveToEnd({ adapter, program, task });
    assert.equal(ended.outcome, "succeeded", ended.summary);
    assert.equal(readFileSync(join(workspace, "NAME.txt"), "utf8"), "hello");
  });

  it("is not believed where it may not", async () => {
    const task = { instructions: "hello", capabilities: ["read" as const] };
    const { ended } = await driveToEnd({ adapter, program, task });
    assert.equal(ended.errorClass, "permission_denied");
  });

  it("reaches its provider through the spend gate, with the key of the run", async () => {
    const asked: string[] = [];
    // In place of the gate.
    const server = createServer(({ url, headers }, response) => {
      asked.push(\`\${url} \${headers.authorization}\`);
      response.end("{}");
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const { ended } = await driveToEnd({
      adapter,
      program,
      task: { instructions: "hello", capabilities: ["edit" as const] },
      hostEnv: { ...process.env, NAME_API_KEY: "the-key-of-the-provider" },
      openSpendGate: async () => ({ url: \`http://127.0.0.1:\${port}\`, socketPath: "/none", key: "key-of-the-run" }),
    });
    server.close();
    assert.equal(ended.outcome, "succeeded", ended.summary);
    assert.deepEqual(asked, ["/v1/chat/completions Bearer key-of-the-run"]);
  });
});
`;

const readme = `# agentcore-adapter-NAME

An adapter that lets AgentCore run NAME.

\`\`\`sh
npm install
npm test                       # builds, and runs the conformance suite and the worker; Linux, about 15 seconds
npx agentcore trust            # lets agentcore.yaml of this directory load the adapter
npx agentcore doctor           # lists the worker
npx agentcore run --worker NAME --workspace /tmp --capabilities edit 'hello'
\`\`\`

To make it yours, in this order:

1. \`src/adapter.ts\`: the program, its version, its provider with address and credential, and the flags of each capability.
2. \`src/reader.ts\`: what each line of its output means.
3. \`test/adapter.test.ts\`: lines that your worker really printed, for its success and for each way it fails.
4. Delete \`bin\`, and \`program\` in \`agentcore.yaml\`.

With \`NAME_API_KEY\` set, the worker's requests go through the spend gate of AgentCore: it sends them to the provider with the key, and the worker gets
another key, which ends with its run. \`providers.NAME\` and \`prices\` in \`agentcore.yaml\` say where the provider is and what its models cost.

The guide to adapters (docs/adapters.md of AgentCore) lists every event, what a report has, and how settings are declared.
`;

/** By path below the new directory. `version`: of this AgentCore. */
export function adapterFiles(name: string, version: string): Readonly<Record<string, string>> {
  const files = {
    "tsconfig.json": tsconfig,
    "agentcore.yaml": configuration,
    "README.md": readme,
    ".gitignore": "dist/\nnode_modules/\n",
    "src/adapter.ts": adapter,
    "src/reader.ts": reader,
    "test/adapter.test.ts": test,
    [`bin/${name}-agent.js`]: agent,
  };
  const variables = `${name.toUpperCase().replaceAll("-", "_")}_`;
  const named = Object.entries(files).map(
    ([path, text]) => [path, text.replaceAll("NAME_", variables).replaceAll("NAME", name)] as const,
  );
  return { "package.json": packageJson(name, version), ...Object.fromEntries(named) };
}
