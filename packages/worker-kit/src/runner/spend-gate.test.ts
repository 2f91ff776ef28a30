/** A run whose worker reaches its provider through the spend gate: what the worker gets, and what is refused before it starts. */
import { readFileSync } from "node:fs";
import { AgentCoreError, type Upstream, type WorkerAdapter } from "@agentcore/contract";
import { describe, expect, it } from "vitest";
import { createFakeAgent } from "../testing/fake-agent.ts";
import type { FakeLedgerEntry, FakeStep } from "../testing/fake-agent-script.ts";
import { driveToEnd, type DriveOptions } from "../testing/drive.ts";
import { scriptedAdapter } from "../testing/scripted-adapter.ts";

const realKey = "sk-real-key-of-the-caller";
const access = { url: "http://127.0.0.1:9", socketPath: "/run/gate.sock", key: "gate-key-of-this-run" };
const hostEnv = {
  ...process.env,
  HOUSE_KEY: realKey,
  OTHER_KEY: "sk-another-credential",
  COPY: `Bearer ${realKey}`,
};

/** Its worker calls the provider `house`. */
const houseAdapter: WorkerAdapter = {
  ...scriptedAdapter,
  provider: "house",
  program: { ...scriptedAdapter.program, credentialEnv: ["HOUSE_KEY", "OTHER_KEY"] },
  spendGateUpstream: (_task, context) => ({
    provider: "house",
    protocol: "openai-chat",
    baseUrl: "https://house.example",
    credential: { kind: "header", name: "authorization", value: `Bearer ${context.hostEnv["HOUSE_KEY"]}` },
  }),
  plan: (task, context) => ({
    ...scriptedAdapter.plan(task, context),
    env: {
      HOUSE_KEY: context.spendGate?.key ?? context.hostEnv["HOUSE_KEY"] ?? "",
      HOUSE_URL: context.spendGate?.url ?? "https://house.example",
    },
  }),
};

const done: FakeStep = {
  do: "print",
  stream: "stdout",
  lines: ['{"type":"result","ok":true,"summary":"done"}'],
};
const surroundings: FakeStep = { do: "ledger", event: "surroundings" };

async function run(options: Partial<DriveOptions>, steps: readonly FakeStep[] = [surroundings, done]) {
  const agent = createFakeAgent(steps);
  const opened: Upstream[] = [];
  const driven = await driveToEnd({
    adapter: houseAdapter,
    program: agent.program,
    hostEnv,
    openSpendGate: async (upstream) => {
      opened.push(upstream);
      return access;
    },
    ...options,
  });
  const env = agent
    .ledger()
    .find(
      (entry): entry is Extract<FakeLedgerEntry, { event: "surroundings" }> => entry.event === "surroundings",
    )?.env;
  return { ...driven, opened, env };
}

describe("a worker that uses the spend gate gets", () => {
  it("the key and the address of the gate, and no credential, whatever is passed on to it", async () => {
    const { env, opened, events, ended } = await run({
      settings: { env_pass: ["HOUSE_KEY", "COPY"] },
      task: { env: { HOUSE_URL: "https://other.example", OTHER_KEY: "sk-in-the-task", KEPT: "x" } },
    });
    expect(ended.outcome).toBe("succeeded");
    expect(opened).toMatchObject([{ baseUrl: "https://house.example", credential: { kind: "header" } }]);
    expect(env).toMatchObject({ HOUSE_KEY: access.key, HOUSE_URL: access.url, KEPT: "x" });
    expect(env).not.toHaveProperty("OTHER_KEY");
    expect(JSON.stringify(env)).not.toContain(realKey);
    expect(events).toContainEqual({
      type: "warning",
      text: "the worker does not get COPY: it reaches its provider through the spend gate",
    });
  });

  it("what it always got, if the gate is off or there is none", async () => {
    for (const options of [{ spendGateMode: "off" }, { openSpendGate: undefined }] as const) {
      const { env, opened } = await run(options);
      expect(env).toMatchObject({ HOUSE_KEY: realKey, HOUSE_URL: "https://house.example" });
      expect(opened).toEqual([]);
    }
  });
});

it("the key of the gate is masked in output, events and the result, and a model without a price is no warning", async () => {
  const usage =
    '{"type":"usage","usage":{"inputTokens":10,"cachedInputTokens":0,"outputTokens":5},"costUsd":0.1}';
  const { ended, events } = await run({ maxCostUsd: 1, model: "no-such-model" }, [
    {
      do: "print",
      stream: "stdout",
      lines: [
        '{"type":"started","session":"s","model":"no-such-model"}',
        `{"type":"text","text":"my key is ${access.key}"}`,
        usage,
        `{"type":"result","ok":true,"summary":"${access.key}","costUsd":0.2}`,
      ],
    },
  ]);
  const log = ended.artifacts.find(({ kind }) => kind === "stdout");
  expect(JSON.stringify([ended, events]) + readFileSync(log?.path ?? "", "utf8")).not.toContain(access.key);
  expect(ended.summary).toBe("***");
  expect(events.filter(({ type }) => type === "warning")).toEqual([]);
});

describe("with spend_gate: required", () => {
  const required = { spendGateMode: "required" } as const;
  it.each<[what: string, options: Partial<DriveOptions>, message: string]>([
    [
      "an adapter without the function",
      { adapter: { ...scriptedAdapter, provider: "house" } },
      "its adapter does not support it",
    ],
    ["a run that cannot use it", { adapter: upstream(() => null) }, "give it a key in the environment"],
    ["a runtime without a gate", { openSpendGate: undefined }, "this runtime has none"],
  ])("%s is refused", async (_what, options, message) => {
    const { ended, env } = await run({ ...required, ...options });
    expect(ended).toMatchObject({
      outcome: "failed",
      code: "AC_SPEND_GATE_REQUIRED",
      errorClass: "invalid_request",
      summary: expect.stringContaining(message),
    });
    expect(env).toBeUndefined();
  });

  it("a worker that calls no provider runs", async () => {
    expect((await run({ ...required, adapter: scriptedAdapter })).ended.outcome).toBe("succeeded");
  });
});

describe("a run does not start", () => {
  it.each<[what: string, options: Partial<DriveOptions>, code: string, message: string]>([
    [
      "if the gate cannot be opened",
      {
        openSpendGate: async () => {
          throw new AgentCoreError("AC_STORE_UNAVAILABLE", "the disk is full");
        },
      },
      "AC_STORE_UNAVAILABLE",
      "the disk is full",
    ],
    [
      "if the upstream is none of the contract",
      {
        adapter: upstream(
          () =>
            ({
              provider: "house",
              protocol: "smtp",
              baseUrl: "https://a.example/",
              credential: realKey,
            }) as never,
        ),
      },
      "AC_ADAPTER_INVALID",
      'field "protocol" must be one of anthropic-messages',
    ],
    [
      "if asking for the upstream fails",
      {
        adapter: upstream(() => {
          throw new TypeError("oops");
        }),
      },
      "AC_ADAPTER_INVALID",
      "spendGateUpstream() threw: oops",
    ],
    [
      "if the plan has the credential all the same",
      {
        adapter: {
          ...houseAdapter,
          plan: (task, context) => ({
            ...scriptedAdapter.plan(task, context),
            env: { CONFIG: `{"key":"${realKey}"}` },
          }),
        },
      },
      "AC_ADAPTER_INVALID",
      "the plan contains the provider's credential",
    ],
  ])("%s", async (_what, options, code, message) => {
    const { ended, env } = await run(options);
    expect(ended).toMatchObject({ outcome: "failed", code, summary: expect.stringContaining(message) });
    expect(JSON.stringify(ended)).not.toContain(realKey);
    expect(env).toBeUndefined();
  });

  it.each(["AC_BUDGET_COST", "AC_BUDGET_TOKENS"] as const)(
    "if a budget has too little left for the hold of the run: %s is no internal error, and is not retried",
    async (code) => {
      const message = "global: $1 of $1 are spent";
      const { ended, env } = await run({
        openSpendGate: async () => {
          throw new AgentCoreError(code, message);
        },
      });
      const ending = { outcome: "budget_exhausted", errorClass: "budget_exhausted" };
      expect(ended).toMatchObject({ ...ending, code, summary: message });
      expect(env).toBeUndefined();
    },
  );
});

function upstream(spendGateUpstream: WorkerAdapter["spendGateUpstream"]): WorkerAdapter {
  return { ...houseAdapter, ...(spendGateUpstream === undefined ? {} : { spendGateUpstream }) };
}

it.each<[string, Partial<DriveOptions>, true | undefined]>([
  ["has a key in the gate", {}, true],
  ["has a HOME with perhaps a login", { settings: { home: "user" } }, undefined],
  ["does not use the gate", { spendGateMode: "off" }, undefined],
  ["has a login of its own", { adapter: withCredential({ kind: "own-login" }) }, undefined],
  ["has a provider that asks for no key", { adapter: withCredential({ kind: "none" }) }, undefined],
  [
    "has a key in the configuration of the gate",
    { adapter: withCredential({ kind: "none" }), providersWithCredential: ["house"] },
    true,
  ],
])(
  "the note of the start of a worker that %s says whether it can spend only through the gate",
  async (_name, options, expected) => {
    const { started } = await run(options);
    expect((await started).spendsOnlyByGate).toBe(expected);
  },
);

function withCredential(credential: Upstream["credential"]): WorkerAdapter {
  return {
    ...houseAdapter,
    spendGateUpstream: () => ({
      provider: "house",
      protocol: "openai-chat",
      baseUrl: "https://house.example",
      credential,
    }),
  };
}
