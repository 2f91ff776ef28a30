import type { JSX } from "preact";
import { clock } from "../../live/clock.ts";
import { shapes } from "../../parts/badge-tones.ts";
import { Link } from "../../parts/link.tsx";
import { boxState, curve, stepTone, type Graph, type TreeRow } from "./step-tree.ts";

type Drawing = NonNullable<Graph["drawing"]>;

export interface RunGraphProps {
  readonly name: string;
  readonly drawing: Drawing;
  readonly rows: readonly TreeRow[];
  /** The address of what is said of an instance. */
  readonly hrefOf: (key: string) => string;
}

/** The steps as boxes, each a link to its first instance. */
export function RunGraph({ name, drawing, rows, hrefOf }: RunGraphProps): JSX.Element {
  const { width, height, boxes, edges, lines } = drawing;
  const byPath = Map.groupBy(rows, ({ node }) => node.path);
  return (
    <div class="graph-box" role="region" aria-label={`Graph of ${name}`} tabIndex={0}>
      <svg
        class="graph"
        viewBox={`0 0 ${width} ${height}`}
        width={width}
        height={height}
        role="group"
        aria-label={name}
      >
        <defs>
          <marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto">
            <path class="tip" d="M0 0L8 4L0 8z" />
          </marker>
        </defs>
        {lines.map((line) => (
          <path key={line.y} class="edge conditional" d={`M${line.x} ${line.y}h${line.width}`} />
        ))}
        {edges.map((edge) => (
          <Edge key={`${edge.from} ${edge.to}`} edge={edge} />
        ))}
        {boxes.map((box) => (
          <Box key={box.path} box={box} rows={byPath.get(box.path) ?? []} hrefOf={hrefOf} />
        ))}
      </svg>
    </div>
  );
}

function Edge({
  edge: { points, label, conditional },
}: {
  readonly edge: Drawing["edges"][number];
}): JSX.Element {
  return (
    <g>
      <path class={conditional ? "edge conditional" : "edge"} marker-end="url(#tip)" d={curve(points)} />
      {label !== null && (
        <>
          <rect
            class="behind"
            x={label.x - label.width / 2}
            y={label.y - 8}
            width={label.width}
            height={16}
          />
          <text class="label" text-anchor="middle" x={label.x} y={label.y + 4}>
            {label.text}
          </text>
        </>
      )}
    </g>
  );
}

interface BoxProps extends Pick<RunGraphProps, "rows" | "hrefOf"> {
  readonly box: Drawing["boxes"][number];
}

function Box({ box, rows, hrefOf }: BoxProps): JSX.Element {
  const { x, y, width, height, lines, state, isStacked, path } = box;
  const { status, text } = boxState(rows, clock.value);
  const tone = stepTone(status);
  const shape = { class: `box fill-${tone}`, width, height, rx: 6 };
  const full = `${shapes[tone]} ${text}`;
  const shown = full.length > state.columns ? `${full.slice(0, state.columns - 1)}…` : full;
  return (
    <Link href={hrefOf(rows[0]?.key ?? path)}>
      {isStacked && <rect {...shape} x={x + 5} y={y + 5} />}
      <rect {...shape} x={x} y={y} />
      {lines.map((line, index) => (
        <text key={line.y} class={index === 0 ? "title" : "dim"} x={line.x} y={line.y}>
          {/* The space keeps the words apart in the name that programs read aloud. */}
          {`${line.text} `}
        </text>
      ))}
      <text class="title" x={state.x} y={state.y} data-step={path} data-status={status}>
        {shown}
      </text>
    </Link>
  );
}
