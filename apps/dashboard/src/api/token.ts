/** The bearer token of this browser, kept for this origin, and what it may do. */
import { signal, type ReadonlySignal } from "@preact/signals";

export type Scope = "read" | "operate";

const key = "agentcore.token";

/** Null: signed out. */
const current = signal<string | null>(kept());
const currentScope = signal<Scope | null>(null);
const currentRefusal = signal<string | null>(null);

export const token: ReadonlySignal<string | null> = current;
/** Null: not known yet. */
export const scope: ReadonlySignal<Scope | null> = currentScope;
/** Why the daemon refused the last token. */
export const refusal: ReadonlySignal<string | null> = currentRefusal;

const readOnlyReason = "Your token may only read.";

/** Why no action can be taken; null: actions can be taken. */
export const actionsOff = (): string | null => (currentScope.value === "read" ? readOnlyReason : null);

function kept(): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

function keep(text: string | null): void {
  try {
    if (text === null) localStorage.removeItem(key);
    else localStorage.setItem(key, text);
  } catch {
    // The browser keeps nothing: the token lasts as long as the tab.
  }
}

export function signIn(text: string): void {
  keep(text);
  currentRefusal.value = null;
  currentScope.value = null;
  current.value = text;
}

/** `why`: shown beside the field of the token. */
export function signOut(why: string | null = null): void {
  keep(null);
  currentRefusal.value = why;
  currentScope.value = null;
  current.value = null;
}

export function setScope(scope: Scope): void {
  currentScope.value = scope;
}

/** Signing in or out in one tab does so in all. */
export function followOtherTabs(): void {
  addEventListener("storage", (event) => {
    if (event.key !== key && event.key !== null) return;
    currentScope.value = null;
    current.value = kept();
  });
}
