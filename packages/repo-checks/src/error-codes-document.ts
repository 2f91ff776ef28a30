/** Writes `docs/error-codes.md` from the catalog. `node packages/repo-checks/src/main.ts` writes it; a test compares. */
import { errorClassTraits, errorCodes, libraryCures } from "@agentcore/contract";

function row(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
}

export function errorCodesDocument(): string {
  const codes = Object.entries(errorCodes).map(([code, entry]) =>
    row([`\`${code}\``, entry.meaning, entry.retryable ? "yes" : "no", entry.cure]),
  );
  const classes = Object.entries(errorClassTraits).map(([name, traits]) =>
    row([
      `\`${name}\``,
      traits.meaning,
      traits.retryable ? "yes" : "no",
      traits.trips === "none" ? "no" : traits.trips,
    ]),
  );
  return [
    "# Error codes",
    "",
    "Generated from the catalog in `packages/contract/src/error-codes.ts` by `npm run docs`. Every refusal, deferral, kill and",
    "retry carries one of these codes and the evidence for it. A code never changes its meaning.",
    "",
    row(["Code", "Meaning", "May succeed later as it is", "What to do"]),
    row(["---", "---", "---", "---"]),
    ...codes,
    "",
    "## In a program",
    "",
    "Errors of the library and ends of `run()` have the same codes. Their `cure` names options and functions instead of commands:",
    "",
    row(["Code", "What to do"]),
    row(["---", "---"]),
    ...Object.entries(libraryCures).map(([code, cure]) => row([`\`${code}\``, cure])),
    "",
    "## Error classes",
    "",
    "Why an attempt did not succeed. The class decides whether it is retried by default and which circuit breaker counts it.",
    "",
    row(["Class", "Meaning", "Retried by default", "Counts against a breaker"]),
    row(["---", "---", "---", "---"]),
    ...classes,
    "",
  ].join("\n");
}
