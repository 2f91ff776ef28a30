/**
 * Tells systemd how the daemon is, as `sd_notify` describes. Node cannot open the datagram socket that it needs, so the program
 * `systemd-notify` does it; the unit needs `NotifyAccess=all`. Without a service manager nothing happens.
 */
import { errorText, systemClock, type Log, type Timer } from "@agentcore/contract";
import { execa } from "execa";
import type { Environment } from "@agentcore/yaml-file";

const notifyMsMax = 5_000;

/**
 * Never rejects: a daemon that cannot say how it is works all the same. Logged, because a service manager that hears nothing
 * ends the daemon.
 */
export async function notifyServiceManager(
  env: Environment,
  log: Log,
  ...states: readonly string[]
): Promise<void> {
  const socket = env["NOTIFY_SOCKET"];
  if (socket === undefined) return;
  try {
    await execa("systemd-notify", [`--pid=${process.pid}`, ...states], {
      env: { NOTIFY_SOCKET: socket, PATH: env["PATH"] ?? "/usr/bin:/bin" },
      extendEnv: false,
      timeout: notifyMsMax,
      stdio: "ignore",
    });
  } catch (error) {
    log.warn({ states, problem: errorText(error) }, "the service manager could not be told");
  }
}

/** What says that a reload began. `READY=1` says that it has ended. */
export function reloadingStates(): readonly string[] {
  return ["RELOADING=1", `MONOTONIC_USEC=${process.hrtime.bigint() / 1000n}`];
}

/** Reports every half of the watchdog's time that the event loop still turns. Returns a function that ends it. */
export function watchdogOf(env: Environment, log: Log): () => void {
  const everyMs = Number(env["WATCHDOG_USEC"] ?? 0) / 2_000;
  const isForUs = (env["WATCHDOG_PID"] ?? String(process.pid)) === String(process.pid);
  if (!(everyMs > 0) || !isForUs) return () => {};
  let timer: Timer;
  const beat = (): void => {
    void notifyServiceManager(env, log, "WATCHDOG=1");
    timer = systemClock.setTimer(everyMs, beat);
  };
  timer = systemClock.setTimer(everyMs, beat);
  return () => timer.cancel();
}
