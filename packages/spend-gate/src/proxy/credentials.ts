/**
 * The credential of a provider, from where the configuration says. It is read when it is first needed, kept for a time, and
 * read again after the provider has refused it. However many requests need it, it is read once at a time.
 */
import { AgentCoreError, errorText, settledWithin, type Clock, type Upstream } from "@agentcore/contract";
import { readFile } from "node:fs/promises";
import type { CredentialConfig } from "../config.ts";
import type { CredentialHeader } from "./headers.ts";

/** Runs a command in a shell and resolves with what it printed. Rejects if it fails; ends it when the signal aborts. */
export type RunCommand = (command: string, options: { readonly signal: AbortSignal }) => Promise<string>;

/** A command that asks a person something would wait without end. */
const readMsMax = 30_000;
/** After a failure, the same error for that long: the retries of agents do not start the command again each time. */
const failedMs = 5_000;
const credentialBytesMax = 16 * 1024;

export interface CredentialPorts {
  readonly clock: Clock;
  /** The environment with the credentials. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Absent: no command can be run, and a provider that needs one is refused. */
  readonly runCommand?: RunCommand | undefined;
}

type Source = Exclude<CredentialConfig, { login: true }>;

interface Kept {
  readonly header: CredentialHeader;
  readonly untilMs: number;
}

export class CredentialSource {
  readonly #provider: string;
  readonly #source: Source;
  readonly #name: string;
  readonly #ports: CredentialPorts;
  #kept: Kept | null = null;
  #failure: { readonly error: AgentCoreError; readonly untilMs: number } | null = null;
  #reading: Promise<CredentialHeader> | null = null;

  constructor(provider: string, source: Source, protocol: Upstream["protocol"], ports: CredentialPorts) {
    this.#provider = provider;
    this.#source = source;
    this.#name = source.header ?? (protocol === "anthropic-messages" ? "x-api-key" : "authorization");
    this.#ports = ports;
  }

  /** Rejects with `AC_CREDENTIAL_UNAVAILABLE`. */
  async current(): Promise<CredentialHeader> {
    const now = this.#ports.clock.monotonicMs();
    if (this.#kept !== null && now < this.#kept.untilMs) return this.#kept.header;
    if (this.#failure !== null && now < this.#failure.untilMs) throw this.#failure.error;
    this.#reading ??= this.#read().finally(() => (this.#reading = null));
    return await this.#reading;
  }

  /** The provider has refused the credential: the next one is read again, unless that has happened already. */
  refused({ value }: CredentialHeader): void {
    if (this.#kept?.header.value === value) this.#kept = null;
  }

  async #read(): Promise<CredentialHeader> {
    const { clock } = this.#ports;
    try {
      const text = checked(await this.#text());
      const value = this.#name === "authorization" ? `Bearer ${text}` : text;
      const keptMs = "refresh" in this.#source ? this.#source.refresh : 0;
      this.#kept = { header: { name: this.#name, value }, untilMs: clock.monotonicMs() + keptMs };
      this.#failure = null;
      return this.#kept.header;
    } catch (thrown) {
      const error = this.#errorOf(thrown);
      this.#failure = { error, untilMs: clock.monotonicMs() + ("env" in this.#source ? 0 : failedMs) };
      throw error;
    }
  }

  async #text(): Promise<string> {
    const source = this.#source;
    if ("env" in source) {
      const text = this.#ports.env[source.env];
      if (text === undefined || text === "") throw new SourceError("the variable is not set");
      return text;
    }
    return await this.#bounded((signal) =>
      "file" in source
        ? readFile(source.file, { encoding: "utf8", signal })
        : this.#printed(source.command, signal),
    );
  }

  async #printed(command: string, signal: AbortSignal): Promise<string> {
    const { runCommand } = this.#ports;
    if (runCommand === undefined) throw new SourceError("commands cannot be run here");
    try {
      return await runCommand(command, { signal });
    } catch {
      // What a failed command printed can contain the credential, so nothing of it is repeated.
      throw new SourceError("it failed; run it in a terminal to see why");
    }
  }

  async #bounded(read: (signal: AbortSignal) => Promise<string>): Promise<string> {
    const controller = new AbortController();
    const reading = read(controller.signal);
    // It may reject after it is given up.
    reading.catch(() => {});
    if (await settledWithin(this.#ports.clock, reading, readMsMax)) return await reading;
    controller.abort();
    throw new SourceError(`it took longer than ${readMsMax / 1000} s`);
  }

  #errorOf(thrown: unknown): AgentCoreError {
    const place = `providers.${this.#provider}.credential`;
    return new AgentCoreError(
      "AC_CREDENTIAL_UNAVAILABLE",
      `${place}: the credential cannot be read from ${placeOf(this.#source)}: ${errorText(thrown)}`,
      { evidence: { provider: this.#provider } },
    );
  }
}

class SourceError extends Error {
  override readonly name = "SourceError";
}

function placeOf(source: Source): string {
  if ("env" in source) return `the variable ${source.env}`;
  return "file" in source ? `the file ${source.file}` : "the configured command";
}

/** A header takes one line of printable characters. */
function checked(text: string): string {
  const trimmed = text.trim();
  if (trimmed === "") throw new SourceError("it is empty");
  if (trimmed.length > credentialBytesMax) throw new SourceError("it is too long for a credential");
  if (!/^[\u0021-\u007e]+$/.test(trimmed))
    throw new SourceError("it is not one line of plain characters without spaces");
  return trimmed;
}
