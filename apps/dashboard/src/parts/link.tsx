import type { ComponentChildren, JSX } from "preact";
import { go } from "../route.ts";

export interface LinkProps {
  /** Within the page. */
  readonly href: string;
  readonly children: ComponentChildren;
  readonly class?: string | undefined;
  readonly title?: string | undefined;
  /** For those who do not see it. Default: what is inside. */
  readonly label?: string | undefined;
  /** Whether it leads to what is shown. */
  readonly isCurrent?: boolean | undefined;
}

/** A real link; a plain click stays in the page. */
export function Link({ href, children, title, label, isCurrent = false, ...rest }: LinkProps): JSX.Element {
  const onClick = (event: MouseEvent): void => {
    if (event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    go(href);
  };
  return (
    <a
      href={href}
      class={rest.class}
      title={title}
      aria-label={label}
      aria-current={isCurrent ? "page" : undefined}
      onClick={onClick}
    >
      {children}
    </a>
  );
}
