/** The time in ms, once a second while the tab is visible: ages on the page follow it. */
import { signal, type ReadonlySignal } from "@preact/signals";

const current = signal(Date.now());
export const clock: ReadonlySignal<number> = current;

export function startClock(): void {
  const tick = (): void => {
    if (document.visibilityState === "visible") current.value = Date.now();
  };
  setInterval(tick, 1000);
  document.addEventListener("visibilitychange", tick);
}
