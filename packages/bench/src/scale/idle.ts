/** From a submit in one process to the start of the job on one of two hosts that wait for it. */
import type { Place, ScaleContender } from "./contender.ts";
import { Host } from "./host.ts";

const samplesMax = 100;
const withinMs = 15_000;
const hostNames = ["host-1", "host-2"];

/** In ms, upwards. */
export async function idleLatencies(contender: ScaleContender, at: Place): Promise<readonly number[]> {
  const submitter = await Host.open(contender, at, "submitter");
  const hosts = await Promise.all(hostNames.map((name) => Host.open(contender, at, name)));
  const latencies: number[] = [];
  let started = Promise.withResolvers<number>();
  let done = Promise.withResolvers<void>();
  for (const host of hosts) {
    host.onSaid((said) => {
      if (said.said === "started") started.resolve(said.at);
      if (said.said === "done") done.resolve();
    });
  }
  try {
    for (const host of hosts) await host.tell({ do: "work", concurrency: 10, ends: true });
    const endAt = performance.now() + withinMs;
    for (let index = 0; index < samplesMax && performance.now() < endAt; index += 1) {
      started = Promise.withResolvers();
      done = Promise.withResolvers();
      const submittedAt = await submitter.tell({ do: "submit", index });
      latencies.push((await started.promise) - submittedAt);
      await done.promise;
    }
    for (const host of hosts) await host.tell({ do: "stop" });
    for (const host of [...hosts, submitter]) await host.close();
  } finally {
    for (const host of [...hosts, submitter]) host.kill();
  }
  return latencies.toSorted((a, b) => a - b);
}
