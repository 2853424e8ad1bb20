/**
 * A zip read by ranges: its directory stands at its end, and each stored entry is one range. Nothing
 * else of it is fetched.
 *
 * Source: APPNOTE.TXT 6.3.10, 4.3.6 to 4.3.16 and 4.5.3.
 */

/** A stored file in a zip. */
export interface Entry {
  name: string;
  /** Where its local header begins. */
  offset: number;
  /** Where the next entry, or the directory, begins. */
  end: number;
  /** Length of its data, which ends before `end`. */
  size: number;
}

/** The zip is none, or one that cannot be read this way. */
export class BadZip extends Error {
  override name = "BadZip";
}

const END = 0x06054b50;
const END64_LOCATOR = 0x07064b50;
const END64 = 0x06064b50;
const CENTRAL = 0x02014b50;
const LOCAL = 0x04034b50;
const END_BYTES = 22;
const LOCATOR_BYTES = 20;
const CENTRAL_BYTES = 46;
const LOCAL_BYTES = 30;
const IN_ZIP64 = 0xffffffff;

const view = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** Where the directory stands. */
export interface DirectoryPlace {
  offset: number;
  size: number;
  count: number;
}

/** Where the directory stands, told by the zip's last bytes, which begin at `start` of it. */
export function findDirectory(tail: Uint8Array, start: number): DirectoryPlace {
  const data = view(tail);
  for (let at = tail.length - END_BYTES; at >= 0; at -= 1) {
    if (data.getUint32(at, true) !== END || at + END_BYTES + data.getUint16(at + 20, true) !== tail.length) {
      continue;
    }
    const place = {
      count: data.getUint16(at + 10, true),
      size: data.getUint32(at + 12, true),
      offset: data.getUint32(at + 16, true),
    };
    const locator = at - LOCATOR_BYTES;
    if (locator < 0 || data.getUint32(locator, true) !== END64_LOCATOR) {
      return place;
    }
    const end64 = Number(data.getBigUint64(locator + 8, true)) - start;
    if (end64 < 0 || end64 + 56 > tail.length || data.getUint32(end64, true) !== END64) {
      throw new BadZip("the end of the zip64 directory is not where it should be");
    }
    return {
      count: Number(data.getBigUint64(end64 + 32, true)),
      size: Number(data.getBigUint64(end64 + 40, true)),
      offset: Number(data.getBigUint64(end64 + 48, true)),
    };
  }
  throw new BadZip("there is no end of a zip");
}

/** The entries of a directory, in the order in which they stand in the zip. */
export function readDirectory(bytes: Uint8Array, { offset: end, count }: DirectoryPlace): Entry[] {
  const data = view(bytes);
  const text = new TextDecoder();
  const entries: Entry[] = [];
  let at = 0;
  for (let n = 0; n < count; n += 1) {
    if (at + CENTRAL_BYTES > bytes.length || data.getUint32(at, true) !== CENTRAL) {
      throw new BadZip("the directory is damaged");
    }
    const nameBytes = data.getUint16(at + 28, true);
    const extraBytes = data.getUint16(at + 30, true);
    const commentBytes = data.getUint16(at + 32, true);
    const method = data.getUint16(at + 10, true);
    const name = text.decode(bytes.subarray(at + CENTRAL_BYTES, at + CENTRAL_BYTES + nameBytes));
    let stored = data.getUint32(at + 20, true);
    let size = data.getUint32(at + 24, true);
    let offset = data.getUint32(at + 42, true);
    let extra = at + CENTRAL_BYTES + nameBytes;
    const extraEnd = extra + extraBytes;
    while (extra + 4 <= extraEnd) {
      const kind = data.getUint16(extra, true);
      const length = data.getUint16(extra + 2, true);
      if (kind === 1) {
        let field = extra + 4;
        const next = () => {
          field += 8;
          return Number(data.getBigUint64(field - 8, true));
        };
        size = size === IN_ZIP64 ? next() : size;
        stored = stored === IN_ZIP64 ? next() : stored;
        offset = offset === IN_ZIP64 ? next() : offset;
      }
      extra += 4 + length;
    }
    if (method !== 0 || stored !== size) {
      throw new BadZip(`${name} is not stored as it is`);
    }
    entries.push({ name, offset, size, end });
    at = extraEnd + commentBytes;
  }
  entries.sort((a, b) => a.offset - b.offset);
  entries.forEach((entry, n) => {
    entry.end = entries[n + 1]?.offset ?? end;
  });
  return entries;
}

/** An entry's data in `bytes`, which begin with its local header; null while they do not reach far enough. */
export function entryData(bytes: Uint8Array, entry: Entry): Uint8Array<ArrayBuffer> | null {
  if (bytes.length < LOCAL_BYTES) {
    return null;
  }
  const data = view(bytes);
  if (data.getUint32(0, true) !== LOCAL) {
    throw new BadZip(`${entry.name} does not begin where the directory says`);
  }
  const begin = LOCAL_BYTES + data.getUint16(26, true) + data.getUint16(28, true);
  return bytes.length < begin + entry.size
    ? null
    : (bytes.subarray(begin, begin + entry.size) as Uint8Array<ArrayBuffer>);
}

/** The bytes of something at an address that answers ranges. */
export interface Ranges {
  /** The last `length` bytes, or all if there are fewer, and how many there are in all. */
  tail(length: number): Promise<{ bytes: Uint8Array; total: number }>;
  /** From `start` to before `end`; `grown` is told of what has come so far. */
  range(start: number, end: number, signal: AbortSignal, grown: (bytes: Uint8Array) => void): Promise<void>;
}

/** Ranges of what is at an address; `address` gives it, anew where `stale` says that the last is too old. */
export function rangesAt(address: (stale: boolean) => Promise<string>): Ranges {
  let etag: string | null = null;

  async function get(range: string, signal?: AbortSignal): Promise<Response> {
    for (const stale of [false, true]) {
      const url = await address(stale);
      const response = await fetch(url, {
        headers: { range },
        credentials: "omit",
        // The address is a new one each time; what was fetched stands in `pictures.ts`.
        cache: "no-store",
        signal: signal ?? null,
      });
      if (response.status === 403 && !stale) {
        await response.body?.cancel();
        continue;
      }
      if (response.status !== 206) {
        await response.body?.cancel();
        throw new BadZip(`HTTP ${response.status} to ${range}`);
      }
      const tag = response.headers.get("etag");
      if (etag !== null && tag !== etag) {
        await response.body?.cancel();
        throw new BadZip("the zip was made anew");
      }
      etag = tag;
      return response;
    }
    throw new BadZip("the address is refused");
  }

  return {
    async tail(length) {
      const response = await get(`bytes=-${length}`);
      const total = Number(/\/(\d+)$/.exec(response.headers.get("content-range") ?? "")?.[1]);
      const bytes = new Uint8Array(await response.arrayBuffer());
      if (!Number.isSafeInteger(total) || bytes.length > total) {
        throw new BadZip("the answer does not say how long the zip is");
      }
      return { bytes, total };
    },

    async range(start, end, signal, grown) {
      const response = await get(`bytes=${start}-${end - 1}`, signal);
      const bytes = new Uint8Array(end - start);
      let filled = 0;
      const reader = response.body!.getReader();
      for (;;) {
        const { done, value } = await reader.read();
        if (done) {
          break;
        }
        bytes.set(value.subarray(0, bytes.length - filled), filled);
        filled = Math.min(filled + value.length, bytes.length);
        grown(bytes.subarray(0, filled));
      }
      if (filled < bytes.length) {
        throw new TypeError("the answer broke off");
      }
    },
  };
}

/** What the directory says, and the bytes of the zip's end that were fetched with it. */
export interface Directory {
  entries: Entry[];
  total: number;
  /** An entry's data where it came along with the directory. */
  known(entry: Entry): Uint8Array | null;
}

/** Reads the directory. `guess`: how many of the last bytes it will be in, most likely. */
export async function openDirectory(ranges: Ranges, guess: number): Promise<Directory> {
  let { bytes, total } = await ranges.tail(guess);
  const place = findDirectory(bytes, total - bytes.length);
  if (place.offset < total - bytes.length) {
    // Longer than was thought. Some more, for the table of times that stands before it.
    const length = total - place.offset + Math.min(place.offset, place.count * 40 + 1_024);
    ({ bytes, total } = await ranges.tail(length));
  }
  const start = total - bytes.length;
  const entries = readDirectory(bytes.subarray(place.offset - start, place.offset - start + place.size), place);
  return {
    entries,
    total,
    known: (entry) => (entry.offset >= start ? entryData(bytes.subarray(entry.offset - start), entry) : null),
  };
}
