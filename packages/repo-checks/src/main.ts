/** `npm run docs`: writes the documents and schemas that are generated from the code. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { apiDocument } from "./api-document.ts";
import { errorCodesDocument } from "./error-codes-document.ts";
import { publishedSchemas } from "./published-schemas.ts";
import { root } from "./repository.ts";
import { withEventTable } from "./worker-events-table.ts";

writeFileSync(join(root, "docs/api.md"), apiDocument());
writeFileSync(join(root, "docs/error-codes.md"), errorCodesDocument());
const adapters = join(root, "docs/adapters.md");
writeFileSync(adapters, withEventTable(readFileSync(adapters, "utf8")));
for (const [path, schema] of Object.entries(publishedSchemas()))
  writeFileSync(join(root, path), `${JSON.stringify(schema, null, 2)}\n`);
