/** The agents: many streams at once over connections that stay, with the times that each saw. */
import { Agent, type IncomingMessage, request as sendRequest } from "node:http";
import { setTimeout as pause } from "node:timers/promises";
import { errorText } from "@agentcore/contract";
import { seededRandom } from "@agentcore/contract/testing";
import type { ClientReport, Load, Measured } from "./messages.ts";

const say = (report: ClientReport): void => void process.send?.(report);

/** About 5 kB, as a short turn of an agent. */
const body = (n: number): string =>
  JSON.stringify({
    model: "claude-sonnet-5",
    max_tokens: 2000,
    stream: true,
    system: "You are a careful engineer. ".repeat(100),
    messages: [{ role: "user", content: `Turn ${n}. ${"Read the file and say what is in it. ".repeat(50)}` }],
  });

class Client {
  readonly #agent: Agent;
  readonly #load: Load;
  readonly #random: () => number;
  readonly firstByte: number[] = [];
  readonly ending: number[] = [];
  readonly events: number[] = [];
  #sent = 0;
  #begun = 0;

  constructor(load: Load) {
    this.#load = load;
    this.#agent = new Agent({ keepAlive: true, maxSockets: load.streams });
    const random = seededRandom(load.seed);
    this.#random = () => random.next();
  }

  async run(): Promise<Measured> {
    const startedMs = performance.now();
    const streams = Math.min(this.#load.streams, this.#load.requests);
    await Promise.all(Array.from({ length: streams }, () => this.#stream()));
    const elapsedMs = performance.now() - startedMs;
    this.#agent.destroy();
    return { firstByte: this.firstByte, ending: this.ending, events: this.events, elapsedMs };
  }

  async #stream(): Promise<void> {
    const { requests, pauseMs, spreadMs } = this.#load;
    if (spreadMs > 0) await pause(this.#random() * spreadMs);
    while (this.#sent < requests) {
      const n = (this.#sent += 1);
      if (pauseMs > 0) await pause(this.#random() * pauseMs);
      await this.#request(n);
    }
  }

  #request(n: number): Promise<void> {
    const { url, keys } = this.#load;
    const content = body(n);
    const headers = {
      "content-type": "application/json",
      "content-length": content.length,
      "anthropic-version": "2023-06-01",
      ...keys[n % keys.length],
    };
    return new Promise((resolve, reject) => {
      const at = performance.now();
      const onAnswer = (answer: IncomingMessage): void => this.#read(answer, at, resolve, reject);
      sendRequest(`${url}/v1/messages`, { agent: this.#agent, method: "POST", headers }, onAnswer)
        .on("error", reject)
        .end(content);
    });
  }

  #read(answer: IncomingMessage, at: number, resolve: () => void, reject: (error: Error) => void): void {
    let text = "";
    let [isFirst, isWhole, lastMs] = [true, false, Number.NaN];
    answer.setEncoding("latin1").on("data", (chunk: string) => {
      if (isFirst) this.#onFirst(performance.now() - at);
      isFirst = false;
      text += chunk;
      const end = text.lastIndexOf("\n\n");
      if (end < 0) return;
      lastMs = this.#onEvents(text.slice(0, end)) ?? lastMs;
      isWhole ||= text.includes("event: message_stop");
      text = text.slice(end + 2);
    });
    answer.on("error", reject).on("end", () => {
      this.ending.push(lastMs);
      if (answer.statusCode === 200 && isWhole) resolve();
      else reject(new Error(`answered with ${answer.statusCode}: ${text.slice(-500)}`));
    });
  }

  #onFirst(ms: number): void {
    this.firstByte.push(ms);
    this.#begun += 1;
    if (this.#begun === this.#load.streams) say({ kind: "begun" });
  }

  /** Returns how long the last of the events was on its way. */
  #onEvents(text: string): number | undefined {
    const nowNs = process.hrtime.bigint();
    for (const [, wroteNs = "0"] of text.matchAll(/@(\d+)@/g))
      this.events.push(Number(nowNs - BigInt(wroteNs)) / 1e6);
    return this.events.at(-1);
  }
}

process.on("message", (load: Load) => {
  new Client(load).run().then(
    (measured) => say({ kind: "done", measured }),
    (error: unknown) => say({ kind: "failed", message: errorText(error) }),
  );
});
process.on("disconnect", () => process.exit());
