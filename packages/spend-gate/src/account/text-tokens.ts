/** Estimates tokens from the length of text, where nothing has reported them. */

/** Text has more: three or four. */
export const bytesPerTokenMin = 2;

/** No long text has more bytes per token. */
const bytesPerTokenMax = 8;

/**
 * Output tokens of a response, from its visible bytes. At most what the response may have (`most`; null: no limit), because the estimate is high and the provider stops there;
 * but more than that if the provider plainly ignores the limit.
 */
export function visibleTokensOf(bytes: number, most: number | null): number {
  const likely = Math.ceil(bytes / bytesPerTokenMin);
  const certain = certainTokensOf(bytes);
  return Math.max(certain, Math.min(likely, most ?? Infinity));
}

/** Text from which {@link isTooFewTokens} is sure. A shorter one may consist of lines and spaces, of which a token has many. */
const longBytes = 16 * 1024;

const certainTokensOf = (bytes: number): number => Math.floor(bytes / bytesPerTokenMax);

/** Whether a response with that many visible bytes has more output than it reports. */
export function isTooFewTokens(reported: number, bytes: number): boolean {
  return bytes >= longBytes && reported < certainTokensOf(bytes);
}
