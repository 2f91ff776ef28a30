/**
 * Matches path patterns like those of ignore files: `*` within a name, `**` across directories, `?` one character. Patterns
 * come from workflow files and daemon files, so matching must take at most pattern length times path length: all possible positions in the
 * pattern are tracked at once, and nothing is tried twice. Pure.
 */

/** A pattern that does not end with a slash also matches everything below it: `src` means `src` and `src/…`. */
export function matchesPath(pattern: string, path: string): boolean {
  const tokens = tokensOf(plain(pattern));
  let places = reach(tokens, [0]);
  for (const character of path) {
    // The rest of the path is below the path that the whole pattern matches.
    if (character === "/" && places.has(tokens.length)) return true;
    places = reach(tokens, step(tokens, places, character));
    if (places.size === 0) return false;
  }
  return places.has(tokens.length);
}

/** Whether the pattern may match a path below the directory, so that one has to look into it. The empty path is the root. */
export function mayMatchBelow(pattern: string, directory: string): boolean {
  const tokens = tokensOf(plain(pattern));
  let places = reach(tokens, [0]);
  for (const character of directory === "" ? "" : `${directory}/`) {
    if (character === "/" && places.has(tokens.length)) return true;
    places = reach(tokens, step(tokens, places, character));
    if (places.size === 0) return false;
  }
  return true;
}

const plain = (pattern: string): string => pattern.replace(/^(?:\.\/)+/, "").replace(/\/+$/, "");

/** `directories` matches anything that ends with a slash; after `optional` it may also match nothing. */
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
  // A set also iterates over elements that are added meanwhile.
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

/** The places after this one for the given character. */
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
