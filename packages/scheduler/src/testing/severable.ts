/**
 * Kills a scheduler from the outside, as `kill -9` would: from that moment none of its calls has an effect or an answer,
 * none of its timers fires, and it hears nothing. Or stops it, as SIGSTOP would, until it is resumed. Used to enumerate
 * crash points and by the simulation.
 */
import type { Clock } from "@agentcore/contract";
import type { JobStore } from "../job-store.ts";

export interface Severable {
  readonly store: JobStore;
  readonly clock: Clock;
  readonly isSevered: boolean;
  /** Wraps any other dependency of the scheduler. */
  wrap<T extends object>(target: T): T;
  sever(): void;
  readonly isPaused: boolean;
  /** Before `resume`, none of its calls takes effect and none of its timers fires. */
  pause(): void;
  resume(): void;
}

export interface StoreCall {
  /** Name of the method. */
  readonly method: string;
  /** Counts calls that may write, from 1. */
  readonly write: number;
  /** Counts calls that change nothing, from 1. */
  readonly query: number;
}

export interface SeverableOptions {
  readonly store: JobStore;
  readonly clock: Clock;
  /** Called before each store call that may write; throwing makes the call fail without effect. */
  readonly before?: (call: StoreCall) => void;
  /** Called before each store call that changes nothing; throwing makes it fail. */
  readonly beforeQuery?: (call: StoreCall) => void;
  /** Called after the call took effect and before its answer; throwing makes the caller see a failure all the same. */
  readonly after?: (call: StoreCall) => void;
}

/** Methods that change nothing. */
const queries = new Set<string>([
  "get",
  "ended",
  "attempts",
  "list",
  "count",
  "decisions",
  "lateResults",
  "stats",
  "waits",
  "aheadOf",
  "cancelRequests",
  "owners",
  "runningOf",
  "externalVersion",
  "endMark",
]);

const never = <T>(): Promise<T> => new Promise<T>(() => {});

export function createSeverable(options: SeverableOptions): Severable {
  const { before, beforeQuery, after } = options;
  let severed = false;
  let asleep: PromiseWithResolvers<void> | null = null;
  /** Resolves at once unless paused. */
  const awake = async (): Promise<void> => asleep?.promise;
  let writes = 0;
  let queried = 0;

  const call = async (method: string, invoke: () => Promise<unknown>): Promise<unknown> => {
    if (severed) return never();
    await awake();
    const isWrite = !queries.has(method);
    if (isWrite) writes += 1;
    else queried += 1;
    const seen: StoreCall = { method, write: writes, query: queried };
    if (isWrite) before?.(seen);
    else beforeQuery?.(seen);
    if (severed) return never();
    const answer = await invoke();
    if (isWrite) after?.(seen);
    await awake();
    return severed ? never() : answer;
  };

  /** Passes calls on until severed; after that they never settle. */
  const wrap = <T extends object>(target: T, through?: typeof call): T =>
    new Proxy(target, {
      get(object, property) {
        const value: unknown = Reflect.get(object, property);
        if (typeof value !== "function" || property === "holds") return value;
        return (...args: unknown[]) => {
          const invoke = (): unknown => Reflect.apply(value, object, muted(args));
          if (through !== undefined && property !== "onChange")
            return through(String(property), invoke as () => Promise<unknown>);
          return severed ? never() : answering(invoke());
        };
      },
    });

  const answering = (answer: unknown): unknown =>
    answer instanceof Promise
      ? answer.then(
          (value: unknown) => (severed ? never() : value),
          (error: unknown) => (severed ? never() : Promise.reject(error)),
        )
      : answer;

  /** Callbacks among the arguments are not called after the cut. */
  const muted = (args: unknown[]): unknown[] =>
    args.map((arg) =>
      typeof arg === "function"
        ? (...inner: unknown[]) => (severed ? undefined : Reflect.apply(arg, undefined, inner))
        : arg,
    );

  const clock: Clock = {
    now: () => options.clock.now(),
    monotonicMs: () => options.clock.monotonicMs(),
    setTimer: (delayMs, fire) => {
      let cancelled = false;
      const fireUnlessCancelled = (): void => {
        if (!severed && !cancelled) fire();
      };
      const timer = options.clock.setTimer(delayMs, () => {
        if (asleep === null) fireUnlessCancelled();
        else void asleep.promise.then(fireUnlessCancelled);
      });
      return {
        cancel: () => {
          cancelled = true;
          timer.cancel();
        },
      };
    },
  };
  return {
    store: wrap(options.store, call),
    clock,
    get isSevered() {
      return severed;
    },
    wrap: <T extends object>(target: T): T => wrap(target),
    sever: () => {
      severed = true;
    },
    get isPaused() {
      return asleep !== null;
    },
    pause: () => {
      asleep ??= Promise.withResolvers();
    },
    resume: () => {
      asleep?.resolve();
      asleep = null;
    },
  };
}
