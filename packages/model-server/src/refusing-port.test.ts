import { expect, it } from "vitest";
import { startRefusingPort } from "./refusing-port.ts";

it("a refusing port refuses every connection while it is held", async () => {
  const refusing = await startRefusingPort();
  try {
    for (let attempt = 0; attempt < 3; attempt += 1) {
      await expect(fetch(refusing.url)).rejects.toMatchObject({ cause: { code: "ECONNREFUSED" } });
    }
  } finally {
    await refusing.close();
  }
});
