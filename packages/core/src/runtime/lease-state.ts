/**
 * Decides what a runtime's lease allows: a pure function of its state and the last event.
 *
 * | state  | renewed                  | renewed with an end that has passed | looked | looked after the end |
 * | ------ | ------------------------ | ----------------------------------- | ------ | -------------------- |
 * | `none` | `held`                   | empty, `lost`                       | –      | –                    |
 * | `held` | `held`, never shorter    | –                                   | –      | empty, `lost`        |
 * | `lost` | `held`                   | –                                   | –      | –                    |
 *
 * `none`: no lease was ever given, so none is needed. A lease that has run out is never extended: what runs is emptied
 * first, because another machine may have begun its jobs.
 */
export type LeaseState =
  | { readonly kind: "none" | "lost" }
  | { readonly kind: "held"; readonly untilMs: number };

export type LeaseEvent =
  /** The client has a lease until `untilMs`. */
  | { readonly type: "renewed"; readonly untilMs: number; readonly nowMs: number }
  /** The timer fired, or somebody asks whether there is a lease now. */
  | { readonly type: "looked"; readonly nowMs: number };

export interface LeaseTransition {
  readonly state: LeaseState;
  /** Kill all that runs. */
  readonly empty: boolean;
}

export const noLease: LeaseState = { kind: "none" };

export function nextLease(state: LeaseState, event: LeaseEvent): LeaseTransition {
  const { nowMs } = event;
  const hasRunOut = state.kind === "held" && nowMs >= state.untilMs;
  if (event.type === "looked") return { state: hasRunOut ? { kind: "lost" } : state, empty: hasRunOut };
  if (event.untilMs <= nowMs) {
    const isLost = hasRunOut || state.kind !== "held";
    return { state: isLost ? { kind: "lost" } : state, empty: isLost && state.kind !== "lost" };
  }
  const untilMs = state.kind === "held" ? Math.max(state.untilMs, event.untilMs) : event.untilMs;
  return { state: { kind: "held", untilMs }, empty: hasRunOut };
}
