/** The frame of the page: navigation, state of the connection, and the view that the address names. */
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { scope, signOut, token } from "./api/token.ts";
import { paused, setPaused, streamState } from "./live/live.ts";
import type { StreamState } from "./live/messages.ts";
import { Badge } from "./parts/badge.tsx";
import { Link } from "./parts/link.tsx";
import { Empty } from "./parts/notes.tsx";
import { route } from "./route.ts";
import { daemonFacts, isOutdated, useDaemonFacts } from "./shell/daemon-facts.ts";
import { SignIn } from "./shell/sign-in.tsx";
import { ViewBox } from "./shell/view-box.tsx";
import { nextTheme, theme } from "./theme.ts";
import { places, viewOf } from "./views.tsx";

export function App(): JSX.Element {
  return token.value === null ? <SignIn /> : <Frame />;
}

function Frame(): JSX.Element {
  useDaemonFacts();
  const { path } = route.value;
  const place = path.join("/");
  useFocusOn(place);
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
        {isOutdated.value && <Outdated />}
        {found === null ? (
          <Empty>There is nothing at this address.</Empty>
        ) : (
          <ViewBox key={place}>
            <found.View />
          </ViewBox>
        )}
      </main>
    </>
  );
}

/** A new view begins at its top for the keyboard and for screen readers too, but for the first. */
function useFocusOn(place: string): void {
  const last = useRef(place);
  useEffect(() => {
    if (last.current !== place) document.getElementById("content")?.focus({ preventScroll: true });
    last.current = place;
  }, [place]);
}

function Outdated(): JSX.Element {
  return (
    <p class="notice" role="status">
      The daemon has another version now.{" "}
      <button type="button" onClick={() => location.reload()}>
        Load the page again
      </button>
    </p>
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

/** What the state of the stream means for what is shown. */
const connections: Readonly<Record<StreamState | "paused", readonly [label: string, title: string]>> = {
  live: ["live", "What is shown follows the daemon."],
  connecting: ["connecting", "The page connects to the daemon."],
  lost: ["no connection", "The daemon does not answer. The page tries again and again."],
  unauthorized: ["refused", "The daemon refused the token."],
  off: ["off", "The page does not follow the daemon."],
  paused: ["paused", "What is shown stays as it is until you resume."],
};

function Controls(): JSX.Element {
  const state = paused.value ? "paused" : streamState.value;
  const [label, title] = connections[state];
  return (
    <div class="controls">
      {scope.value === "read" && (
        <Badge state="read_only" tone="off" title="Your token may only read: actions are off." />
      )}
      <Badge state={state} label={label} title={title} />
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
