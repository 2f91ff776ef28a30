/** The frame of the page: navigation, state of the connection, and the view that the address names. */
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { scope, signOut, token } from "./api/token.ts";
import { paused, setPaused, streamState } from "./live/live.ts";
import { Badge } from "./parts/badge.tsx";
import { Link } from "./parts/link.tsx";
import { Empty } from "./parts/notes.tsx";
import { route } from "./route.ts";
import { daemonFacts, useDaemonFacts } from "./shell/daemon-facts.ts";
import { SignIn } from "./shell/sign-in.tsx";
import { nextTheme, theme } from "./theme.ts";
import { places, viewOf } from "./views.tsx";

export function App(): JSX.Element {
  return token.value === null ? <SignIn /> : <Frame />;
}

function Frame(): JSX.Element {
  useDaemonFacts();
  const { path } = route.value;
  const found = viewOf(path);
  const title = found?.title ?? "Not found";
  const name = daemonFacts.value?.name ?? "AgentCore";
  useEffect(() => {
    document.title = `${title} · ${name}`;
  }, [title, name]);
  return (
    <>
      <a class="skip" href="#content">
        Skip to the content
      </a>
      <header class="top">
        <Link href="/" class="brand">
          {name}
        </Link>
        <Navigation first={path[0]} />
        <Controls />
      </header>
      <main id="content" tabIndex={-1}>
        {found === null ? (
          <Empty>There is nothing at this address.</Empty>
        ) : (
          <found.View key={path.join("/")} />
        )}
      </main>
    </>
  );
}

function Navigation({ first }: { readonly first: string | undefined }): JSX.Element {
  const current = first === "firings" ? "/events" : `/${first ?? ""}`;
  return (
    <nav aria-label="Views">
      <ul>
        {places.map(({ href, title }) => (
          <li key={href}>
            <Link href={href} isCurrent={href === current}>
              {title}
            </Link>
          </li>
        ))}
      </ul>
    </nav>
  );
}

const themeNames = { system: "Auto", light: "Light", dark: "Dark" };

function Controls(): JSX.Element {
  const state = paused.value ? "paused" : streamState.value;
  return (
    <div class="controls">
      {scope.value === "read" && (
        <Badge state="read_only" tone="off" title="Your token may only read: actions are off." />
      )}
      <Badge state={state} />
      <button
        type="button"
        class="quiet"
        aria-pressed={paused.value}
        onClick={() => setPaused(!paused.peek())}
      >
        {paused.value ? "Resume" : "Pause"}
        <span class="wide-only"> updates</span>
      </button>
      <button
        type="button"
        class="quiet"
        title="Colors: as the system has them, light, or dark"
        onClick={nextTheme}
      >
        {themeNames[theme()]}
      </button>
      <button type="button" class="quiet" onClick={() => signOut()}>
        Sign out
      </button>
    </div>
  );
}
