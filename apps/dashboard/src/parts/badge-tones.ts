/** How a state looks: a tone, which has a color and a shape. The word stands beside it. */

export type Tone = "good" | "bad" | "busy" | "wait" | "warn" | "off";

/** Each tone has its own shape, so that color is never the only sign. */
export const shapes: Readonly<Record<Tone, string>> = {
  good: "✓",
  bad: "✕",
  busy: "▶",
  wait: "◷",
  warn: "!",
  off: "–",
};

const tones: Readonly<Record<Tone, readonly string[]>> = {
  good: [
    "succeeded",
    "done",
    "ready",
    "active",
    "closed",
    "finished",
    "approved",
    "ok",
    "live",
    "normal",
    "completed",
  ],
  bad: ["failed", "dead", "error", "rejected", "lost", "survivors", "unready", "unauthorized", "refused"],
  busy: ["running", "working", "streaming", "tool", "starting", "executing", "fired"],
  wait: ["queued", "delayed", "pending", "waiting", "connecting", "buffered", "half_open", "planned"],
  warn: [
    "paused",
    "silent",
    "looping",
    "stopping",
    "open",
    "draining",
    "blocked",
    "escalation",
    "timed_out",
    "approval",
  ],
  off: ["cancelled", "skipped", "disabled", "off", "dropped", "ended", "expired"],
};

const byState = new Map(
  Object.entries(tones).flatMap(([tone, states]) => states.map((state) => [state, tone as Tone] as const)),
);

export const toneOf = (state: string): Tone => byState.get(state) ?? "off";

/** `half_open` is `half open`. */
export const wordOf = (state: string): string => state.replaceAll("_", " ");
