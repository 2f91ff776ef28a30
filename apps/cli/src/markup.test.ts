import { expect, it } from "vitest";
import { escapeMarkup } from "./markup.ts";

it.each([
  ["plain", "plain"],
  [`<script>alert("a" + 'b')</script>`, "&lt;script&gt;alert(&quot;a&quot; + &#39;b&#39;)&lt;/script&gt;"],
  ["a & b", "a &amp; b"],
  ["two\nlines\ttab", "two&#10;lines&#9;tab"],
  ["bell\u0007 escape\u001b[31m nul\u0000 next\u0085", "bell escape nul next"],
  ["half \ud800 and \udfff, none \ufffe\uffff", "half  and , none "],
  ["日本語 🙂 é", "日本語 🙂 é"],
])("%j is written %j", (text, written) => {
  expect(escapeMarkup(text)).toBe(written);
});
