/** The uploads of this tab: a few at once, the others in line. */

import { computed, effect, signal } from "@preact/signals";

import { type Api, say } from "../api/client.ts";
import type { Options, Video } from "../api/types.ts";
import { Upload } from "../upload/upload.ts";
import { words } from "../words/index.ts";
import { announce } from "./notices.ts";

/** So many are sent at a time. More would make each of them late. */
const AT_ONCE = 2;

/** An upload, and what was seen of its video before. */
export interface Sending {
  upload: Upload;
  poster: string | null;
}

export type Uploads = ReturnType<typeof openUploads>;

/** `onDone` is told of each video that has arrived. */
export function openUploads(api: Api, onDone: (video: Video, sending: Sending) => void) {
  const all = signal<Sending[]>([]);
  let running = 0;

  const without = (sending: Sending) => {
    all.value = all.peek().filter((other) => other !== sending);
  };

  async function next(): Promise<void> {
    const sending = all.peek().find(({ upload }) => upload.phase.peek() === "waiting" && !started.has(upload));
    if (running >= AT_ONCE || !sending) {
      return;
    }
    const { upload } = sending;
    started.add(upload);
    running += 1;
    await upload.run();
    running -= 1;
    started.delete(upload);
    switch (upload.phase.peek()) {
      case "done":
        onDone(upload.video!, sending);
        without(sending);
        break;
      case "cancelled":
        without(sending);
        break;
      case "failed":
        announce(words.peek().uploads.notUploaded(upload.file.name, say(upload.error, words.peek())));
        break;
    }
    void next();
  }
  const started = new Set<Upload>();

  const underWay = computed(() => all.value.some(({ upload }) => upload.underWay));
  const warn = (event: BeforeUnloadEvent) => event.preventDefault();
  effect(() => {
    // Only while it matters: a page that listens is not kept for the way back.
    (underWay.value ? addEventListener : removeEventListener)("beforeunload", warn);
  });

  return {
    all,
    underWay,
    /** Whether this video is one of them. */
    has: (id: string) => all.value.some(({ upload }) => upload.videoId === id),
    add(file: File, everyMs: number, options: Omit<Options, "every">, poster: string | null) {
      const sending = { upload: new Upload(file, everyMs, options, { api }), poster };
      all.value = [...all.peek(), sending];
      void next();
    },
    again({ upload }: Sending) {
      upload.again();
      void next();
    },
    async cancel(sending: Sending) {
      await sending.upload.cancel();
      without(sending);
    },
    /** Those that a session's end has stopped go on. */
    resume() {
      for (const { upload } of all.peek()) {
        if (upload.phase.peek() === "loggedOut") {
          upload.again();
        }
      }
      for (let n = 0; n < AT_ONCE; n += 1) {
        void next();
      }
    },
    /** Cancels what is not done. */
    async cancelAll() {
      await Promise.all(all.peek().map(({ upload }) => upload.cancel()));
      all.value = [];
    },
  };
}
