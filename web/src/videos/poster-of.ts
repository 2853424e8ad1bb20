/**
 * A picture of each video that is done, from the middle of its zip: by ranges, once, and only of those
 * rows that somebody sees.
 */

import { useEffect, useState } from "preact/hooks";

import type { Video } from "../api/types.ts";
import { readContents } from "../frames/contents.ts";
import { entryData, rangesAt } from "../frames/zip.ts";
import type { App } from "../state/app.ts";

/** By the video and its last change: a retry makes other frames. */
const made = new Map<string, Promise<string | null>>();
/** So many are looked for at a time: the list comes first. */
const AT_ONCE = 2;
let running = 0;
const line: (() => void)[] = [];

async function inTurn<T>(act: () => Promise<T>): Promise<T> {
  if (running >= AT_ONCE) {
    await new Promise<void>((resolve) => line.push(resolve));
  }
  running += 1;
  try {
    return await act();
  } finally {
    running -= 1;
    line.shift()?.();
  }
}

async function fromZip(app: App, video: Video): Promise<string | null> {
  const ranges = rangesAt(() => app.api.zipAddress(video.video_id));
  const { frames } = await readContents(ranges, video.frames);
  const frame = frames[frames.length >> 1];
  let address: string | null = null;
  if (frame) {
    await ranges.range(frame.offset, frame.end, new AbortController().signal, (bytes) => {
      const data = entryData(bytes, frame);
      address ??= data && URL.createObjectURL(new Blob([data]));
    });
  }
  return address;
}

/** The address of a picture of the video, once `row` has been seen and there is one. */
export function usePoster(app: App, video: Video, row: { current: HTMLElement | null }): string | null {
  const { video_id: id, status, updated_at } = video;
  const [picture, setPicture] = useState<string | null>(null);
  useEffect(() => {
    if (status !== "done" || !row.current) {
      return;
    }
    let gone = false;
    const watcher = new IntersectionObserver(([seen]) => {
      if (!seen?.isIntersecting) {
        return;
      }
      watcher.disconnect();
      const key = `${id} ${updated_at}`;
      let poster = made.get(key);
      if (!poster) {
        // A poster is an ornament: without one the row shows a drawing.
        poster = inTurn(() => fromZip(app, video)).catch(() => null);
        made.set(key, poster);
      }
      void poster.then((address) => {
        if (!gone) {
          setPicture(address);
        }
      });
    });
    watcher.observe(row.current);
    return () => {
      gone = true;
      watcher.disconnect();
    };
  }, [id, status, updated_at]);
  return picture ?? app.posters.get(id) ?? null;
}
