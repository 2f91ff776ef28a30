/** The URL of the store as the driver gets it. */

/** `pg` takes them for `verify-full`, which is stricter, and prints a warning of several lines. */
const takenForVerifyFull: ReadonlySet<string | null> = new Set(["prefer", "require", "verify-ca"]);

/** `url` with the mode of encryption that holds: any but `disable` and `no-verify` checks the server's certificate and name. */
export function connectionUrl(url: string): string {
  const given = new URL(url);
  const { searchParams } = given;
  // Its user asks `pg` for the meanings that `psql` gives the modes.
  if (searchParams.get("uselibpqcompat") === "true") return url;
  if (!takenForVerifyFull.has(searchParams.get("sslmode"))) return url;
  searchParams.set("sslmode", "verify-full");
  return given.href;
}
