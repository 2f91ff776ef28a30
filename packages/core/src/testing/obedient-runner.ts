/** A runner whose worker does what its instructions say, without a process: for suites that need every kind of end. */
import type { WorkerRunner } from "@agentcore/contract";
import { createFakeRunner, type FakeRun, type FakeRunner } from "./fake-worker.ts";

export interface ObedientRunner {
  readonly runner: WorkerRunner & Pick<FakeRunner, "runs">;
  readonly instructions: {
    readonly succeeds: string;
    readonly fails: string;
    readonly crashes: string;
    readonly hangs: string;
    emits(count: number): string;
    /** Instructions for a probe whose looks give this answer. */
    answers(answer: object): string;
  };
}

/** Instructions: `succeed`, `fail`, `crash`, `hang` until stopped, or `emit N` numbered lines. */
export function obedientRunner(): ObedientRunner {
  const fake = createFakeRunner({ look: async (script) => ({ stdout: script }) });
  const obey = (run: FakeRun | undefined): void => {
    const [verb, argument] = run?.request.task.instructions.split(" ") ?? [];
    const lines = verb === "emit" ? Number(argument) : 0;
    for (let i = 0; i < lines; i += 1) run?.emit({ type: "stdout", text: String(i) });
    if (verb === "fail")
      run?.finish({ outcome: "failed", errorClass: "task_failed", code: "AC_WORKER_EXIT", exitCode: 1 });
    else if (verb === "crash")
      run?.finish({
        outcome: "failed",
        errorClass: "worker_crashed",
        code: "AC_WORKER_SIGNAL",
        exitCode: null,
      });
    else if (verb !== "hang") run?.finish();
  };
  return {
    runner: {
      containmentLevel: "sealed",
      runs: fake.runs,
      start(request) {
        const run = fake.start(request);
        // A real worker begins after `start` has returned.
        setImmediate(obey, fake.runs.at(-1));
        return run;
      },
    },
    instructions: {
      succeeds: "succeed",
      fails: "fail",
      crashes: "crash",
      hangs: "hang",
      emits: (count) => `emit ${count}`,
      answers: (answer) => JSON.stringify(answer),
    },
  };
}
