/** Opens the state directory named on the command line with as few rights as it can have, and prints what came of it. */
import { isAgentCoreError } from "@agentcore/contract";
import { openStateDatabase } from "../state-database.ts";

const nobody = 65_534;
if (process.getuid?.() === 0) {
  process.setgid?.(nobody);
  process.setuid?.(nobody);
}
try {
  const database = await openStateDatabase({ directory: process.argv[2] ?? "", lockTimeoutMs: 50 });
  await database.close();
  process.stdout.write("opened");
} catch (error) {
  process.stdout.write(isAgentCoreError(error) ? `${error.code} ${error.message}` : String(error));
}
