import { expect, it } from "vitest";
import { z } from "zod";
import { commonSettings, configuredKey, pickEnv, readAdapterSettings } from "./adapter-settings.ts";

const schema = z.strictObject({ ...commonSettings, maxTurns: z.int().positive().optional() });

it("fills in defaults", () => {
  expect(readAdapterSettings("codex", schema, { model: "m" })).toEqual({ model: "m", passEnv: [] });
});

it.each([
  [{ modle: "m" }, /workers\.codex.*modle/],
  [{ maxTurns: 0 }, /workers\.codex\.maxTurns/],
  [{ baseUrl: "file:///etc" }, /workers\.codex\.baseUrl: must be an http or https address/],
  [{ apiKeyEnv: "sk-123" }, /workers\.codex\.apiKeyEnv: must be the name/],
  [{ home: "mine" }, /workers\.codex\.home/],
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
