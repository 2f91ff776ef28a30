/** One host of a contender in a process of its own: fills the queue, submits, or works, as it is told. */
import type { OpenQueue } from "../queue/contender.ts";
import { callFrom } from "../store-work.ts";
import { contenders } from "./contenders.ts";
import type { Place } from "./contender.ts";
import { nowMs } from "./now.ts";

export type Told =
  | { readonly do: "open"; readonly contender: string; readonly at: Place; readonly host: string }
  | { readonly do: "fill"; readonly from: number; readonly count: number }
  | { readonly do: "submit"; readonly index: number }
  | { readonly do: "work"; readonly concurrency: number; readonly ends: boolean }
  | { readonly do: "stop" | "close" };

/** `at`: of `nowMs`. */
export type Said =
  | { readonly said: "ok"; readonly at: number }
  | { readonly said: "failed"; readonly message: string; readonly unavailable: boolean }
  | { readonly said: "started"; readonly at: number }
  | { readonly said: "done"; readonly count: number; readonly at: number };

const tellEachMs = 5;

const fillCallers = 4;

let queue: OpenQueue | undefined;
let worker: { stop(): Promise<void> } | undefined;
let done = 0;
let telling: NodeJS.Timeout | undefined;

const say = (said: Said): void => void process.send?.(said);

function tellDone(): void {
  telling = undefined;
  if (done > 0) say({ said: "done", count: done, at: nowMs() });
  done = 0;
}

async function obey(told: Told): Promise<void> {
  switch (told.do) {
    case "open": {
      const found = contenders.find(({ name }) => name === told.contender);
      if (found === undefined) throw new RangeError(`no contender ${told.contender}`);
      queue = await found.open(told.at, told.host);
      return;
    }
    case "fill":
      await callFrom(fillCallers, Math.ceil(told.count / 1000), (call) =>
        queue!.submitMany(told.from + call * 1000, Math.min(1000, told.count - call * 1000)),
      );
      return;
    case "submit":
      await queue!.submit(told.index);
      return;
    case "work":
      worker = await queue!.work(told.concurrency, {
        started() {
          if (told.concurrency <= toldStartsMax) say({ said: "started", at: nowMs() });
          return told.ends ? undefined : new Promise(() => {});
        },
        done() {
          done += 1;
          telling ??= setTimeout(tellDone, tellEachMs);
        },
      });
      return;
    case "stop":
      await worker?.stop();
      tellDone();
      return;
    case "close":
      await queue?.close();
  }
}

/** With more at once, each start is not told: that would be measured, too. */
const toldStartsMax = 10;

process.on("message", (told: Told) => {
  const startedAt = nowMs();
  obey(told).then(
    () => {
      say({ said: "ok", at: startedAt });
      if (told.do === "close") process.disconnect();
    },
    (error: unknown) => {
      const unavailable = error instanceof Error && error.name === "Unavailable";
      say({ said: "failed", message: error instanceof Error ? error.message : String(error), unavailable });
    },
  );
});

// Nobody asks any more.
process.on("disconnect", () => process.exit());
