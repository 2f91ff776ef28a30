/** Ours on PostgreSQL: the port alone, and whole hosts, whose worker is none. */
import { silentLog, systemClock, systemIds } from "@agentcore/contract";
import { QueueClient } from "@agentcore/scheduler";
import { createPostgresJobStore, createPostgresLedger, openPostgresStore } from "@agentcore/store-postgres";
import { startWorker } from "../queue/agentcore.ts";
import type { OpenQueue } from "../queue/contender.ts";
import { claimOf, coalesce, owner, submissionOf, succeed } from "../store-jobs.ts";
import { leaseSeconds, type ScaleContender } from "./contender.ts";

const shared = {
  server: "postgres",
  durability: "synced by PostgreSQL before each answer",
  place: "AgentCore",
} as const;

const jobsOf = (from: number, count: number) =>
  Array.from({ length: count }, (_, at) => submissionOf(from + at));

/** Claims and ends jobs in one call each, as the loop of a scheduler does with jobs that take no time. */
export const port: ScaleContender = {
  ...shared,
  name: "AgentCore, JobStore",
  lease: null,
  async open({ server: url }, host): Promise<OpenQueue> {
    const database = await openPostgresStore({ url });
    const store = createPostgresJobStore(database);
    const by = `${host}-${systemIds.next()}`;
    await store.registerOwner({ ...owner, owner: by, process: { ...owner.process, host } });
    return {
      submit: (index) => store.submit([submissionOf(index)], coalesce),
      submitMany: (from, count) => store.submit(jobsOf(from, count), coalesce),
      async work(concurrency, { done }) {
        let open = true;
        const turns = async (): Promise<void> => {
          for (let running = await store.claim(claimOf(concurrency, by)); running.length > 0;) {
            const next = open ? claimOf(concurrency, by) : undefined;
            const { claimed } = await store.settleAndClaim(running.map(succeed), next);
            for (const _ of running) done();
            running = claimed;
          }
        };
        const worked = turns();
        return {
          async stop() {
            open = false;
            await worked;
          },
        };
      },
      close: async () => {
        await store.removeOwner(by);
        await store.close();
        await database.close();
      },
    };
  },
};

interface WholeOptions {
  readonly name: string;
  /** Each job holds money in the ledger that all hosts share. */
  readonly money: boolean;
}

function wholeHosts({ name, money }: WholeOptions): ScaleContender {
  return {
    ...shared,
    name,
    lease: money ? null : `its lease of ${leaseSeconds} s`,
    async open({ server: url }, host): Promise<OpenQueue> {
      const database = await openPostgresStore({ url });
      const store = createPostgresJobStore(database);
      const client = new QueueClient({ store, clock: systemClock, ids: systemIds, log: silentLog });
      const budget = money
        ? {
            provider: "provider",
            ledger: createPostgresLedger(database),
            limits: { global: { cost_usd: { day: 1e6 } }, attempt: { cost_usd: 0.01 } },
          }
        : {};
      return {
        submit: (index) => client.submit(submissionOf(index).job),
        submitMany: (from, count) => store.submit(jobsOf(from, count), coalesce),
        work: (concurrency, observer) =>
          startWorker({ store, concurrency, observer, worker: "shell", host, ...budget }),
        close: async () => {
          client.closeClient();
          await store.close();
          await database.close();
        },
      };
    },
  };
}

export const hosts = wholeHosts({ name: "AgentCore, whole hosts", money: false });
export const hostsWithMoney = wholeHosts({
  name: "AgentCore, whole hosts, each job holds money",
  money: true,
});
