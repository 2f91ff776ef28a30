/** The directory of trust records below the user's state home; see `trust-store.ts`. */
import { join } from "node:path";

export function trustDirectoryIn(stateHome: string): string {
  return join(stateHome, "trusted");
}
