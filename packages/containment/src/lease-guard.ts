/**
 * A small process beside this one that kills it (SIGKILL) if it does not say in time that its lease was renewed. It is for the
 * moment at which this process cannot stop its runs: it was stopped by SIGSTOP, or its event loop hangs. Sealed boxes
 * end with the process that made them. The guard has its own session, so a signal of a terminal does not reach it, and ends
 * with this process.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { ignore, type Log } from "@agentcore/contract";

export interface LeaseGuard {
  /** Kills this process unless called again within this time. The first call starts the guard. */
  renew(forMs: number): void;
  /** Nothing runs here: there is nothing to kill until the next `renew`. */
  standDown(): void;
  /** Ends the guard. */
  close(): void;
}

/** Each line is a time in ms; a negative one stands the guard down. The end of the input ends the guard: the process is gone, or has closed it. */
const program = `
let timer;
const guarded = Number(process.argv[1]);
process.stdin.setEncoding("utf8").on("data", (text) => {
  clearTimeout(timer);
  const forMs = Number(text.trim().split("\\n").at(-1));
  if (forMs >= 0) timer = setTimeout(() => process.kill(guarded, "SIGKILL"), forMs);
}).on("end", () => clearTimeout(timer));
`;

export function createLeaseGuard(log: Log): LeaseGuard {
  let child: ChildProcess | null = null;
  const start = (): ChildProcess => {
    const started = spawn(process.execPath, ["--eval", program, String(process.pid)], {
      detached: true,
      env: {},
      stdio: ["pipe", "ignore", "ignore"],
    });
    started.stdin?.on("error", (error) => ignore(error, "the guard is gone; its exit is handled"));
    started.once("error", (error) => {
      log.error({ error }, "the guard of the lease could not be started; the next renewal tries again");
      if (child === started) child = null;
    });
    started.once("exit", () => {
      if (child !== started) return;
      log.warn({ pid: started.pid }, "the guard of the lease ended; the next renewal starts another");
      child = null;
    });
    started.unref();
    return started;
  };
  return {
    renew: (forMs) => {
      child ??= start();
      child.stdin?.write(`${forMs}\n`);
    },
    standDown: () => void child?.stdin?.write("-1\n"),
    close: () => {
      const closing = child;
      child = null;
      closing?.stdin?.end();
    },
  };
}
