/** The address of a database: what `pg` connects to, and what messages show. */
import { AgentCoreError } from "@agentcore/contract";

/** The URL without its password, for messages. Throws `AC_CONFIG_INVALID`; the message does not repeat the text, which may have one. */
export function placeOf(url: string): string {
  const parsed = URL.parse(url);
  if (parsed === null || !/^postgres(?:ql)?:$/.test(parsed.protocol)) {
    throw new AgentCoreError(
      "AC_CONFIG_INVALID",
      "the address of the store is not a PostgreSQL URL; write it as postgres://USER@HOST:5432/DATABASE",
    );
  }
  parsed.password = "";
  for (const name of parsed.searchParams.keys()) if (/pass/i.test(name)) parsed.searchParams.delete(name);
  return parsed.href;
}
