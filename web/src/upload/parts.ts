/** A file sent in parts, straight to the store: those that are there already are not sent again. */

import type { Api, putFile } from "../api/client.ts";
import type { UploadTarget } from "../api/types.ts";

/** So many at a time: enough to fill a line, few enough that little is lost when it breaks. */
const AT_ONCE = 3;
/** Addresses live for minutes, so they are asked for as they are needed. */
const BATCH = 12;

export interface PartsWorld {
  signal: AbortSignal;
  onProgress: (sent: number) => void;
  /** Told once, how much is there already. */
  begin: (sent: number) => void;
}

/** Sends what is missing, and ends when all is there. */
export async function sendParts(
  api: Pick<Api, "parts" | "partTargets">,
  put: typeof putFile,
  { video_id: id }: Pick<UploadTarget, "video_id">,
  blob: Blob,
  { signal, onProgress, begin }: PartsWorld,
): Promise<void> {
  const { part_size: size, part_count: count, parts } = await api.parts(id);
  signal.throwIfAborted();
  const there = new Set(parts.map(({ part }) => part));
  let arrived = parts.reduce((sum, part) => sum + part.size, 0);
  begin(arrived);
  const missing = Array.from({ length: count }, (_, n) => n + 1).filter((part) => !there.has(part));
  /** Bytes of each part that have left and not arrived yet. */
  const leaving = new Map<number, number>();
  const tell = () => onProgress(arrived + [...leaving.values()].reduce((sum, sent) => sum + sent, 0));

  // One that fails ends the others: what is wrong with it is wrong with them.
  const failed = new AbortController();
  const all = AbortSignal.any([signal, failed.signal]);
  let targets: Awaited<ReturnType<typeof api.partTargets>>["parts"] = [];
  let asking: Promise<void> | null = null;

  async function nextTarget() {
    while (targets.length === 0 && (asking || missing.length > 0)) {
      asking ??= api.partTargets(id, missing.splice(0, BATCH)).then((answer) => {
        targets.push(...answer.parts);
      }).finally(() => {
        asking = null;
      });
      await asking;
    }
    return targets.shift();
  }

  async function work(): Promise<void> {
    for (let target = await nextTarget(); target; target = await nextTarget()) {
      const { part } = target;
      const bytes = blob.slice((part - 1) * size, part * size);
      await put(target, bytes, {
        signal: all,
        onProgress(sent) {
          leaving.set(part, Math.min(sent, bytes.size));
          tell();
        },
      });
      leaving.delete(part);
      arrived += bytes.size;
      tell();
    }
  }

  const works = Array.from({ length: AT_ONCE }, work);
  try {
    await Promise.all(works);
  } catch (error) {
    failed.abort(error);
    await Promise.allSettled(works);
    throw error;
  }
}
