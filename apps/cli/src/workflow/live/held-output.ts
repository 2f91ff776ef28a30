/** Holds back lines for a stream while a screen is drawn on the same terminal, and writes them afterwards. */

export interface HeldOutput {
  /** Writes at once, or keeps the text while held. */
  write(text: string): void;
  hold(): void;
  /** Writes the kept text, in order. Idempotent. */
  release(): void;
}

/** Lines that are kept; above it, only their number is shown. */
const keptMax = 1000;

export function heldOutput(write: (text: string) => void): HeldOutput {
  let held = false;
  let kept: string[] = [];
  let dropped = 0;
  return {
    write: (text) => {
      if (!held) return write(text);
      if (kept.length < keptMax) kept.push(text);
      else dropped++;
    },
    hold: () => {
      held = true;
    },
    release: () => {
      held = false;
      const lines = dropped === 0 ? kept : [...kept, `agentcore: ${dropped} more lines were dropped\n`];
      kept = [];
      dropped = 0;
      for (const line of lines) write(line);
    },
  };
}
