/** From `kill -9` of the host that runs a job to the start of the job on the other host. */
import { setTimeout as pause } from "node:timers/promises";
import type { Place, ScaleContender } from "./contender.ts";
import { Host } from "./host.ts";
import { nowMs } from "./now.ts";

const limitMs = 100_000;

/** In ms; null: not within the limit. */
export async function takeoverMs(contender: ScaleContender, at: Place): Promise<number | null> {
  const [dying, other] = await Promise.all([
    Host.open(contender, at, "host-1"),
    Host.open(contender, at, "host-2"),
  ]);
  try {
    const first = startOn(dying);
    await dying.tell({ do: "work", concurrency: 10, ends: false });
    await other.tell({ do: "submit", index: 0 });
    await first;
    const again = startOn(other);
    await other.tell({ do: "work", concurrency: 10, ends: false });
    // Until it is known to the others that the host lives.
    await pause(2000);
    const killedAt = nowMs();
    dying.kill();
    const startedAt = await Promise.race([again, pause(limitMs, null, { ref: false })]);
    return startedAt === null ? null : startedAt - killedAt;
  } finally {
    dying.kill();
    other.kill();
  }
}

export const takeoverLimitMs = limitMs;

function startOn(host: Host): Promise<number> {
  return new Promise((resolve) => {
    host.onSaid((said) => {
      if (said.said === "started") resolve(said.at);
    });
  });
}
