/** Path patterns as people write them in ignore files: `*` within a name, `**` over folders, `?` one character. Pure. */

/** A pattern without a slash at its end also covers what is below it: `src` means `src` and `src/…`. */
export function matchesPath(pattern: string, path: string): boolean {
  const plain = pattern.replace(/^\.\//, "").replace(/\/+$/, "");
  return new RegExp(`^${source(plain)}(?:/.*)?$`, "s").test(path);
}

function source(pattern: string): string {
  return pattern.replaceAll(/\*\*\/|\*\*|\*|\?|[\\^$.|+()[\]{}]/g, (sign) => {
    switch (sign) {
      case "**/":
        return "(?:.*/)?";
      case "**":
        return ".*";
      case "*":
        return "[^/]*";
      case "?":
        return "[^/]";
      default:
        return `\\${sign}`;
    }
  });
}
