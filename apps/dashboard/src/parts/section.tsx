import type { ComponentChildren, JSX } from "preact";
import { useId } from "preact/hooks";

export interface SectionProps {
  readonly title: string;
  /** Beside the title. */
  readonly actions?: ComponentChildren;
  /** A count beside the title. */
  readonly count?: number | undefined;
  readonly children: ComponentChildren;
  readonly class?: string | undefined;
}

export function Section({ title, actions, count, children, ...rest }: SectionProps): JSX.Element {
  const id = useId();
  return (
    <section aria-labelledby={id} class={rest.class}>
      <header class="section-head">
        <h2 id={id}>
          {title}
          {count !== undefined && <span class="count"> {count}</span>}
        </h2>
        {actions !== undefined && <div class="actions">{actions}</div>}
      </header>
      {children}
    </section>
  );
}

/** The title of a view, with what can be done to all of it. */
export function PageHead({
  title,
  actions,
}: {
  readonly title: ComponentChildren;
  readonly actions?: ComponentChildren;
}): JSX.Element {
  return (
    <header class="page-head">
      <h1>{title}</h1>
      {actions !== undefined && <div class="actions">{actions}</div>}
    </header>
  );
}

export interface Fact {
  readonly term: string;
  readonly value: ComponentChildren;
}

/** Terms with their values. */
export function Facts({ items }: { readonly items: readonly Fact[] }): JSX.Element {
  return (
    <dl class="facts">
      {items.map(({ term, value }) => (
        <div key={term}>
          <dt>{term}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
