/** Where trust is kept below the user's own state directory; see `trust-store.ts`. */
import { join } from "node:path";

export function trustDirectoryIn(stateHome: string): string {
  return join(stateHome, "trusted");
}
