/** Turns errors of the operating system into text: `no space left on device` instead of `ENOSPC: …, write`. */
import { getSystemErrorMessage } from "node:util";

export function systemWords(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { errno } = error as NodeJS.ErrnoException;
  return (errno === undefined ? undefined : getSystemErrorMessage(errno)) ?? error.message;
}
