import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { ApiError, asApiError } from "../api/call.ts";
import { refusal, signIn } from "../api/token.ts";
import { ErrorNote } from "../parts/notes.tsx";
import { TextField } from "../parts/fields.tsx";
import { factsFor } from "./daemon-facts.ts";

/** Takes a token and tries it before it is kept. */
export function SignIn(): JSX.Element {
  const [text, setText] = useState("");
  const [error, setError] = useState<ApiError | null>(null);
  const [isTrying, setTrying] = useState(false);
  const submit = async (): Promise<void> => {
    const token = text.trim();
    if (token === "" || isTrying) return;
    setTrying(true);
    try {
      await factsFor(token);
      signIn(token);
    } catch (thrown) {
      const error = asApiError(thrown);
      // Its cure is for programs; what helps here stands below.
      setError(
        error.status === 401 ? new ApiError(error.code, error.message, { cure: "", status: 401 }) : error,
      );
      setTrying(false);
    }
  };
  return (
    <main class="sign-in" id="content">
      <h1>AgentCore</h1>
      {refusal.value !== null && error === null && (
        <p class="error-note" role="alert">
          You were signed out: {refusal.value}.
        </p>
      )}
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        <TextField
          label="Token"
          type="password"
          value={text}
          onInput={setText}
          placeholder="agc_…"
          hint="It stays in this browser, for this address only, until you sign out."
        />
        <ErrorNote error={error} />
        <button type="submit" class="primary" aria-disabled={isTrying}>
          {isTrying ? "Signing in …" : "Sign in"}
        </button>
      </form>
      <p class="faint">
        Make one on the machine of the daemon:{" "}
        <code>agentcore token create NAME --scope operate --state-dir DIR</code>, or <code>--scope read</code>{" "}
        for somebody who only looks. The log of the daemon names its state directory.
      </p>
    </main>
  );
}
