/** What a person asks of the frames, and what of it goes to the service. */

import type { Options } from "../api/types.ts";
import { UNITS, everyMs, parseTime } from "../format.ts";

/** As it stands in the form. */
export interface Wishes {
  every: string;
  unit: keyof typeof UNITS;
  mode: NonNullable<Options["mode"]>;
  format: NonNullable<Options["format"]>;
  /** Pixels; empty: as in the video. */
  width: string;
  /** Of a JPEG: 2 is best, 31 smallest; empty: as the service has it. */
  quality: string;
  /** Places in the video, as people write them; empty: its beginning and its end. */
  from: string;
  to: string;
  strict: boolean;
  repeat: boolean;
}

export const WIDTHS = { least: 16, most: 16_384 };
export const QUALITIES = ["2", "4", "8", "16"] as const;

export const DEFAULTS: Wishes = {
  every: "1",
  unit: "s",
  mode: "exact",
  format: "jpg",
  width: "",
  quality: "",
  from: "",
  to: "",
  strict: false,
  repeat: false,
};

/** Those that are folded away. */
const FOLDED = ["mode", "format", "width", "quality", "from", "to", "strict", "repeat"] as const;

/** How many of them are not as they are by default. */
export const changedOptions = (wishes: Wishes) => FOLDED.filter((name) => wishes[name] !== DEFAULTS[name]).length;

/** The interval in milliseconds; null if it is none. */
export const wishedEvery = ({ every, unit }: Wishes) => everyMs(every, unit);

/** A place in the video in milliseconds: null where none is wished, undefined where it is none. */
function place(text: string): number | null | undefined {
  const seconds = parseTime(text);
  return text.trim() === "" ? null : seconds === null ? undefined : Math.round(seconds * 1_000);
}

/** The wish that makes no sense, if there is one. */
export function wrongWish(wishes: Wishes): "every" | "width" | "from" | "to" | null {
  const width = Number(wishes.width);
  const from = place(wishes.from);
  const to = place(wishes.to);
  if (wishedEvery(wishes) === null) {
    return "every";
  }
  if (wishes.width !== "" && !(Number.isInteger(width) && width >= WIDTHS.least && width <= WIDTHS.most)) {
    return "width";
  }
  if (from === undefined) {
    return "from";
  }
  return to === undefined || (to !== null && to <= (from ?? 0)) ? "to" : null;
}

/** What of a video of this length is taken, in seconds. */
export function wishedSeconds(wishes: Wishes, duration: number): number {
  const from = (place(wishes.from) ?? 0) / 1_000;
  const to = Math.min((place(wishes.to) ?? Infinity) / 1_000, duration);
  return Math.max(to - from, 0);
}

/** The options as the service takes them: what is as by default is left out. */
export function toOptions(wishes: Wishes): Omit<Options, "every"> {
  const from = place(wishes.from);
  const to = place(wishes.to);
  return {
    ...(wishes.mode !== DEFAULTS.mode && { mode: wishes.mode }),
    ...(wishes.format !== DEFAULTS.format && { format: wishes.format }),
    ...(wishes.width !== "" && { width: Number(wishes.width) }),
    // A PNG has none.
    ...(wishes.quality !== "" && wishes.format === "jpg" && { quality: Number(wishes.quality) }),
    ...(from != null && { from_ms: from }),
    ...(to != null && { to_ms: to }),
    ...(wishes.strict && { strict: true }),
    ...(wishes.repeat && { repeat: true }),
  };
}

/** How much larger a picture without loss is than a JPEG of the same; of films about so much. */
const PNG_FACTOR = 6;

/** How long the zip becomes, about, of frames that are so large as JPEGs and so wide. */
export function expectedBytes(frames: number, jpegBytes: number, videoWidth: number, wishes: Wishes): number {
  const scale = wishes.width === "" ? 1 : (Number(wishes.width) / videoWidth) ** 2;
  return frames * jpegBytes * scale * (wishes.format === "png" ? PNG_FACTOR : 1);
}
