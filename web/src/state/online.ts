/** Whether there is a network, as the browser knows it, and waiting for it. */

import { signal } from "@preact/signals";

export const online = signal(globalThis.navigator?.onLine ?? true);

if (globalThis.window) {
  for (const name of ["online", "offline"]) {
    addEventListener(name, () => {
      online.value = navigator.onLine;
    });
  }
}

/** Waits so long, or until the network is back after it was away, whichever is first. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = () => {
      clearTimeout(timer);
      globalThis.removeEventListener?.("online", done);
      signal.removeEventListener("abort", aborted);
    };
    const done = () => {
      end();
      resolve();
    };
    const aborted = () => {
      end();
      reject(signal.reason);
    };
    const timer = setTimeout(done, ms);
    globalThis.addEventListener?.("online", done);
    signal.addEventListener("abort", aborted);
    if (signal.aborted) {
      aborted();
    }
  });
}
