/**
 * A supervising process for the conformance suite: opens one implementation and starts hostile workers in it, told so
 * by JSON lines on stdin. The suite kills it, or asks it to end a run, and then looks from outside.
 * Arguments: implementation, state directory.
 */
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import {
  markerVariable,
  openContainment,
  type Contained,
  type ContainedCommand,
  type ImplementationName,
} from "../index.ts";
import { armedLine, hostileCommand, type HostileEnding } from "./hostile-worker.ts";

/** What the suite sends. */
export type SupervisorOrder =
  /** Start, do not release, and say when the box waits. */
  | { readonly do: "hold"; readonly token: string; readonly kinds: string }
  /** Start and release, and say nothing more. */
  | { readonly do: "start"; readonly token: string; readonly kinds: string }
  /** Start, release, wait until armed, end in this way, report the receipt. */
  | {
      readonly do: "run";
      readonly token: string;
      readonly kinds: string;
      readonly ending: "normal" | "cancel" | "timeout";
      readonly holdMs: number;
    }
  | { readonly do: "sweep" };

const [implementation, stateDir] = process.argv.slice(2) as [ImplementationName, string];
const containment = await openContainment({ implementation, stateDir });

function say(message: unknown): void {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}

async function startHostile(
  token: string,
  kinds: string,
  ending: HostileEnding,
  grace: Pick<ContainedCommand, "graceMs" | "secondTermAfterMs"> = {},
): Promise<Contained> {
  return containment.start({
    ...hostileCommand({ token, ending, kinds }),
    cwd: "/",
    env: { PATH: process.env.PATH ?? "/usr/bin:/bin", [markerVariable]: "overwritten" },
    marker: `conformance-${token}`,
    ...grace,
  });
}

async function armed(run: Contained): Promise<void> {
  let text = "";
  for await (const chunk of run.stdout.iterator({ destroyOnReturn: false })) {
    text += String(chunk);
    if (text.includes(armedLine)) return;
  }
}

const hostileEndings = { normal: "exits", cancel: "stays", timeout: "stays-deaf" } as const;

async function perform(order: SupervisorOrder): Promise<void> {
  switch (order.do) {
    case "hold": {
      const run = await startHostile(order.token, order.kinds, "stays");
      say({ holding: run.identity });
      return;
    }
    case "start": {
      const run = await startHostile(order.token, order.kinds, "stays");
      run.stdout.resume();
      run.go();
      return;
    }
    case "run": {
      const grace = order.ending === "timeout" ? { graceMs: 60, secondTermAfterMs: 30 } : {};
      const run = await startHostile(order.token, order.kinds, hostileEndings[order.ending], grace);
      run.go();
      await armed(run);
      run.stdout.resume();
      if (order.ending !== "normal") {
        await sleep(order.holdMs);
        void run.cancel();
      }
      say({ exit: await run.exited, receipt: await run.finish() });
      return;
    }
    case "sweep":
      say({ swept: await containment.sweep() });
  }
}

say({ up: true });
for await (const line of createInterface({ input: process.stdin })) {
  await perform(JSON.parse(line) as SupervisorOrder);
}
// Whoever sent the orders is gone, perhaps because a check failed; what still runs must not keep this process.
process.exit();
