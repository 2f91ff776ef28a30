/**
 * Writes results to the spool that a client may not have received, for the next client to apply. A file appears complete or
 * not at all: it is written elsewhere, flushed, renamed, and the rename is flushed too.
 */
import { mkdir, open, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import type { SpooledResult } from "@agentcore/contract";

export async function spoolResult(directory: string, spooled: SpooledResult): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const path = join(directory, `${spooled.permitId}.json`);
  const partial = `${path}.partial`;
  // Create a new file, so that no earlier link or mode applies.
  await rm(partial, { force: true });
  const file = await open(partial, "wx", 0o600);
  try {
    await file.writeFile(`${JSON.stringify(spooled)}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(partial, path);
  const parent = await open(directory, "r");
  try {
    await parent.sync();
  } finally {
    await parent.close();
  }
}

/** A result, and the time when it was sent. */
interface SentResult {
  readonly spooled: SpooledResult;
  readonly sentAtMs: number;
}

/** Most results kept after they were sent. */
const sentMax = 256;
/** A client that received a result this long ago has applied it. */
const sentMsMax = 10_000;

/**
 * Results sent recently. The protocol does not acknowledge them. If the client disconnects without a goodbye, the last ones may
 * not have reached its store: they are spooled again, and a client that has them already drops them.
 */
export class SentResults {
  readonly #sent: SentResult[] = [];

  add(spooled: SpooledResult, nowMs: number): void {
    this.#sent.push({ spooled, sentAtMs: nowMs });
    if (this.#sent.length > sentMax) this.#sent.shift();
  }

  /** Results that a client may not have applied. */
  doubtful(nowMs: number): SpooledResult[] {
    return this.#sent.filter(({ sentAtMs }) => nowMs - sentAtMs < sentMsMax).map(({ spooled }) => spooled);
  }
}
