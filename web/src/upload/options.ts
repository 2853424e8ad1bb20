/** What a person asks of the frames, and what of it goes to the service. */

import type { Options } from "../api/types.ts";
import { UNITS, everyMs } from "../format.ts";

/** As it stands in the form. */
export interface Wishes {
  every: string;
  unit: keyof typeof UNITS;
  mode: NonNullable<Options["mode"]>;
  format: NonNullable<Options["format"]>;
  strict: boolean;
  repeat: boolean;
}

export const DEFAULTS: Wishes = {
  every: "1",
  unit: "s",
  mode: "exact",
  format: "jpg",
  strict: false,
  repeat: false,
};

/** Those that are folded away. */
const FOLDED = ["mode", "format", "strict", "repeat"] as const;

/** How many of them are not as they are by default. */
export const changedOptions = (wishes: Wishes) => FOLDED.filter((name) => wishes[name] !== DEFAULTS[name]).length;

/** The interval in milliseconds; null if it is none. */
export const wishedEvery = ({ every, unit }: Wishes) => everyMs(every, unit);

/** The options as the service takes them: what is as by default is left out. */
export function toOptions(wishes: Wishes): Omit<Options, "every"> {
  return Object.fromEntries(
    FOLDED.filter((name) => wishes[name] !== DEFAULTS[name]).map((name) => [name, wishes[name]]),
  );
}

/** How much larger a picture without loss is than a JPEG of the same; of films about so much. */
const PNG_FACTOR = 6;

/** How long the zip becomes, about. */
export const expectedBytes = (frames: number, jpegBytes: number, { format }: Wishes) =>
  frames * jpegBytes * (format === "png" ? PNG_FACTOR : 1);
