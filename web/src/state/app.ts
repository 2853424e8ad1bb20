/** Who is logged in, and what they have before them. */

import { effect, signal } from "@preact/signals";

import { createApi } from "../api/client.ts";
import { onOtherTab, sessionIn } from "../api/session.ts";
import type { Config } from "../config.ts";
import { go, route } from "./route.ts";
import { type Uploads, openUploads } from "./uploads.ts";
import { type VideoList, openList } from "./videos.ts";

export type App = ReturnType<typeof openApp>;

/** Pages for who is not logged in; any other address waits until they are. */
const DOORS = ["login", "signup", "confirm", "forgot", "reset"];

export function openApp(config: Config) {
  const session = sessionIn(localStorage);
  const list = signal<VideoList | null>(null);
  const username = signal("");
  /** What is said above the log-in form, once. */
  const reason = signal<"over" | "confirmed" | "changed" | null>(null);
  /** What a new user has just chosen, so that confirming also logs in. */
  const applicant = signal<{ username: string; password?: string } | null>(null);
  /** The videos that were uploaded from here: they can be played without being fetched. */
  const files = new Map<string, File>();
  /** A picture of each video that was seen before its upload. */
  const posters = new Map<string, string>();
  /** Whose uploads are under way. */
  let owner: string | null = null;

  const api = createApi(config, session, () => {
    reason.value = "over";
    leave();
  });

  const uploads: Uploads = openUploads(api, (video, { upload, poster }) => {
    if (upload.blob instanceof File) {
      files.set(video.video_id, upload.blob);
    }
    if (poster) {
      posters.set(video.video_id, poster);
    }
    list.peek()?.learn(video);
  });

  async function enter() {
    list.value = openList(api, uploads.has);
    username.value = "";
    try {
      const user = await api.me();
      username.value = user.username;
      // Uploads that the end of a session has stopped go on, unless somebody else has come.
      if (owner !== null && owner !== user.user_id) {
        await uploads.cancelAll();
      }
      owner = user.user_id;
      await uploads.resume(owner);
    } catch {
      // The name is an ornament; what is wrong shows where it matters.
    }
  }

  function leave() {
    const left = list.peek();
    list.value = null;
    void left?.close();
  }

  onOtherTab(() => {
    if (!api.loggedIn()) {
      leave();
    } else if (!list.peek()) {
      void enter();
    }
  });
  addEventListener("focus", () => {
    if (api.loggedIn() && owner === null && list.peek()) {
      void api.me().then((user) => {
        owner = user.user_id;
        username.value = user.username;
        return uploads.resume(owner);
      }).catch(() => {});
    }
  });

  effect(() => {
    // Who is logged in has nothing to do at the doors.
    if (list.value && DOORS.includes(route.value.view)) {
      go({ view: "list" }, true);
    }
  });

  if (api.loggedIn()) {
    void enter();
  }

  return {
    config,
    api,
    list,
    uploads,
    username,
    reason,
    applicant,
    files,
    posters,
    async login(name: string, password: string) {
      await api.login(name, password);
      reason.value = null;
      applicant.value = null;
      void enter();
    },
    async logout() {
      owner = null;
      reason.value = null;
      await Promise.all([uploads.cancelAll(), list.peek()?.close()]);
      // The tokens are dropped here in any case; telling the provider may fail.
      api.logout().catch(() => {});
      list.value = null;
      files.clear();
      posters.clear();
      go({ view: "login" }, true);
    },
  };
}
