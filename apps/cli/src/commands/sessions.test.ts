import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { sessionsDocument } from "../testing/sessions.ts";

/** Only words: how long a step took may move a line break. */
const wordsOf = (text: string): string[] => text.split(/[\s|─]+/).filter(Boolean);

it("docs/sessions.md shows what the commands print today (`npm run docs` records it again)", async () => {
  const document = readFileSync(new URL("../../../../docs/sessions.md", import.meta.url), "utf8");
  expect(wordsOf(document).join(" ")).toBe(wordsOf(await sessionsDocument()).join(" "));
});
