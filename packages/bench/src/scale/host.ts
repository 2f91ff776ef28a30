/** A host process as the benchmark sees it. */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { extname } from "node:path";
import { fileURLToPath } from "node:url";
import { Unavailable } from "../queue/contender.ts";
import type { Place, ScaleContender } from "./contender.ts";
import type { Said, Told } from "./host-main.ts";

const program = fileURLToPath(new URL(`host-main${extname(import.meta.url)}`, import.meta.url));

export class Host {
  readonly #child: ChildProcess;
  readonly #ended: Promise<never>;
  readonly #listeners = new Set<(said: Said) => void>();

  private constructor() {
    this.#child = fork(program);
    this.#ended = once(this.#child, "exit").then(([code, signal]): never => {
      throw new Error(`a host ended with ${String(code ?? signal)}`);
    });
    // Of interest only while an answer is awaited.
    this.#ended.catch(() => {});
    this.#child.on("message", (said: Said) => {
      for (const listener of this.#listeners) listener(said);
    });
  }

  /** Throws {@link Unavailable} if the contender cannot take part. */
  static async open(contender: ScaleContender, at: Place, host = "host-1"): Promise<Host> {
    const opened = new Host();
    try {
      await opened.tell({ do: "open", contender: contender.name, at, host });
      return opened;
    } catch (error) {
      opened.kill();
      throw error;
    }
  }

  /** Resolves with the moment at which it began, once it is done. */
  async tell(told: Told): Promise<number> {
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    const stop = this.onSaid((said) => {
      if (said.said === "ok") resolve(said.at);
      if (said.said === "failed")
        reject(said.unavailable ? new Unavailable(said.message) : new Error(said.message));
    });
    try {
      this.#child.send(told);
      return await Promise.race([promise, this.#ended]);
    } finally {
      stop();
    }
  }

  onSaid(listener: (said: Said) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** `kill -9`. */
  kill(): void {
    this.#child.kill("SIGKILL");
  }

  async close(): Promise<void> {
    await this.tell({ do: "close" });
    await this.#ended.catch(() => {});
  }
}
