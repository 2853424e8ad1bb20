/**
 * The pictures of a zip: fetched while they are in view, several by one range, kept as long as there is
 * room. What has gone out of view before it came is not fetched.
 */

import { type Signal, signal } from "@preact/signals";

import type { Frame } from "./contents.ts";
import { type Ranges, BadZip, entryData } from "./zip.ts";

/** A picture that is there, or is not to be had. `null`: not yet. */
export type Picture = { url: string; blob: Blob } | "broken" | null;

/** The most that one request asks for, unless one picture alone is larger. */
const REQUEST_BYTES = 2 << 20;
const REQUESTS = 4;
/** What is kept out of view. */
const CACHE_BYTES = 160 << 20;
const RETRY_MS = [500, 2_000, 5_000];

interface Run {
  first: number;
  last: number;
  abort: AbortController;
}

const TYPES: Record<string, string> = { jpg: "image/jpeg", png: "image/png", webp: "image/webp" };

export class Pictures {
  /** Width by height, of the first picture that came. */
  readonly aspect = signal<number | null>(null);
  readonly #cells = new Map<number, Signal<Picture>>();
  /** In the order in which they were last wanted. */
  readonly #kept = new Map<number, number>();
  #keptBytes = 0;
  #window = { first: 0, last: -1 };
  #also: number[] = [];
  readonly #runs = new Set<Run>();
  readonly #ranges: Ranges;
  readonly #frames: readonly Frame[];
  #failures = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #closed = false;

  constructor(ranges: Ranges, frames: readonly Frame[]) {
    this.#ranges = ranges;
    this.#frames = frames;
  }

  /** The picture of a frame, as it comes. */
  cell(frame: number): Signal<Picture> {
    let cell = this.#cells.get(frame);
    if (!cell) {
      cell = signal<Picture>(null);
      this.#cells.set(frame, cell);
    }
    return cell;
  }

  /** Fetches what is in view. */
  show(first: number, last: number): void {
    this.#window = { first: Math.max(first, 0), last: Math.min(last, this.#frames.length - 1) };
    this.#next();
  }

  /** Fetches these too, and first, such as the one that is enlarged; each call forgets those before. */
  prefer(frames: number[]): void {
    this.#also = frames.filter((frame) => frame >= 0 && frame < this.#frames.length);
    this.#next();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    for (const run of this.#runs) {
      run.abort.abort();
    }
    for (const frame of [...this.#kept.keys()]) {
      this.#drop(frame);
    }
  }

  #isWanted(frame: number): boolean {
    return (frame >= this.#window.first && frame <= this.#window.last) || this.#also.includes(frame);
  }

  /** Begins requests for what is wanted and not there, as many as may run. */
  #next(): void {
    if (this.#closed) {
      return;
    }
    for (const run of this.#runs) {
      let wanted = false;
      for (let frame = run.first; frame <= run.last; frame += 1) {
        wanted ||= this.#isWanted(frame) && this.cell(frame).peek() === null;
      }
      if (!wanted) {
        this.#runs.delete(run);
        run.abort.abort();
      }
    }
    clearTimeout(this.#timer);
    if (this.#failures > 0 && this.#runs.size === 0) {
      this.#timer = setTimeout(() => this.#begin(), RETRY_MS[this.#failures - 1] ?? RETRY_MS.at(-1));
    } else {
      this.#begin();
    }
  }

  #begin(): void {
    while (this.#runs.size < REQUESTS) {
      const first = this.#firstMissing();
      if (first === null) {
        return;
      }
      let last = first;
      const begin = this.#frames[first]!.offset;
      while (this.#isMissing(last + 1) && this.#frames[last + 1]!.end - begin <= REQUEST_BYTES) {
        last += 1;
      }
      void this.#fetch({ first, last, abort: new AbortController() });
    }
  }

  #firstMissing(): number | null {
    const preferred = this.#also.find((frame) => this.#isMissing(frame));
    if (preferred !== undefined) {
      return preferred;
    }
    for (let frame = this.#window.first; frame <= this.#window.last; frame += 1) {
      if (this.#isMissing(frame)) {
        return frame;
      }
    }
    return null;
  }

  #isMissing(frame: number): boolean {
    return this.#isWanted(frame) && this.cell(frame).peek() === null && !this.#isOnItsWay(frame);
  }

  #isOnItsWay(frame: number): boolean {
    for (const { first, last } of this.#runs) {
      if (frame >= first && frame <= last) {
        return true;
      }
    }
    return false;
  }

  async #fetch(run: Run): Promise<void> {
    this.#runs.add(run);
    const start = this.#frames[run.first]!.offset;
    let next = run.first;
    const take = (bytes: Uint8Array) => {
      for (; next <= run.last; next += 1) {
        const frame = this.#frames[next]!;
        const data = entryData(bytes.subarray(frame.offset - start), frame);
        if (!data) {
          return;
        }
        this.#keep(next, data);
      }
    };
    try {
      await this.#ranges.range(start, this.#frames[run.last]!.end, run.abort.signal, take);
      this.#failures = 0;
    } catch (error) {
      if (run.abort.signal.aborted) {
        return;
      }
      this.#failures += 1;
      // What is wrong with the zip does not mend; a connection may.
      if (error instanceof BadZip || this.#failures > RETRY_MS.length) {
        for (; next <= run.last; next += 1) {
          this.cell(next).value = "broken";
        }
        this.#failures = 0;
      }
    } finally {
      this.#runs.delete(run);
    }
    this.#next();
  }

  /** Has what is broken fetched once more. */
  again(): void {
    for (const cell of this.#cells.values()) {
      if (cell.peek() === "broken") {
        cell.value = null;
      }
    }
    this.#next();
  }

  #keep(frame: number, data: Uint8Array<ArrayBuffer>): void {
    if (this.#kept.has(frame) || this.#closed) {
      return;
    }
    const ending = this.#frames[frame]!.name.split(".").at(-1) ?? "";
    const blob = new Blob([data], { type: TYPES[ending] ?? "application/octet-stream" });
    this.#kept.set(frame, data.length);
    this.#keptBytes += data.length;
    this.aspect.value ??= aspectOf(data);
    this.cell(frame).value = { url: URL.createObjectURL(blob), blob };
    for (const old of this.#kept.keys()) {
      if (this.#keptBytes <= CACHE_BYTES) {
        break;
      }
      if (!this.#isWanted(old)) {
        this.#drop(old);
      }
    }
  }

  #drop(frame: number): void {
    const cell = this.#cells.get(frame);
    const picture = cell?.peek();
    if (picture && picture !== "broken") {
      URL.revokeObjectURL(picture.url);
    }
    this.#keptBytes -= this.#kept.get(frame) ?? 0;
    this.#kept.delete(frame);
    // Should it come into view again, it is fetched again.
    if (cell) {
      cell.value = null;
    }
  }
}

/** Width by height, as a JPEG's frame header (SOF) or a PNG's `IHDR` tells them. */
export function aspectOf(image: Uint8Array): number | null {
  const data = new DataView(image.buffer, image.byteOffset, image.byteLength);
  const ratio = (width: number, height: number) => (width > 0 && height > 0 ? width / height : null);
  if (image.length > 24 && data.getUint32(0) === 0x89504e47) {
    return ratio(data.getUint32(16), data.getUint32(20));
  }
  for (let at = 2; at + 9 < image.length && image[at] === 0xff; ) {
    const marker = image[at + 1]!;
    if (marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker)) {
      return ratio(data.getUint16(at + 7), data.getUint16(at + 5));
    }
    at += 2 + data.getUint16(at + 2);
  }
  return null;
}
