import { expect, it } from "vitest";
import { postJson } from "./post-json.ts";

it("says why the address could not be reached", async () => {
  const sent = postJson("http://127.0.0.1:1/", "{}", AbortSignal.timeout(10_000));
  await expect(sent).rejects.toThrow(/ECONNREFUSED|bad port/);
});
