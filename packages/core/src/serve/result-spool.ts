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
  // New, so that neither a link nor a mode that was there before has a say.
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

/** A result, and when it was sent. */
interface SentResult {
  readonly spooled: SpooledResult;
  readonly sentAtMs: number;
}

/** Most results remembered after they were sent. */
const sentMax = 256;
/** A client that has had a result for this long has applied it. */
const sentMsMax = 10_000;

/**
 * Results sent of late. The protocol does not acknowledge them, so when the client goes away without a goodbye it cannot be
 * known whether the last ones reached its store; they are spooled again, and a client that has them already drops them.
 */
export class SentResults {
  readonly #sent: SentResult[] = [];

  add(spooled: SpooledResult, nowMs: number): void {
    this.#sent.push({ spooled, sentAtMs: nowMs });
    if (this.#sent.length > sentMax) this.#sent.shift();
  }

  /** Those that a client may not have applied. */
  doubtful(nowMs: number): SpooledResult[] {
    return this.#sent.filter(({ sentAtMs }) => nowMs - sentAtMs < sentMsMax).map(({ spooled }) => spooled);
  }
}
