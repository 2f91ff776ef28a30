import { expect, it } from "vitest";
import { diffBlocks, diffCounts } from "./diff.ts";

const patch = `diff --git a/list.sql b/list.sql
index 1..2 100644
--- a/list.sql
+++ b/list.sql
@@ -1,2 +1,2 @@ select
 one
--- a comment that goes
+++ a line with pluses
\\ No newline at end of file
diff --git a/gone b/gone
deleted file mode 100644
--- a/gone
+++ /dev/null
`;

it("a patch is colored by what its lines are, not by how they look", () => {
  const blocks = diffBlocks(patch);
  expect(blocks.map(({ kind, lines }) => `${kind} ${lines.length}`)).toEqual([
    "file 4",
    "hunk 1",
    "same 1",
    "remove 1",
    "add 1",
    "same 1",
    "file 4",
  ]);
  expect(diffCounts(blocks)).toEqual({ files: 2, added: 1, removed: 1 });
  expect(blocks.flatMap(({ lines }) => lines).join("\n")).toBe(patch.trimEnd());
});

it("what is no patch is shown as it is", () => {
  expect(diffBlocks("")).toEqual([]);
  expect(diffBlocks("GIT binary\n+x")).toEqual([{ kind: "file", lines: ["GIT binary", "+x"] }]);
});
