/**
 * What is looked at in a document. Each function runs inside the browser and answers what is wrong, in words; an empty list
 * is well. They see computed styles and real boxes of text, which no test of the markup does.
 */

/** Words that do not fit into their box, and boxes that lie over each other without one being inside the other. */
export function misplacedBoxes(): string[] {
  const problems: string[] = [];
  const outer: DOMRect[] = [];
  for (const box of document.querySelectorAll(".workflow :is(a, g):has(> .box)")) {
    const rects = [...box.querySelectorAll(":scope > .box")].map((one) => one.getBoundingClientRect());
    const own = rects.at(-1);
    if (own === undefined) continue;
    for (const text of box.querySelectorAll(":scope > text")) {
      const { left, right, top, bottom } = text.getBoundingClientRect();
      if (left < own.left || right > own.right || top < own.top || bottom > own.bottom)
        problems.push(`"${text.textContent}" leaves its box`);
    }
    outer.push(own);
  }
  const inside = (a: DOMRect, b: DOMRect): boolean =>
    a.left > b.left && a.right < b.right && a.top > b.top && a.bottom < b.bottom;
  const apart = (a: DOMRect, b: DOMRect): boolean =>
    a.right < b.left || b.right < a.left || a.bottom < b.top || b.bottom < a.top;
  outer.forEach((a, index) => {
    for (const b of outer.slice(index + 1))
      if (!apart(a, b) && !inside(a, b) && !inside(b, a)) problems.push("two boxes lie over each other");
  });
  if (outer.length === 0) problems.push("there is no box");
  return problems;
}

/** Texts whose contrast to what is behind them is below 4.5 to 1, by WCAG 2.2. */
export function faintTexts(): string[] {
  const parts = (color: string): number[] => (color.match(/[\d.]+/g) ?? []).map(Number);
  const luminance = (color: string): number => {
    const [red = 0, green = 0, blue = 0] = parts(color).map((part) =>
      part / 255 <= 0.04045 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4,
    );
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const contrast = (a: string, b: string): number => {
    const [high = 0, low = 0] = [luminance(a), luminance(b)].sort((x, y) => y - x);
    return (high + 0.05) / (low + 0.05);
  };
  const behindText = (text: Element): string => {
    const rects = text.parentElement?.querySelectorAll(":scope > rect") ?? [];
    const rect = [...rects].at(-1) ?? document.querySelector(".workflow > .paper");
    return rect === null ? "" : getComputedStyle(rect).fill;
  };
  const behindElement = (element: Element): string => {
    for (let at: Element | null = element; at !== null; at = at.parentElement) {
      const { backgroundColor } = getComputedStyle(at);
      if (parts(backgroundColor)[3] !== 0) return backgroundColor;
    }
    return "rgb(255, 255, 255)";
  };
  const pairs = [
    ...[...document.querySelectorAll(".workflow text")].map(
      (text) => [text, getComputedStyle(text).fill, behindText(text)] as const,
    ),
    ...[...document.querySelectorAll("h1, h2, p, dt, dd, summary, summary *, pre, figcaption")].map(
      (element) => [element, getComputedStyle(element).color, behindElement(element)] as const,
    ),
  ];
  return pairs.flatMap(([{ textContent }, ink, ground]) => {
    const ratio = contrast(ink, ground);
    return ratio >= 4.5
      ? []
      : [`"${textContent?.slice(0, 30)}" has ${ratio.toFixed(1)} to 1: ${ink} on ${ground}`];
  });
}

/** Anything that runs or is loaded, and traces of a script that was taken for one. */
export function activeContent(): string[] {
  const found = document.querySelectorAll("script, iframe, object, embed, img, link, foreignObject, use");
  const handlers = [...document.querySelectorAll("*")].flatMap(({ attributes }) =>
    [...attributes].filter(({ name }) => name.startsWith("on")).map(({ name }) => name),
  );
  const ran = "pwned" in globalThis ? ["a script ran"] : [];
  return [...[...found].map(({ tagName }) => `there is a ${tagName}`), ...handlers, ...ran];
}

/** Whether the document is wider than the window, so that a reader has to scroll sideways through text. */
export function sidewaysScroll(): string[] {
  const { scrollWidth, clientWidth } = document.documentElement;
  return scrollWidth > clientWidth ? [`${scrollWidth} px wide in a window of ${clientWidth}`] : [];
}
