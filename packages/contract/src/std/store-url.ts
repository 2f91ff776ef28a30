/** The URL of a store that several machines share. */

const form = "postgres://USER:PASSWORD@HOST/DATABASE";

/** What is wrong with the URL of a shared store; null: nothing. The words never repeat the text: it can have a password. */
export function storeUrlProblem(text: string): string | null {
  if (!/^postgres(?:ql)?:\/\//.test(text)) return `is not the URL of a PostgreSQL database, such as ${form}`;
  if (URL.canParse(text)) return null;
  return `is not a URL as in ${form}; percent-encode the characters of the password that a URL cannot have, such as %2F for /`;
}

/** The URL without its passwords, for messages. */
export function storePlace(url: string): string {
  const place = new URL(url);
  place.password = "";
  const secret = Array.from(place.searchParams.keys()).filter((name) => /pass/i.test(name));
  for (const name of secret) place.searchParams.delete(name);
  return place.href;
}
