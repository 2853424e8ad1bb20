/**
 * Who is logged in, in all tabs of this browser at once. The tokens stand in Web Storage, of which no
 * other page reads anything; what runs in this one is only what its policy names.
 */

import type { Tokens } from "./types.ts";

export interface Session {
  get(): Tokens | null;
  set(tokens: Tokens): void;
  clear(): void;
}

const KEY = "fotograma.session";

export function sessionIn(storage: Storage): Session {
  return {
    get() {
      try {
        return JSON.parse(storage.getItem(KEY) ?? "null") as Tokens | null;
      } catch {
        // Somebody's hand was in it: nobody is logged in.
        return null;
      }
    },
    set: (tokens) => storage.setItem(KEY, JSON.stringify(tokens)),
    clear: () => storage.removeItem(KEY),
  };
}

/** Calls back when another tab has logged in or out. */
export function onOtherTab(changed: () => void): void {
  addEventListener("storage", (event) => {
    // `null`: all was cleared.
    if (event.key === KEY || event.key === null) {
      changed();
    }
  });
}
