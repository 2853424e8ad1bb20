/**
 * A look at a file before it is sent, by the browser's own player: what it is, how long, how large, and
 * some pictures of it. What the browser cannot play is only sniffed.
 */

import { HEAD, type Kind, sniff } from "./sniff.ts";

export const PICTURES = 8;
const PICTURE_WIDTH = 240;
/** A player that is silent for so long is given up. */
const PATIENCE_MS = 10_000;

/** What the player tells. */
export interface Seen {
  /** Seconds. */
  duration: number;
  width: number;
  height: number;
  /** Addresses of small pictures, evenly over the video. */
  pictures: string[];
  /** What one frame takes as a JPEG of its own size, in bytes. */
  frameBytes: number;
}

/** What a file is. Throws when it cannot be read. */
export const sniffAt = async (file: File): Promise<Kind> =>
  sniff(new Uint8Array(await file.slice(0, HEAD).arrayBuffer()));

/** Plays a file here and there. What is seen is told as it comes. Throws when the browser cannot play it. */
export async function watch(file: File, signal: AbortSignal, came: (seen: Seen) => void): Promise<Seen> {
  const address = URL.createObjectURL(file);
  const video = document.createElement("video");
  video.muted = true;
  video.preload = "auto";
  video.playsInline = true;
  try {
    await event(video, "loadeddata", signal, () => {
      video.src = address;
    });
    const { duration, videoWidth: width, videoHeight: height } = video;
    if (!(duration > 0) || duration === Infinity || width === 0) {
      throw new Error("nothing to see");
    }
    const seen: Seen = { duration, width, height, pictures: [], frameBytes: 0 };
    came({ ...seen });
    const sizes: number[] = [];
    const small = canvas(PICTURE_WIDTH, (PICTURE_WIDTH * height) / width);
    const whole = canvas(width, height);
    for (let n = 0; n < PICTURES; n += 1) {
      await event(video, "seeked", signal, () => {
        video.currentTime = (duration * (n + 0.5)) / PICTURES;
      });
      seen.pictures.push(URL.createObjectURL(await drawn(small, video, 0.8)));
      // Three in full size say well enough what a frame takes.
      if (n % 3 === 1) {
        sizes.push((await drawn(whole, video, 0.85)).size);
        seen.frameBytes = sizes.reduce((a, b) => a + b) / sizes.length;
      }
      came({ ...seen, pictures: [...seen.pictures] });
    }
    return seen;
  } finally {
    video.removeAttribute("src");
    video.load();
    URL.revokeObjectURL(address);
  }
}

function event(video: HTMLVideoElement, name: string, signal: AbortSignal, begin: () => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const ends = new AbortController();
    const all = AbortSignal.any([signal, AbortSignal.timeout(PATIENCE_MS)]);
    const end = (act: () => void) => () => {
      ends.abort();
      act();
    };
    const { signal: listening } = ends;
    video.addEventListener(name, end(resolve), { signal: listening });
    video.addEventListener("error", end(() => reject(video.error)), { signal: listening });
    all.addEventListener("abort", end(() => reject(all.reason)), { signal: listening });
    begin();
  });
}

function canvas(width: number, height: number): HTMLCanvasElement {
  const made = document.createElement("canvas");
  made.width = Math.max(1, Math.round(width));
  made.height = Math.max(1, Math.round(height));
  return made;
}

function drawn(onto: HTMLCanvasElement, video: HTMLVideoElement, quality: number): Promise<Blob> {
  onto.getContext("2d")!.drawImage(video, 0, 0, onto.width, onto.height);
  return new Promise((resolve, reject) => {
    onto.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("no picture"))), "image/jpeg", quality);
  });
}
