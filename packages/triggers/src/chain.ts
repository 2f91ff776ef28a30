/**
 * The chain of runs that led to an event, as text: for a header, an environment variable or a commit trailer. Each link is
 * `daemon/trigger/run` with its parts percent-encoded; links are separated by commas, the oldest first. Pure.
 */
import type { ChainLink } from "./trigger-event.ts";

/** A longer chain is not read. The limit of a trigger, `max_chain_depth`, ends a loop long before. */
export const chainLinksMax = 32;

const textMax = 8192;
const nameMax = 200;

export function formatChain(chain: readonly ChainLink[]): string {
  return chain
    .map((link) =>
      [link.daemon, link.trigger, link.run].map((name) => encodeURIComponent(name.toWellFormed())).join("/"),
    )
    .join(",");
}

/**
 * Returns null if the text is not a chain: more than 8192 characters or 32 links, a part that is missing, empty or longer
 * than 200 characters. The empty text is the empty chain.
 */
export function parseChain(text: string): readonly ChainLink[] | null {
  if (text.length > textMax) return null;
  if (text.trim() === "") return [];
  const links = text.split(",").map(linkOf);
  const read = links.filter((link) => link !== null);
  return read.length < links.length || !isChain(read) ? null : read;
}

/** Whether a value from outside is a chain within the limits. */
export function isChain(value: unknown): value is readonly ChainLink[] {
  return Array.isArray(value) && value.length <= chainLinksMax && value.every(isLink);
}

function isLink(value: unknown): value is ChainLink {
  if (typeof value !== "object" || value === null) return false;
  const { daemon, trigger, run } = value as Readonly<Record<string, unknown>>;
  return [daemon, trigger, run].every(
    (name) => typeof name === "string" && name !== "" && name.length <= nameMax,
  );
}

function linkOf(text: string): ChainLink | null {
  const names = text.trim().split("/");
  if (names.length !== 3) return null;
  try {
    const [daemon = "", trigger = "", run = ""] = names.map((name) => decodeURIComponent(name));
    return { daemon, trigger, run };
  } catch {
    return null;
  }
}
