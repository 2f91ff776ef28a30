/** The fleet in small; `main.ts fleet --hosts 4 --jobs 2000 --faults 200` is the whole of it. */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { patienceMs } from "@agentcore/contract/testing";
import { expect, it } from "vitest";
import { canMake } from "../own-namespace.ts";

it.runIf(canMake("network"))(
  "two hosts on one database through power cuts, kills, cut cables and wrong clocks: each job runs to one end, never beside itself",
  () => {
    const program = fileURLToPath(new URL("../main.ts", import.meta.url));
    const size = ["--hosts", "2", "--jobs", "60", "--faults", "8"];
    const args = ["--conditions=@agentcore/source", program, "fleet", ...size];
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
    console.info(stdout);
    expect(stderr).toBe("");
    expect(stdout).toMatch(/^findings +0$/m);
    expect(stdout).toMatch(/^faults +8 /m);
    expect(status).toBe(0);
  },
  patienceMs(600_000),
);
