/** Reads a stream of server-sent events as the daemon writes them. Has no dependencies, so that a page can use it alone. */

export interface StreamMessage {
  readonly id: string;
  /** The topic, `ready` or `resync`. */
  readonly event: string;
  readonly data: string;
}

/** Takes the text of a stream in pieces of any size. */
export class EventParser {
  #text = "";

  /** The messages that the piece completes, in order. Comments are dropped. */
  push(piece: string): readonly StreamMessage[] {
    this.#text += piece;
    const messages: StreamMessage[] = [];
    for (let end = this.#text.indexOf("\n\n"); end !== -1; end = this.#text.indexOf("\n\n")) {
      const message = messageOf(this.#text.slice(0, end));
      this.#text = this.#text.slice(end + 2);
      if (message !== null) messages.push(message);
    }
    return messages;
  }

  /** Characters of a message that is not complete. */
  get pending(): number {
    return this.#text.length;
  }
}

/** Null: a comment. */
function messageOf(text: string): StreamMessage | null {
  const fields: Record<string, string> = {};
  for (const line of text.split("\n")) {
    const [, name, value] = /^(\w+): ?(.*)$/.exec(line) ?? [];
    if (name !== undefined && value !== undefined) fields[name] = value;
  }
  const { id, event, data } = fields;
  return id === undefined || event === undefined || data === undefined ? null : { id, event, data };
}
