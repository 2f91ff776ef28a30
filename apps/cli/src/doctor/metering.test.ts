import { makeTemporaryDirectory } from "@agentcore/worker-kit/testing";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { configSchema } from "../config/schema.ts";
import { withMetering } from "./metering.ts";
import type { WorkerReport } from "./report.ts";

const directory = makeTemporaryDirectory("doctor-metering");
const keyFile = join(directory, "key");
writeFileSync(keyFile, "sk-secret-of-the-file");

const withoutCredential: WorkerReport = {
  name: "house",
  title: "House",
  status: "no_credential",
  path: "/usr/bin/house",
  version: "1.0.0",
  credential: null,
  capabilities: [],
  enforcesCapabilities: true,
  metering: null,
  detail: "no credential found",
  cure: "To use it, set HOUSE_KEY.",
};

const adapter = {
  name: "house",
  provider: "house",
  spendGateUpstream: (
    _task: unknown,
    context: { readonly providersWithCredential?: readonly string[] | undefined },
  ) =>
    context.providersWithCredential?.includes("house") === true
      ? ({
          provider: "house",
          protocol: "openai-chat",
          baseUrl: "https://house.example",
          credential: { kind: "none" },
        } as const)
      : null,
};

it.each<[string, object | undefined, Partial<WorkerReport>]>([
  ["without one", undefined, { status: "no_credential", cure: "To use it, set HOUSE_KEY." }],
  [
    "of a command, which is not run",
    { command: "exit 1" },
    {
      status: "ready",
      credential: "providers.house.credential",
      detail:
        "credential from providers.house.credential: a command, which was not run; metered by the spend gate",
      cure: null,
    },
  ],
  [
    "of a file",
    { file: keyFile },
    {
      status: "ready",
      detail: `credential from providers.house.credential: the file ${keyFile}; metered by the spend gate`,
      cure: null,
    },
  ],
  [
    "of a file that is not there",
    { file: join(directory, "none") },
    {
      status: "no_credential",
      detail: `providers.house.credential: the file ${join(directory, "none")} cannot be read`,
      cure: "Write the credential into the file, or correct providers.house.credential.",
    },
  ],
  [
    "of a variable",
    { env: "TEAM_KEY" },
    {
      status: "ready",
      detail: "credential from providers.house.credential: the variable TEAM_KEY; metered by the spend gate",
    },
  ],
  [
    "of a variable that is not set",
    { env: "NO_KEY" },
    {
      status: "no_credential",
      detail: "providers.house.credential: the variable NO_KEY is not set",
      cure: "Set NO_KEY, or correct providers.house.credential.",
    },
  ],
])(
  "a worker whose provider has a credential in the configuration, %s, is reported by that",
  (_name, credential, expected) => {
    const providers = credential === undefined ? {} : { house: { credential } };
    const config = configSchema({}).parse({ providers });
    const report = withMetering(withoutCredential, adapter, config, { TEAM_KEY: "sk-secret" });
    expect(report).toMatchObject(expected);
    expect(JSON.stringify(report)).not.toContain("sk-secret");
  },
);
