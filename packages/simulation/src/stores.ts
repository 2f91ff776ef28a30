/** Where a simulated world keeps its state: in memory, or in a database that each process reaches over connections of its own. */
import { createMemoryLedger, type Ledger } from "@agentcore/core";
import { createMemoryStore, type JobStore } from "@agentcore/scheduler";
import { createPostgresJobStore, createPostgresLedger, openPostgresStore } from "@agentcore/store-postgres";

export interface Stores {
  /** For those who look at the world from outside. */
  readonly store: JobStore;
  readonly ledger: Ledger;
  /** As the processes of a slot reach them. */
  reachedBy(slot: number): { readonly store: JobStore; readonly ledger: Ledger };
  /** Calls `listener` after each commit that changed jobs. */
  onChange(listener: () => void): void;
  /** See `createVirtualClock`. */
  readonly settle: () => Promise<void>;
}

const nextTurn = (): Promise<void> =>
  new Promise((resolve) => {
    setImmediate(resolve);
  });

export function memoryStores(): Stores {
  const store = createMemoryStore();
  const ledger = createMemoryLedger();
  return {
    store,
    ledger,
    reachedBy: () => ({ store, ledger }),
    onChange: (listener) => void store.onChange(listener),
    // Nothing but promises is awaited.
    settle: nextTurn,
  };
}

/** Time stands still while a call is on its way to the database and back. */
export async function postgresStores(
  url: string,
  slots: number,
): Promise<Stores & { close(): Promise<void> }> {
  const calls = new Set<Promise<unknown>>();
  const listeners: (() => void)[] = [];
  const open = async () => {
    const handle = await openPostgresStore({ url });
    const store = createPostgresJobStore(handle);
    store.onChange(() => {
      for (const listener of listeners) listener();
    });
    return { store: counted(store, calls), ledger: counted(createPostgresLedger(handle), calls) };
  };
  const outside = await open();
  const reached = await Promise.all(Array.from({ length: slots }, open));
  return {
    ...outside,
    reachedBy: (slot) => reached[slot]!,
    onChange: (listener) => void listeners.push(listener),
    async settle() {
      for (;;) {
        await nextTurn();
        if (calls.size === 0) return;
        await Promise.race(calls);
      }
    },
    close: async () => void (await Promise.all([outside, ...reached].map(({ store }) => store.close()))),
  };
}

/** Adds each call to the set until it is settled. */
function counted<T extends object>(target: T, calls: Set<Promise<unknown>>): T {
  return new Proxy(target, {
    get(object, property) {
      const value: unknown = Reflect.get(object, property);
      if (typeof value !== "function") return value;
      return (...args: unknown[]) => {
        const answer: unknown = Reflect.apply(value, object, args);
        if (answer instanceof Promise) {
          const call: Promise<unknown> = answer.catch(() => undefined).finally(() => calls.delete(call));
          calls.add(call);
        }
        return answer;
      };
    },
  });
}
