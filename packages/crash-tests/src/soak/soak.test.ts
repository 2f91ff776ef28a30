/** The soak in small; `main.ts daemon-soak --minutes 30` is the whole of it. */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { patienceMs } from "@agentcore/contract/testing";
import { expect, it } from "vitest";
import { canMake } from "../own-namespace.ts";

it.runIf(canMake("mounts"))(
  "a minute of 20 events a second through kills of the runtime, a full disk and slow clients: every event is accounted for",
  () => {
    const program = fileURLToPath(new URL("../main.ts", import.meta.url));
    const args = ["--conditions=@agentcore/source", program, "daemon-soak", "--minutes", "1"];
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
    console.info(stdout);
    expect(stderr).toBe("");
    expect(stdout).toMatch(/^findings +0$/m);
    expect(stdout).toMatch(/^faults +runtime killed [1-9]/m);
    expect(status).toBe(0);
  },
  patienceMs(300_000),
);
