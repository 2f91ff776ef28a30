/** Light, dark, or as the system has it. The choice is kept for this origin. */
import { effect, signal } from "@preact/signals";

export type Theme = "system" | "light" | "dark";

const key = "agentcore.theme";
const themes: readonly Theme[] = ["system", "light", "dark"];
const current = signal<Theme>("system");

export const theme = (): Theme => current.value;

export function startTheme(): void {
  try {
    current.value = themes.find((each) => each === localStorage.getItem(key)) ?? "system";
  } catch {
    // The browser keeps nothing: as the system has it.
  }
  effect(() => {
    if (current.value === "system") delete document.documentElement.dataset["theme"];
    else document.documentElement.dataset["theme"] = current.value;
  });
}

export function nextTheme(): void {
  current.value = themes[(themes.indexOf(current.peek()) + 1) % themes.length] ?? "system";
  try {
    localStorage.setItem(key, current.peek());
  } catch {
    // It lasts as long as the tab.
  }
}
