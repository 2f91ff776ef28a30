/**
 * The colors of a picture, light and dark, as plain rules, because several SVG renderers know media queries but no
 * variables. Text has a contrast of at least 4.5 to 1 on every background (WCAG 2.2, 1.4.3); everything that a color says
 * is also said in words.
 */
import type { Tone } from "../../screen/line.ts";

type Ground = "neutral" | "good" | "bad" | "warn" | "accent";

interface Scheme {
  readonly paper: string;
  readonly ink: string;
  readonly dim: string;
  readonly link: string;
  /** Line and fill of a box. */
  readonly grounds: Readonly<Record<Ground, readonly [line: string, fill: string]>>;
}

const light: Scheme = {
  paper: "#ffffff",
  ink: "#1f2328",
  dim: "#57606a",
  link: "#0550ae",
  grounds: {
    neutral: ["#818b98", "#f6f8fa"],
    good: ["#1a7f37", "#dafbe1"],
    bad: ["#cf222e", "#ffebe9"],
    warn: ["#9a6700", "#fff8c5"],
    accent: ["#0969da", "#ddf4ff"],
  },
};

const dark: Scheme = {
  paper: "#0d1117",
  ink: "#f0f6fc",
  dim: "#a3acb6",
  link: "#79c0ff",
  grounds: {
    neutral: ["#656c76", "#151b23"],
    good: ["#3fb950", "#12261e"],
    bad: ["#f85149", "#25171c"],
    warn: ["#d29922", "#272115"],
    accent: ["#4493f8", "#121d2f"],
  },
};

const groundOf: Readonly<Record<Tone, Ground>> = {
  plain: "neutral",
  dim: "neutral",
  strong: "neutral",
  good: "good",
  bad: "bad",
  warn: "warn",
  accent: "accent",
};

/** Class of a box by the tone of its state; null: there is no run. */
export const boxClass = (tone: Tone | null): string => `box ${groundOf[tone ?? "plain"]}`;

const fonts = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace";

export function pictureStyle(): string {
  return [
    `.workflow{font:13px ${fonts}}`,
    ".workflow .title{font-weight:bold}",
    ".workflow .label{font-size:11px}",
    ".workflow .edge,.workflow .loop{fill:none;stroke-width:1.5}",
    ".workflow .conditional{stroke-dasharray:5 4}",
    ".workflow .box{stroke-width:1.5}",
    ".workflow a:focus-visible{outline:none}",
    ".workflow a:focus-visible .box{stroke-width:4}",
    ".workflow a:hover .title{text-decoration:underline}",
    rulesOf(light),
    `@media(prefers-color-scheme:dark){${rulesOf(dark)}}`,
  ].join("");
}

function rulesOf({ paper, ink, dim, grounds }: Scheme): string {
  const boxes = Object.entries(grounds).map(
    ([name, [line, fill]]) => `.workflow .${name}{stroke:${line};fill:${fill}}`,
  );
  return [
    `.workflow .paper,.workflow .behind{fill:${paper}}`,
    `.workflow text{fill:${ink}}`,
    `.workflow .dim,.workflow .label{fill:${dim}}`,
    `.workflow .edge,.workflow .loop{stroke:${dim}}`,
    `.workflow .tip{fill:${dim}}`,
    ...boxes,
  ].join("");
}

/** Style of the page around the picture. */
export function pageStyle(): string {
  const scheme = ({ paper, ink, dim, link, grounds }: Scheme): string =>
    [
      `body{background:${paper};color:${ink}}`,
      `.dim,dt{color:${dim}}`,
      `a{color:${link}}`,
      `pre{background:${grounds.neutral[1]}}`,
      `pre,.scroll,details{border-color:${grounds.neutral[0]}}`,
      `:focus-visible{outline-color:${link}}`,
      ...Object.entries(grounds).map(
        ([name, [line, fill]]) => `.state.${name}{border-color:${line};background:${fill};color:${ink}}`,
      ),
    ].join("");
  return [
    ":root{color-scheme:light dark}",
    "body{font:16px/1.5 system-ui,sans-serif;margin:0 auto;padding:1rem 1.5rem;max-width:80rem;overflow-wrap:anywhere}",
    "h1{margin:.5rem 0}",
    "dl{display:grid;grid-template-columns:max-content 1fr;gap:.15rem 1rem;margin:.5rem 0}",
    "dd{margin:0}",
    "figure{margin:1rem 0}",
    ".scroll{overflow:auto;max-height:80vh;border:1px solid}",
    ".scroll svg{display:block;margin:0 auto}",
    "details{border-top:1px solid;padding:.4rem 0}",
    "summary{cursor:pointer}",
    "pre{overflow:auto;max-height:24rem;padding:.6rem;border:1px solid;white-space:pre-wrap}",
    ".state{display:inline-block;border:1px solid;border-radius:.3rem;padding:0 .4rem;font-size:.8rem;font-weight:bold}",
    ":focus-visible{outline:3px solid;outline-offset:2px}",
    scheme(light),
    `@media(prefers-color-scheme:dark){${scheme(dark)}}`,
  ].join("");
}
