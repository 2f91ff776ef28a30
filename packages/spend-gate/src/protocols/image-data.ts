/**
 * Images in the body of a request. An image costs by its size in pixels, not by the length of its file: as text, one
 * screenshot would be half a million tokens.
 */
import type { JsonScalar } from "./json-scanner.ts";

/** Where the protocols have the file of an image, as base64 or as a data URL. */
const places = /\/(?:source\/data|image_url|image_url\/url)$/;

/** How base64 of PNG, JPEG, GIF and WebP begins. */
const beginning = /^(?:data:image\/|iVBORw0KGgo|\/9j\/|R0lGOD|UklGR)/;

/** An image counts as at most that much text: no provider charges 10,000 tokens for one. */
const imageBytesMax = 20_000;

/** How many bytes of a value do not count as input. */
export function uncountedBytes(path: string, scalar: JsonScalar): number {
  const length = scalar.end - scalar.start;
  if (length <= imageBytesMax || !places.test(path) || !beginning.test(scalar.text)) return 0;
  return length - imageBytesMax;
}
