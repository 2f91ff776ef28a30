import { expect, it } from "vitest";
import { z } from "zod";
import { commonSettings, configuredKey, pickEnv, readAdapterSettings } from "./adapter-settings.ts";

const schema = z.strictObject({ ...commonSettings, max_turns: z.int().positive().optional() });

it("reads its own settings and leaves the runner's alone", () => {
  const settings = { model: "m", program: "/bin/x", home: "own", env_pass: ["A"] };
  expect(readAdapterSettings("codex", schema, settings)).toEqual({ model: "m" });
});

it.each([
  [{ modle: "m" }, /workers\.codex.*modle/],
  [{ max_turns: 0 }, /workers\.codex\.settings\.max_turns/],
  [{ base_url: "file:///etc" }, /workers\.codex\.settings\.base_url: must be an http or https address/],
  [{ base_url: "https://me:secret@host/v1" }, /settings\.base_url: must hold no user or password/],
  [{ base_url: "http://key@host" }, /settings\.base_url: must hold no user or password/],
  [{ api_key_env: "sk-123" }, /workers\.codex\.settings\.api_key_env: must be the name/],
])("refuses %j by name", (settings, message) => {
  expect(() => readAdapterSettings("codex", schema, settings)).toThrow(
    expect.objectContaining({ code: "AC_CONFIG_INVALID", message: expect.stringMatching(message) }),
  );
});

it("picks what is set and not empty", () => {
  expect(pickEnv({ A: "1", B: "", C: undefined }, ["A", "B", "C", "D"])).toEqual({ A: "1" });
});

it("finds the key that the setting names, and says so when it is not there", () => {
  expect(configuredKey("codex", undefined, {})).toBeUndefined();
  expect(configuredKey("codex", "MY_KEY", { MY_KEY: "k" })).toBe("k");
  expect(() => configuredKey("codex", "MY_KEY", { MY_KEY: "" })).toThrow(/MY_KEY is not set/);
});
