/** The frames of a zip, in order, with their times. */

import { type Directory, type Entry, type Ranges, entryData, openDirectory } from "./zip.ts";

export interface Frame extends Entry {
  /** When it begins, in seconds; null where the zip does not tell. */
  begins: number | null;
  /** The first moment that it stands for, in seconds. */
  at: number | null;
}

export interface Contents {
  frames: Frame[];
  /** Length of the zip. */
  total: number;
}

const TABLE = "frames.csv";

/** What the last bytes of a zip of so many frames hold: a line of the directory each, a row of the table. */
const tailGuess = (frames: number) => Math.min(Math.max(frames, 20) * 110 + 2_048, 8 << 20);

/** Reads a zip's directory and table, by one request where `expected` frames is about right. */
export async function readContents(ranges: Ranges, expected: number): Promise<Contents> {
  const directory = await openDirectory(ranges, tailGuess(expected));
  const table = directory.entries.find(({ name }) => name === TABLE);
  const times = table ? parseTable(await text(ranges, directory, table)) : new Map<string, Times>();
  const frames = directory.entries
    .filter((entry) => entry !== table)
    .map((entry) => ({ ...entry, begins: null, at: null, ...times.get(entry.name) }));
  return { frames, total: directory.total };
}

async function text(ranges: Ranges, directory: Directory, table: Entry): Promise<string> {
  let data = directory.known(table);
  if (!data) {
    await ranges.range(table.offset, table.end, new AbortController().signal, (bytes) => {
      data = entryData(bytes, table);
    });
  }
  return new TextDecoder().decode(data ?? new Uint8Array());
}

interface Times {
  begins: number;
  at: number;
}

/** The times of each file: a row for each moment, `file,seconds,at`, under a line of headings. */
export function parseTable(csv: string): Map<string, Times> {
  const times = new Map<string, Times>();
  for (const row of csv.split("\n").slice(1)) {
    const [file, begins, at] = row.split(",");
    // A frame on screen at several moments has several rows.
    if (file && begins && at && !times.has(file)) {
      times.set(file, { begins: Number(begins), at: Number(at) });
    }
  }
  return times;
}

/** The frame on screen at a moment: the last whose first moment is not after it. */
export function frameAt(frames: readonly Frame[], seconds: number): number {
  let low = 0;
  let high = frames.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    // Times in an address are rounded to milliseconds.
    if ((frames[middle]!.at ?? 0) <= seconds + 0.0005) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return Math.max(low - 1, 0);
}
