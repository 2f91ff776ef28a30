/** Part of `npm run docs`: records `docs/sessions.md`. */
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

process.env["TEST_PROGRAM"] ??= fileURLToPath(new URL("../main.ts", import.meta.url));
const { sessionsDocument } = await import("./sessions.ts");

writeFileSync(new URL("../../../../docs/sessions.md", import.meta.url), await sessionsDocument());
