/** What every `SpendReader` must do, beside the ledger and the journal of calls that book the amounts. */
import assert from "node:assert/strict";
import type { Ledger } from "../ledger/ledger.ts";
import type { SpendReader } from "../ledger/spend-reader.ts";
import type { CallJournal } from "../spend/spend-gate.ts";
import { endedCall, openCall } from "./call-journal-conformance.ts";
import { counterOf } from "./ledger-conformance.ts";

const hourMs = 3_600_000;
const noon = Date.UTC(2026, 4, 10, 12);

/** Spend is summed by window, of everything and of each worker, and nothing else. `ledger` must be empty. */
export async function checkReadSpend(ledger: Ledger, readSpend: SpendReader["readSpend"]): Promise<void> {
  let holds = 0;
  const charge = (at: number, worker: string, costMicroUsd: number) => {
    const windows = [
      ["hour", Math.floor(at / hourMs) * hourMs],
      ["day", Math.floor(at / (24 * hourMs)) * 24 * hourMs],
    ] as const;
    const scopes = ["global", "tenant:worker:", `worker:${worker}`, "workers", "provider:p"];
    return ledger.charge(
      {
        holdId: `h${(holds += 1)}`,
        jobId: "j",
        attempt: 1,
        worker,
        owner: { pid: 1, startTicks: null, bootId: null },
        heldAt: at,
        costMicroUsd: 0,
        tokens: 0,
        counters: scopes.flatMap((scope) =>
          windows.map(([window, windowStart]) => ({ ...counterOf(scope, window), windowStart })),
        ),
      },
      { costMicroUsd, tokens: 7, basis: "reported", settledAt: at },
    );
  };
  await charge(noon, "claude", 250_000);
  await charge(noon + 1, "claude", 250_000);
  await charge(noon + hourMs - 1, "shell", 0);
  await charge(noon + hourMs, "claude", 1);

  const hour = { window: "hour", since: noon, until: noon + hourMs } as const;
  assert.deepEqual(await readSpend(hour), [
    { at: noon, scope: "global", costUsd: 0.5, tokens: 21 },
    { at: noon, scope: "worker:claude", costUsd: 0.5, tokens: 14 },
    { at: noon, scope: "worker:shell", costUsd: 0, tokens: 7 },
  ]);
  const midnight = noon - 12 * hourMs;
  const days = await readSpend({ window: "day", since: midnight, until: midnight + 1 });
  assert.deepEqual(
    days.map(({ at, scope, costUsd }) => [at, scope, costUsd]),
    [
      [midnight, "global", 0.500001],
      [midnight, "worker:claude", 0.500001],
      [midnight, "worker:shell", 0],
    ],
  );
  assert.deepEqual(await readSpend({ ...hour, since: 0, until: 1 }), []);
}

/** The calls of a time are summed by worker, model and tenant, what is open apart. The job has the worker `shell` and no tenant. */
export async function checkReadCallSpend(
  journal: CallJournal,
  jobId: string,
  readCallSpend: SpendReader["readCallSpend"],
): Promise<void> {
  const call = { jobId, startedAt: 1000 };
  await journal.end(endedCall(openCall({ ...call, id: "early", startedAt: 999 })));
  await journal.end(endedCall(openCall({ ...call, id: "a" })));
  await journal.end(endedCall(openCall({ ...call, id: "b", model: "claude-haiku-5" }), { costMicroUsd: 10 }));
  await journal.begin(openCall({ ...call, id: "c", startedAt: 1999 }));
  await journal.end(endedCall(openCall({ ...call, id: "late", startedAt: 2000 })));
  const { workers, models, tenants } = await readCallSpend({ since: 1000, until: 2000 });
  assert.deepEqual(models, [
    { name: "anthropic/claude-opus-5", calls: 2, costUsd: 0.004321, tokens: 1237, heldUsd: 0.09 },
    { name: "anthropic/claude-haiku-5", calls: 1, costUsd: 0.00001, tokens: 1237, heldUsd: 0 },
  ]);
  const all = { calls: 3, costUsd: 0.004331, tokens: 2474, heldUsd: 0.09 };
  assert.deepEqual(workers, [{ name: "shell", ...all }]);
  assert.deepEqual(tenants, [{ name: null, ...all }]);
  const none = await readCallSpend({ since: 3000, until: 4000 });
  assert.deepEqual([none.workers, none.models, none.tenants], [[], [], []]);
}
