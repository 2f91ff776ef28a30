/**
 * Tells systemd how the daemon is, as `sd_notify` describes. Node cannot open the datagram socket that it needs, so the program
 * `systemd-notify` does it; the unit needs `NotifyAccess=all`. Without a service manager nothing happens.
 */
import { errorText, systemClock, type Log, type Timer } from "@agentcore/contract";
import { execa } from "execa";
import type { Environment } from "@agentcore/yaml-file";

const notifyMsMax = 5_000;

/** Never rejects: a daemon that cannot say that it is ready works all the same. */
export async function notifyServiceManager(
  env: Environment,
  ...states: readonly string[]
): Promise<string | null> {
  const socket = env["NOTIFY_SOCKET"];
  if (socket === undefined) return null;
  try {
    await execa("systemd-notify", [`--pid=${process.pid}`, ...states], {
      env: { NOTIFY_SOCKET: socket, PATH: env["PATH"] ?? "/usr/bin:/bin" },
      extendEnv: false,
      timeout: notifyMsMax,
      stdio: "ignore",
    });
    return null;
  } catch (error) {
    return errorText(error);
  }
}

/** Reports every half of the watchdog's time that the event loop still turns. Returns a function that ends it. */
export function watchdogOf(env: Environment, log: Log): () => void {
  const everyMs = Number(env["WATCHDOG_USEC"] ?? 0) / 2_000;
  if (!(everyMs > 0)) return () => {};
  let timer: Timer;
  const beat = (): void => {
    void notifyServiceManager(env, "WATCHDOG=1").then((problem) => {
      if (problem !== null) log.warn({ problem }, "the watchdog of the service manager could not be told");
    });
    timer = systemClock.setTimer(everyMs, beat);
  };
  timer = systemClock.setTimer(everyMs, beat);
  return () => timer.cancel();
}
