/** The files that a person has chosen and not yet sent, and what a look at each has shown. */

import { signal } from "@preact/signals";

import { PICTURES, type Seen, sniffAt, watch } from "./look.ts";
import type { Kind } from "./sniff.ts";

export interface Chosen {
  file: File;
  /** null: nobody has looked yet. `unreadable`: it cannot be read any more. */
  kind: Kind | { kind: "unreadable" } | null;
  seen: Seen | null;
  /** Whether more may be seen yet. */
  looking: boolean;
}

export const isVideo = ({ kind }: Chosen) => kind?.kind === "video";
/** Whether it will be sent: not what is known to be no video. */
export const isSendable = ({ kind }: Chosen) => kind === null || kind.kind === "video";

export function openChoice() {
  const chosen = signal<readonly Chosen[]>([]);
  const looks = new Map<File, AbortController>();
  let line = Promise.resolve();

  const change = (file: File, news: Partial<Chosen>) => {
    chosen.value = chosen.peek().map((one) => (one.file === file ? { ...one, ...news } : one));
  };

  async function look(file: File, abort: AbortController): Promise<void> {
    if (abort.signal.aborted) {
      return;
    }
    const seen = await watch(file, abort.signal, (soFar) => change(file, { seen: soFar })).catch(() => null);
    change(file, { seen, looking: false });
  }

  function drop(file: File, keptPicture?: string) {
    looks.get(file)?.abort();
    looks.delete(file);
    const pictures = chosen.peek().find((one) => one.file === file)?.seen?.pictures ?? [];
    for (const picture of pictures.filter((other) => other !== keptPicture)) {
      URL.revokeObjectURL(picture);
    }
    chosen.value = chosen.peek().filter((one) => one.file !== file);
  }

  function clear() {
    for (const { file } of chosen.peek()) {
      drop(file);
    }
  }

  return {
    chosen,
    add(files: Iterable<File>) {
      for (const file of files) {
        const same = (one: Chosen) =>
          one.file.name === file.name && one.file.size === file.size && one.file.lastModified === file.lastModified;
        if (chosen.peek().some(same)) {
          continue;
        }
        const abort = new AbortController();
        looks.set(file, abort);
        chosen.value = [...chosen.peek(), { file, kind: null, seen: null, looking: true }];
        // What is no video is said at once; the player looks at one after the other.
        const sniffed = sniffAt(file).then(
          (kind) => {
            change(file, { kind, looking: kind.kind === "video" });
            return kind.kind === "video";
          },
          () => {
            change(file, { kind: { kind: "unreadable" }, looking: false });
            return false;
          },
        );
        line = line.then(async () => {
          if (await sniffed) {
            await look(file, abort);
          }
        });
      }
    },
    remove: (file: File) => drop(file),
    /** Takes all that can be sent, each with a picture of it; what cannot is dropped. */
    take(): { file: File; seen: Seen | null; poster: string | null }[] {
      const taken = chosen
        .peek()
        .filter(isSendable)
        .map(({ file, seen }) => {
          const poster = seen?.pictures[Math.floor(PICTURES / 3)] ?? seen?.pictures[0] ?? null;
          drop(file, poster ?? undefined);
          return { file, seen, poster };
        });
      clear();
      return taken;
    },
    clear,
  };
}

export type Choice = ReturnType<typeof openChoice>;

/** How many frames a video gives, at most: a moment each from `from` on, before the end. */
export const expectedFrames = (durationSeconds: number, everyMs: number) =>
  Math.max(1, Math.ceil((durationSeconds * 1_000) / everyMs));
