/**
 * The uploads that a tab leaves behind when it is closed or loaded anew: what is needed to go on, but for
 * the file, which a page cannot keep. It is chosen again, and known by its fingerprint.
 */

import type { Options } from "../api/types.ts";

export interface Kept {
  videoId: string;
  /** Whose it is: the user's id. */
  owner: string;
  name: string;
  type: string;
  size: number;
  fingerprint: string;
  everyMs: number;
  options: Omit<Options, "every">;
  expiresAt: string;
}

const KEY = "fotograma.uploads";
const SAMPLE = 64 << 10;

function all(): Kept[] {
  try {
    return JSON.parse(localStorage.getItem(KEY) ?? "[]") as Kept[];
  } catch {
    return [];
  }
}

const write = (kept: Kept[]) => localStorage.setItem(KEY, JSON.stringify(kept));

export const keep = (upload: Kept) =>
  write([...all().filter(({ videoId }) => videoId !== upload.videoId), upload]);

export const forget = (id: string) => write(all().filter(({ videoId }) => videoId !== id));

/** What somebody has left behind that can still be gone on with, and that no other tab is at. */
export async function leftBehind(owner: string): Promise<Kept[]> {
  const now = Date.now();
  write(all().filter(({ expiresAt }) => Date.parse(expiresAt) > now));
  const { held = [] } = (await navigator.locks?.query()) ?? {};
  const busy = new Set(held.map(({ name }) => name));
  return all().filter((upload) => upload.owner === owner && !busy.has(lockName(upload.videoId)));
}

const lockName = (id: string) => `fotograma.upload.${id}`;

/** Holds an upload for this tab, as long as the tab lives or until the answer is called. */
export function hold(id: string): () => void {
  let release = () => {};
  void navigator.locks?.request(lockName(id), { ifAvailable: true }, (lock) =>
    lock ? new Promise<void>((resolve) => (release = resolve)) : undefined,
  );
  return () => release();
}

/** Tells a file from others: its length, and samples of its beginning, middle and end. */
export async function fingerprint(file: Blob): Promise<string> {
  const starts = [0, Math.floor(file.size / 2), Math.max(0, file.size - SAMPLE)];
  const samples = await Promise.all(starts.map((at) => file.slice(at, at + SAMPLE).arrayBuffer()));
  const bytes = await new Blob([...samples, `${file.size}`]).arrayBuffer();
  // Digests are for pages that came safely; elsewhere the length has to do.
  const digest = await globalThis.crypto.subtle?.digest("SHA-256", bytes);
  return digest ? [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("") : `${file.size}`;
}
