/** Reads JSON that may be damaged. */

/** The value, or `otherwise` if the text is not JSON. */
export function jsonOr(text: unknown, otherwise: unknown): unknown {
  try {
    return JSON.parse(String(text));
  } catch (error) {
    if (error instanceof SyntaxError) return otherwise;
    throw error;
  }
}
