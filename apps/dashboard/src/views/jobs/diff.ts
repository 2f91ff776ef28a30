/** A patch as blocks of lines of the same kind. It is only colored: nothing of it is trusted to be a patch. */
export type DiffKind = "file" | "hunk" | "add" | "remove" | "same";

export interface DiffBlock {
  readonly kind: DiffKind;
  readonly lines: readonly string[];
}

export function diffBlocks(patch: string): readonly DiffBlock[] {
  const blocks: { kind: DiffKind; lines: string[] }[] = [];
  let inHunk = false;
  const lines = patch.split("\n");
  if (lines.at(-1) === "") lines.pop();
  for (const line of lines) {
    if (line.startsWith("diff --git ")) inHunk = false;
    else if (line.startsWith("@@")) inHunk = true;
    const kind = kindOf(line, inHunk);
    const last = blocks.at(-1);
    if (last?.kind === kind) last.lines.push(line);
    else blocks.push({ kind, lines: [line] });
  }
  return blocks;
}

/** Before the first hunk of a file, `---` and `+++` name the file. */
function kindOf(line: string, inHunk: boolean): DiffKind {
  if (!inHunk) return "file";
  if (line.startsWith("@@")) return "hunk";
  if (line.startsWith("+")) return "add";
  return line.startsWith("-") ? "remove" : "same";
}

/** How many files, lines more and lines less. */
export function diffCounts(blocks: readonly DiffBlock[]): { files: number; added: number; removed: number } {
  const of = (kind: DiffKind): readonly string[] =>
    blocks.flatMap((block) => (block.kind === kind ? block.lines : []));
  return {
    files: of("file").filter((line) => line.startsWith("diff --git ")).length,
    added: of("add").length,
    removed: of("remove").length,
  };
}
