/** What the address says: `#signup`, or `#video=<id>&t=<seconds>` for a video's frames at a moment. */

import { signal } from "@preact/signals";

export type Route =
  | { view: "list" | "login" | "signup" | "confirm" | "forgot" | "reset" | "password" }
  | { view: "frames"; id: string; seconds: number | null };

const DOORS = ["login", "signup", "confirm", "forgot", "reset", "password"] as const;

export function parseRoute(hash: string): Route {
  const text = hash.replace(/^#/, "");
  const door = DOORS.find((name) => name === text);
  if (door) {
    return { view: door };
  }
  const fields = new URLSearchParams(text);
  const id = fields.get("video");
  if (!id) {
    return { view: "list" };
  }
  const t = fields.get("t");
  const seconds = Number(t);
  return { view: "frames", id, seconds: t !== null && t !== "" && seconds >= 0 ? seconds : null };
}

export function formatRoute(route: Route): string {
  if (route.view !== "frames") {
    return route.view === "list" ? "" : `#${route.view}`;
  }
  const t = route.seconds === null ? "" : `&t=${Number(route.seconds.toFixed(3))}`;
  return `#video=${encodeURIComponent(route.id)}${t}`;
}

export const route = signal<Route>(parseRoute(globalThis.location?.hash ?? ""));

/** Goes there; with `replace`, as if it had been there before. */
export function go(to: Route, replace = false): void {
  const address = location.pathname + location.search + formatRoute(to);
  if (address !== location.pathname + location.search + location.hash) {
    history[replace ? "replaceState" : "pushState"](null, "", address);
  }
  route.value = to;
}

if (globalThis.window) {
  for (const name of ["popstate", "hashchange"]) {
    addEventListener(name, () => {
      if (formatRoute(route.peek()) !== location.hash) {
        route.value = parseRoute(location.hash);
      }
    });
  }
}
