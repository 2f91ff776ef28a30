/**
 * Bugs that were worth planting, because systems like this one were seen to have them. Each is a small change of one
 * source file, and names the test that must fail when it is made. `main.ts mutants` plants them in a copy of the workspace.
 */
export interface PlantedBug {
  readonly name: string;
  /** What goes wrong where this bug is real. */
  readonly harm: string;
  /** Below the workspace's root. */
  readonly file: string;
  /** Occurs exactly once in the file. */
  readonly search: string;
  readonly replace: string;
  readonly caughtBy: {
    readonly file: string;
    /** Name of the test, or the beginning of it where the test is a table. */
    readonly test: string;
    /** The file that has the name, where that is a suite's and not the test file itself. */
    readonly namedIn?: string;
  };
}

const storeTests = "packages/store-sqlite/src/sqlite-job-store.test.ts";

export const plantedBugs: readonly PlantedBug[] = [
  {
    name: "attempt check dropped",
    harm: "a settlement of an earlier attempt ends the current one",
    file: "packages/scheduler/src/job-transition.ts",
    search: " && record.attempt === ref.attempt",
    replace: "",
    caughtBy: {
      file: "packages/scheduler/src/job-transition.test.ts",
      test: "takes nothing that names another attempt",
    },
  },
  {
    name: "epoch check dropped",
    harm: "an owner that was taken over from still settles its claim",
    file: "packages/scheduler/src/job-transition.ts",
    search: " && record.epoch === ref.epoch",
    replace: "",
    caughtBy: {
      file: "packages/scheduler/src/job-transition.test.ts",
      test: "takes nothing that names another epoch",
    },
  },
  {
    name: "fsync skipped",
    harm: "a power cut takes back what was acknowledged",
    file: "packages/store-sqlite/src/state-database.ts",
    search: "PRAGMA synchronous = FULL;",
    replace: "PRAGMA synchronous = OFF;",
    caughtBy: {
      file: "packages/store-sqlite/src/state-database.test.ts",
      test: "uses the write-ahead log and a full sync, and waits for locks itself",
    },
  },
  {
    name: "hold not settled",
    harm: "money stays held after its run, until nothing may start",
    file: "packages/core/src/delegation/gateway.ts",
    search: "    await bookkeeping.settle(permit, { ...charge });\n",
    replace: "",
    caughtBy: {
      file: "packages/core/src/runtime/create-runtime.test.ts",
      test: "holds the ceiling while a run goes on and what it spent afterwards",
    },
  },
  {
    name: "group kill only",
    harm: "children that left the process group outlive their run",
    file: "packages/containment/src/process-group-box.ts",
    search: "    const killed = killMembers(this.#search());\n",
    replace: "    process.kill(-this.#payload.pid, 'SIGKILL');\n    const killed: ProcessFact[] = [];\n",
    caughtBy: {
      file: "packages/containment/src/conformance.test.ts",
      test: "best-effort finds everybody who keeps parent, session or environment",
    },
  },
  {
    name: "key freed before retry",
    harm: "a second job of the key runs while the first waits for its next attempt",
    file: "packages/store-sqlite/src/jobs/job-writes.ts",
    search: "if (isTerminal(after.state))",
    replace: 'if (after.state.kind !== "running")',
    caughtBy: {
      file: storeTests,
      // The rest of the name is cut off where the suite is run as a table.
      test: "holds a key through claim",
      namedIn: "packages/scheduler/src/testing/submit-cases.ts",
    },
  },
  {
    name: "wall clock in the lease",
    harm: "a correction of the clock keeps a dead scheduler alive, or takes jobs from one that lives",
    file: "packages/scheduler/src/recovery/owner-lease.ts",
    search: "const nowMs = clock.monotonicMs();",
    replace: "const nowMs = clock.now();",
    caughtBy: {
      file: "packages/scheduler/src/recovery/recovery.test.ts",
      test: "does not live on when the wall clock is set by",
    },
  },
  {
    name: "early takeover",
    harm: "an owner that beats slowly loses its jobs to a neighbor while it works on them",
    file: "packages/scheduler/src/recovery/owner-lease.ts",
    search: "nowMs - seen.sinceMs >= other.leaseMs",
    replace: "nowMs - seen.sinceMs >= other.leaseMs / 10",
    caughtBy: {
      file: "packages/scheduler/src/recovery/recovery.test.ts",
      test: "does not end early when the wall clock is set by",
    },
  },
  {
    name: "last cause wins",
    harm: "a timeout is reported as the cancel that came after it",
    file: "packages/contract/src/cancellation.ts",
    search: "reason: before === null ? reason : before.reason",
    replace: "reason",
    caughtBy: {
      file: "packages/contract/src/cancellation.test.ts",
      test: "keeps the first reason when force is added",
    },
  },
  {
    name: "half-open probe not returned",
    harm: "a breaker whose probe was cancelled refuses for ever",
    file: "packages/core/src/breaker/breaker.ts",
    search: "    entry.inFlight -= 1;\n",
    replace: '    if (health !== "neutral") entry.inFlight -= 1;\n',
    caughtBy: {
      file: "packages/core/src/breaker/breaker.test.ts",
      test: "a probe that says nothing makes room for another, for ever",
    },
  },
  {
    name: "late result applied",
    harm: "a scheduler that slept past its lease ends the attempt of its heir",
    file: "packages/store-sqlite/src/jobs/settle.ts",
    search: 'applyEvent(sql, stored, { type: "settle", settlement })',
    replace:
      'applyEvent(sql, stored, { type: "settle", settlement: { ...settlement, ref: { ...ref, attempt: stored.record.attempt, epoch: stored.record.epoch } } })',
    caughtBy: {
      file: storeTests,
      test: "fences an owner that wakes",
      namedIn: "packages/scheduler/src/testing/owner-cases.ts",
    },
  },
  {
    name: "late success over a later attempt",
    harm: "a success of an attempt that was given up ends the job while the next one runs",
    file: "packages/scheduler/src/job-transition.ts",
    search: "record.attempt !== attempt || ",
    replace: "",
    caughtBy: {
      file: storeTests,
      test: "does not apply a late success",
      namedIn: "packages/scheduler/src/testing/owner-cases.ts",
    },
  },
  {
    name: "live process taken over from",
    harm: "a loaded machine, or a lock on the database, ends finished work as lost",
    file: "packages/scheduler/src/recovery/owner-lease.ts",
    search: 'if (state === "unknown") return hasRunOut;',
    replace: "if (hasRunOut) return true;",
    caughtBy: {
      file: "packages/scheduler/src/recovery/recovery.test.ts",
      test: "that has run out is no reason to take over from a process that is provably alive",
    },
  },
  {
    name: "next of a workspace not let in",
    harm: "the jobs behind the first of their workspace never run",
    file: "packages/store-sqlite/src/jobs/queue.ts",
    search: "  if (workspace === null) return;\n  sql.run(",
    replace: "  if (sql !== undefined) return;\n  sql.run(",
    caughtBy: {
      file: "packages/store-sqlite/src/queue.test.ts",
      test: "hides nothing behind it, however many they are, and is worked off in its order",
    },
  },
];
