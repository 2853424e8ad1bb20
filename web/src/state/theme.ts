/** Light or dark: as the device has it, or as chosen. */

import { effect, signal } from "@preact/signals";

export type Theme = "auto" | "light" | "dark";

const KEY = "fotograma.theme";

function kept(): Theme {
  const theme = localStorage.getItem(KEY);
  return theme === "light" || theme === "dark" ? theme : "auto";
}

export const theme = signal<Theme>(kept());

effect(() => {
  document.documentElement.dataset.theme = theme.value;
});

export function wear(chosen: Theme): void {
  localStorage.setItem(KEY, chosen);
  theme.value = chosen;
}
