/** Data that stays current: read when a view opens, and again when an event says that it may have changed. */
import { effect, signal, type ReadonlySignal } from "@preact/signals";
import { useEffect, useRef, useState } from "preact/hooks";
import { asApiError, type ApiError } from "../api/call.ts";
import { signOut, token } from "../api/token.ts";
import { wants, type FromWorker, type LiveQuery, type StreamState, type TabState } from "./messages.ts";
import { Reader } from "./reader.ts";
import { StreamHub, type TabPort } from "./stream-hub.ts";

export type { LiveQuery } from "./messages.ts";

const state = signal<StreamState>("off");
const isPaused = signal(false);
const isVisible = signal(typeof document === "undefined" || document.visibilityState === "visible");
const outputReaders = signal(0);
const heldLock = signal<string | null>(null);

export const streamState: ReadonlySignal<StreamState> = state;
/** Whether the user stopped the updates of this tab. */
export const paused: ReadonlySignal<boolean> = isPaused;

export function setPaused(value: boolean): void {
  isPaused.value = value;
}

interface Listener {
  readonly query: LiveQuery;
  /** Something of it may have changed. */
  readonly onChange: () => void;
}

const listeners = new Set<Listener>();

/** Answers what ends it. `output` is streamed only while somebody listens to it. */
function listen(listener: Listener): () => void {
  const outputs = listener.query.topics.includes("output") ? 1 : 0;
  listeners.add(listener);
  outputReaders.value = outputReaders.peek() + outputs;
  return () => {
    listeners.delete(listener);
    outputReaders.value = outputReaders.peek() - outputs;
  };
}

function onMessage(message: FromWorker): void {
  switch (message.kind) {
    case "state": {
      const isBegun = message.state === "live" && state.peek() !== "live";
      state.value = message.state;
      // What happened between the reading of a view and the beginning of the stream was passed to nobody.
      if (isBegun) for (const { onChange } of listeners) onChange();
      if (message.state === "unauthorized") signOut("the daemon refused the token");
      return;
    }
    case "resync":
      for (const { onChange } of listeners) onChange();
      return;
    case "events":
      if (isPaused.peek()) return;
      for (const event of message.events) {
        for (const { query, onChange } of listeners) if (wants(query, event)) onChange();
      }
  }
}

/** Connects this tab to the stream of the browser. Where there is no SharedWorker, the tab has a stream of its own. */
export function startLive(): void {
  const say = connect();
  holdLock();
  document.addEventListener("visibilitychange", () => {
    isVisible.value = document.visibilityState === "visible";
  });
  effect(() => {
    say({
      token: token.value,
      isWatching: isVisible.value && !isPaused.value,
      wantsOutput: outputReaders.value > 0,
      lock: heldLock.value,
    });
  });
  let wasWatching = true;
  effect(() => {
    const isWatching = isVisible.value && !isPaused.value;
    if (isWatching && !wasWatching) for (const { onChange } of listeners) onChange();
    wasWatching = isWatching;
  });
}

/** The worker waits for the lock to become free, so it must not learn of it before the tab holds it. */
function holdLock(): void {
  const lock = `agentcore-tab-${String(Math.random()).slice(2)}`;
  void navigator.locks?.request(lock, () => {
    heldLock.value = lock;
    return new Promise(() => {});
  });
}

function connect(): (tab: TabState) => void {
  if (typeof SharedWorker === "undefined") {
    const hub = new StreamHub();
    const port: TabPort = { postMessage: onMessage };
    return (tab) => hub.update(port, tab);
  }
  const worker = new SharedWorker(new URL("./stream-worker.ts", import.meta.url), { type: "module" });
  worker.port.addEventListener("message", ({ data }: MessageEvent<FromWorker>) => onMessage(data));
  worker.port.start();
  return (tab) => worker.port.postMessage(tab);
}

export interface Live<T> {
  /** The last that was read; it stays while `error` says that a newer could not be. */
  readonly data: T | null;
  readonly error: ApiError | null;
  /** Whether the first answer, or the first for new `deps`, is awaited. */
  readonly loading: boolean;
  readonly refresh: () => void;
}

/**
 * Reads now, and again when an event of these topics comes (at most 4 times a second), after a gap, when the tab becomes visible,
 * and when updates are no longer paused. A hidden tab reads nothing.
 */
export function useLive<T>(
  read: (signal: AbortSignal) => Promise<T>,
  on: LiveQuery,
  deps: readonly unknown[],
): Live<T> {
  const [view, setView] = useState<Omit<Live<T>, "refresh">>({ data: null, error: null, loading: true });
  const readerRef = useRef<Reader | null>(null);
  useEffect(() => {
    setView((last) => ({ ...last, loading: true }));
    const reader = new Reader(async (signal) => {
      try {
        const data = await read(signal);
        if (!signal.aborted) setView({ data, error: null, loading: false });
      } catch (error) {
        if (!signal.aborted) setView((last) => ({ ...last, error: asApiError(error), loading: false }));
      }
    });
    readerRef.current = reader;
    const ask = (): void => reader.ask();
    const stopListening = listen({ query: on, onChange: ask });
    ask();
    return () => {
      stopListening();
      reader.close();
    };
  }, deps);
  return { ...view, refresh: () => readerRef.current?.ask() };
}

/** Calls again and again, while the tab is visible and updates are not paused. */
export function useRepeat(ms: number, act: () => void): void {
  const latest = useRef(act);
  latest.current = act;
  useEffect(() => {
    const timer = setInterval(() => {
      if (isVisible.peek() && !isPaused.peek()) latest.current();
    }, ms);
    return () => clearInterval(timer);
  }, [ms]);
}
