/** `npm run docs`: writes the generated documents. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { errorCodesDocument } from "./error-codes-document.ts";
import { root } from "./repository.ts";

writeFileSync(join(root, "docs/error-codes.md"), errorCodesDocument());
