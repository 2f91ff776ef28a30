import { expect, it } from "vitest";
import { checkConfig } from "../library/check-config.ts";
import { sharedStoreOf, withoutStoreSecret, withStore } from "./shared-store.ts";

const urlOf = (host: string): string => `postgres://agents:secret@${host}/agentcore`;

it("an option wins over the variable, the variable over the files, and the first file over the next", () => {
  const env = { AGENTCORE_STORE: urlOf("variable") };
  const files = [null, urlOf("daemon"), urlOf("configuration")];
  expect(sharedStoreOf(env, files, urlOf("option"))).toBe(urlOf("option"));
  expect(sharedStoreOf(env, files)).toBe(urlOf("variable"));
  expect(sharedStoreOf({ AGENTCORE_STORE: "" }, files)).toBe(urlOf("daemon"));
  expect(sharedStoreOf({}, [undefined])).toBeNull();
});

it.each(["mysql://agents:secret@db/agentcore", "postgres://agents:secret/pass@db/agentcore"])(
  "a wrong URL is refused by each of them, and its password is not repeated",
  (url) => {
    const said = [
      () => sharedStoreOf({ AGENTCORE_STORE: url }, []),
      () => sharedStoreOf({}, [], url),
      () => checkConfig({ store: url }, {}),
      () => checkConfig({ store: "${URL}" }, { URL: url }),
    ].map((use) => {
      try {
        use();
        return "accepted";
      } catch (error) {
        return (error as Error).message;
      }
    });
    expect(said[0]).toMatch(/^the variable AGENTCORE_STORE is not /);
    expect(said[1]).toMatch(/^store is not /);
    for (const text of said.slice(2)) expect(text).toMatch(/^config\.store is not a|^store: is not /);
    expect(said.join()).not.toContain("secret");
  },
);

it("a variable that is not set is the only error of a URL that has it", () => {
  expect(() => checkConfig({ store: "postgres://${HOST}/agentcore" }, {})).toThrow(
    /^[^;]*the environment variable HOST is not set$/,
  );
});

it("what opens the store is kept from workers, and a password for another database is not", () => {
  const env = { PATH: "/bin", AGENTCORE_STORE: "x", PGPASSWORD: "y", PGPASSFILE: "z" };
  expect(withoutStoreSecret(env, "postgres://agents@db/agentcore")).toEqual({ PATH: "/bin" });
  expect(withoutStoreSecret(env, urlOf("db"))).toEqual({ PATH: "/bin", PGPASSWORD: "y", PGPASSFILE: "z" });
  expect(withoutStoreSecret(env, null)).toEqual(env);
  expect(withStore({ A: "b" }, urlOf("db"))).toEqual({ A: "b", AGENTCORE_STORE: urlOf("db") });
});
