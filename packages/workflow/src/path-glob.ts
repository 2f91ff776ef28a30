/**
 * Matches path patterns like those of ignore files: `*` within a name, `**` across directories, `?` one character. Patterns
 * come from workflow files, so matching must take at most pattern length times path length: all possible positions in the
 * pattern are tracked at once, and nothing is tried twice. Pure.
 */

/** A pattern without a slash at its end also covers what is below it: `src` means `src` and `src/…`. */
export function matchesPath(pattern: string, path: string): boolean {
  const tokens = tokensOf(pattern.replace(/^(?:\.\/)+/, "").replace(/\/+$/, ""));
  let places = reach(tokens, [0]);
  for (const character of path) {
    // What follows the slash is below the path that the whole pattern names.
    if (character === "/" && places.has(tokens.length)) return true;
    places = reach(tokens, step(tokens, places, character));
    if (places.size === 0) return false;
  }
  return places.has(tokens.length);
}

/** `directories` stands for anything that ends with a slash; `optional` before it lets it stand for nothing as well. */
type Token = { readonly character: string } | "one" | "name" | "any" | "optional" | "directories";

function tokensOf(pattern: string): readonly Token[] {
  return [...pattern.matchAll(/\*\*\/|\*\*|\*|\?|[^]/gu)].flatMap(([sign]): readonly Token[] => {
    switch (sign) {
      case "**/":
        return ["optional", "directories"];
      case "**":
        return ["any"];
      case "*":
        return ["name"];
      case "?":
        return ["one"];
      default:
        return [{ character: sign }];
    }
  });
}

/** The places, and those that are reached from them without a character. */
function reach(tokens: readonly Token[], places: readonly number[]): ReadonlySet<number> {
  const reached = new Set(places);
  // A set visits what is added to it meanwhile.
  for (const place of reached) {
    const token = tokens[place];
    if (token === "name" || token === "any" || token === "optional") reached.add(place + 1);
    if (token === "optional") reached.add(place + 2);
  }
  return reached;
}

function step(tokens: readonly Token[], places: ReadonlySet<number>, character: string): number[] {
  return [...places].flatMap((place) => afterToken(tokens[place], place, character));
}

/** The places after a character at this one. */
function afterToken(token: Token | undefined, place: number, character: string): readonly number[] {
  switch (token) {
    case undefined:
    case "optional":
      return [];
    case "one":
      return character === "/" ? [] : [place + 1];
    case "name":
      return character === "/" ? [] : [place];
    case "any":
      return [place];
    case "directories":
      return character === "/" ? [place, place + 1] : [place];
    default:
      return token.character === character ? [place + 1] : [];
  }
}
