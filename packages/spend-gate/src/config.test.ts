import { expect, it } from "vitest";
import { providersSchema } from "./config.ts";

it("reads all settings of a provider, with their defaults", () => {
  const parsed = providersSchema.parse({
    anthropic: {
      base_url: "https://gateway.example/anthropic/",
      credential: { command: "pass show anthropic" },
      client_certificate: { cert: "/etc/cert.pem", key: "/etc/key.pem" },
      requests_per_minute: 50,
      tokens_per_minute: 80_000,
      unknown_price: { input: 15, output: 75 },
      models: { "claude-opus-5": { requests_per_minute: 10 } },
    },
    openai: {},
  });
  expect(parsed["anthropic"]).toMatchObject({
    base_url: "https://gateway.example/anthropic",
    credential: { command: "pass show anthropic", refresh: 600_000 },
    output_bound: 32_000,
  });
  expect(parsed["openai"]).toEqual({ output_bound: 32_000, ask_for_usage: true, models: {} });
});

it.each([
  ["an address with a password", { base_url: "https://user:secret@gateway.example" }],
  ["an address with a query", { base_url: "https://gateway.example?key=1" }],
  ["an address of another kind", { base_url: "file:///etc/passwd" }],
  ["a credential in the file", { credential: "sk-secret" }],
  ["two sources of a credential", { credential: { env: "A", file: "/a" } }],
  ["a name that is no variable", { credential: { env: "A B" } }],
  ["a relative path", { credential: { file: "key" } }],
  ["a certificate without its key", { client_certificate: { cert: "/a" } }],
  ["a rate of nothing", { requests_per_minute: 0 }],
  ["an unknown setting", { timeout: "5m" }],
])("refuses %s", (_name, settings) => {
  expect(providersSchema.safeParse({ anthropic: settings }).success).toBe(false);
});

it("says where a credential belongs that is in the file, without repeating it", () => {
  const parsed = providersSchema.safeParse({ anthropic: { credential: "sk-secret" } });
  expect(parsed.error?.issues.map(({ message }) => message)).toEqual([
    "must say where the credential is, such as { env: NAME }, { file: /PATH } or { command: … }; the credential itself does not belong in this file",
  ]);
});
