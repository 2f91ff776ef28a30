/** Turns errors of the operating system into text: `no space left on device` instead of `ENOSPC: …, write`. */
import { getSystemErrorMap } from "node:util";

export function systemWords(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { errno } = error as NodeJS.ErrnoException;
  return (errno === undefined ? undefined : getSystemErrorMap().get(errno)?.[1]) ?? error.message;
}
