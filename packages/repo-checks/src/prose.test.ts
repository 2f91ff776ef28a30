/**
 * Phrases that make a sentence need a second reading. The list is short on purpose: each phrase was found often, and has a
 * plain replacement. Comments, help texts and messages of the sources and all documents are checked; tests are not.
 */
import { expect, it } from "vitest";
import { manifestOf, read, trackedFiles } from "./repository.ts";

/** By what to write instead. */
const phrases: Readonly<Record<string, RegExp>> = {
  "without end, indefinitely, or never": /\bfor ever\b/i,
  "the process that …, the caller that …": /\bwho(?:so)?ever\b/i,
  "on its own, alone, separately, automatically": /\bby (?:itself|themselves)\b/i,
  "is reported, is notified, receives": /\b(?:is|are|was|were) told\b(?! (?:to|apart|from)\b)/i,
  "even if, even after": /\balso (?:where|if|when|after)\b/i,
  "receives, is notified of": /\bhears? of\b/i,
  "what must not happen, and why": /\bnobody may\b/i,
  "without effect, or what it does not get": /\bin vain\b/i,
  "happen, be satisfied": /\bcome(?:s)? to pass\b/i,
  "name the subject: output that cannot be …": /\bwhat cannot\b/i,
  "does not delay, does not block": /\bnobody waits\b/i,
  "by default": /\bunless told\b/i,
  "released, started": /\blet go\b/i,
  "again, from the beginning": /\banew\b/i,
  "in effect": /\bin force\b/i,
  "passes, succeeds": /\bis content\b/i,
  "American spelling: color, behavior, neighbor, recognize, defense, catalog, signaled":
    /\b(?:colours?|behaviours?|neighbour\w*|recognis\w*|authoris\w*|defences?|catalogues?|signalled)\b/i,
};

/** The examples of `CONTRIBUTING.md` quote what they warn of. */
const isExample = (path: string, line: string): boolean => path === "CONTRIBUTING.md" && line.startsWith("|");

const checked = trackedFiles().filter((path) => {
  if (path.endsWith(".md")) return !/(?:CHANGELOG|SPEC-TESTS)\.md$/.test(path);
  if (!/^(?:packages|apps)\/[^/]+\/(?:src|bin)\/.*\.(?:tsx?|js)$/.test(path)) return false;
  const folder = path.split("/").slice(0, 2).join("/");
  // The files of the page are part of the command line's package.
  const isPrivate = folder !== "apps/dashboard" && manifestOf(folder).private === true;
  return !isPrivate && !path.endsWith(".test.ts") && !path.includes("/testing/");
});

it.each(Object.entries(phrases))("the prose says instead: %s", (_instead, phrase) => {
  const found = checked.flatMap((path) => placesOf(phrase, path));
  expect(found).toEqual([]);
});

it("a phrase is found across the end of a line of a comment", () => {
  const [, phrase] = Object.entries(phrases).find(([instead]) => instead.startsWith("on its own")) ?? [];
  expect(lineOf(phrase ?? /$^/, "/**\n * It ends by\n * itself.\n */")).toEqual([2]);
});

function placesOf(phrase: RegExp, path: string): string[] {
  const text = read(path);
  const lines = text.split("\n");
  return lineOf(phrase, text)
    .filter((number) => !isExample(path, lines[number - 1] ?? ""))
    .map((number) => `${path}:${number}`);
}

/** Numbers of the lines in which the phrase begins; a comment's margin counts as a space. */
function lineOf(phrase: RegExp, text: string): number[] {
  const spaced = new RegExp(
    phrase.source.replaceAll(" ", String.raw`(?:[ \t]*\n[ \t]*(?:\*|\/\/)?)?[ \t]+`),
    "gi",
  );
  return [...text.matchAll(spaced)].map((match) => text.slice(0, match.index).split("\n").length);
}
