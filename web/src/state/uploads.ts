/** The uploads of this tab: a few at once, the others in line. */

import { computed, effect, signal } from "@preact/signals";

import { type Api, ApiError, say } from "../api/client.ts";
import type { Options, UploadTarget, Video } from "../api/types.ts";
import { fingerprint, forget, hold, keep, leftBehind } from "../upload/kept.ts";
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
  const started = new Set<Upload>();
  /** Whose uploads these are: the user's id. */
  let owner: string | null = null;
  let running = 0;

  const without = (sending: Sending) => {
    all.value = all.peek().filter((other) => other !== sending);
  };

  function take(sending: Sending) {
    all.value = [...all.peek(), sending];
    keepWhileUnfinished(sending.upload, () => owner);
    next();
  }

  /** Begins those that wait, as many as may run. */
  function next(): void {
    for (const sending of all.peek()) {
      const { upload } = sending;
      if (running >= AT_ONCE) {
        return;
      }
      if (upload.phase.peek() === "waiting" && !started.has(upload)) {
        void run(sending);
      }
    }
  }

  async function run(sending: Sending): Promise<void> {
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
    next();
  }

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
      take({ upload: new Upload(file, everyMs, options, { api }, { blob: file }), poster });
    },
    again({ upload }: Sending) {
      upload.again();
      next();
    },
    async cancel(sending: Sending) {
      await sending.upload.cancel();
      without(sending);
    },

    /** Goes on with an upload whose file is chosen again; false if it is another file. */
    async choose({ upload }: Sending, file: File): Promise<boolean> {
      const same = file.size === upload.file.size && (await fingerprint(file)) === prints.get(upload);
      if (same) {
        upload.choose(file);
        next();
      }
      return same;
    },

    /** The same for a file that somebody drops: whether it is that of an upload that waits for it. */
    async adopt(file: File): Promise<boolean> {
      const waiting = all.peek().filter(({ upload }) => upload.phase.peek() === "fileMissing");
      for (const sending of waiting.filter(({ upload }) => upload.file.size === file.size)) {
        if (await this.choose(sending, file)) {
          return true;
        }
      }
      return false;
    },

    /** Those of this user that a session's end has stopped go on; those that a tab has left behind are shown. */
    async resume(userId: string): Promise<void> {
      owner = userId;
      for (const { upload } of all.peek()) {
        if (upload.phase.peek() === "loggedOut") {
          upload.again();
        }
      }
      next();
      const known = new Set(all.peek().map(({ upload }) => upload.videoId));
      for (const left of await leftBehind(userId)) {
        if (known.has(left.videoId)) {
          continue;
        }
        const target = { video_id: left.videoId, method: "PARTS", url: "", headers: {}, expires_at: left.expiresAt };
        const upload = new Upload(left, left.everyMs, left.options, { api }, { target });
        prints.set(upload, left.fingerprint);
        take({ upload, poster: null });
        // How far it is, for who is to choose the file again.
        api.parts(left.videoId).then(
          ({ parts }) => {
            upload.sent.value = parts.reduce((sum, { size }) => sum + size, 0);
          },
          (error: unknown) => {
            if (error instanceof ApiError && [404, 409].includes(error.status)) {
              // Deleted, or complete by now.
              forget(left.videoId);
              all.value = all.peek().filter((other) => other.upload !== upload);
            }
          },
        );
      }
    },

    /** Cancels what is not done; what waits for its file may be gone on with later. */
    async cancelAll() {
      const mine = all.peek().filter(({ upload }) => upload.phase.peek() !== "fileMissing");
      all.value = [];
      owner = null;
      await Promise.all(mine.map(({ upload }) => upload.cancel()));
    },
  };
}

/** The fingerprints of files that are not there. */
const prints = new WeakMap<Upload, string>();

/** Notes an upload in parts until it is over, so that it can be gone on with after the page was closed. */
function keepWhileUnfinished(upload: Upload, owner: () => string | null) {
  // One that was left behind is noted already.
  let kept = upload.phase.peek() === "fileMissing" ? upload.videoId : null;
  let release: (() => void) | null = null;
  const stop = upload.phase.subscribe((phase) => {
    const over = phase === "done" || phase === "cancelled";
    const target = upload.resumable ? upload.target : null;
    if (kept !== null && (over || target?.video_id !== kept)) {
      forget(kept);
      kept = null;
      release?.();
      release = null;
    }
    if (phase === "sending" && target && release === null) {
      kept = target.video_id;
      release = hold(kept);
      void note(upload, target, owner());
    }
    if (over) {
      queueMicrotask(() => stop());
    }
  });
}

async function note(upload: Upload, { video_id: videoId, expires_at: expiresAt }: UploadTarget, owner: string | null) {
  const { name, type, size } = upload.file;
  const print = prints.get(upload) ?? (await fingerprint(upload.blob!));
  prints.set(upload, print);
  const { every: _, ...options } = upload.options;
  if (owner !== null && upload.underWay) {
    keep({ videoId, owner, name, type, size, fingerprint: print, everyMs: upload.everyMs, options, expiresAt });
  }
}
