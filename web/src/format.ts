/**
 * How the page words what the services tell: sizes, intervals, times, states. Pure: the words and the
 * locale are given.
 */

import type { Video } from "./api/types.ts";
import type { Words } from "./words/en.ts";
import { reasonIn } from "./words/reasons.ts";

export const UNITS = { ms: 1, s: 1_000, min: 60_000, h: 3_600_000 };

/** The shortest and the longest interval that the uploader takes, in milliseconds. */
const MIN_EVERY_MS = 1;
const MAX_EVERY_MS = 24 * UNITS.h;

/** A way to say things: the words of a language, and how its region writes numbers. */
export interface Speech {
  words: Words;
  locale: string;
}

/** Formats are dear to make, and a grid of frames asks for hundreds at once. */
const formats = new Map<string, Intl.NumberFormat>();

function numberFormat(locale: string, options: Intl.NumberFormatOptions = {}): Intl.NumberFormat {
  const key = `${locale} ${JSON.stringify(options)}`;
  let format = formats.get(key);
  if (!format) {
    format = new Intl.NumberFormat(locale, options);
    formats.set(key, format);
  }
  return format;
}

/** The letter between a whole number and its fraction. */
const decimalPoint = (locale: string) =>
  numberFormat(locale)
    .formatToParts(1.1)
    .find(({ type }) => type === "decimal")?.value ?? ".";

/** A number of bytes for people, in powers of a thousand: `12.4 MB`. */
export function bytes(count: number, locale: string): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let unit = 0;
  let value = count;
  // 999.95 would be rounded up to "1,000".
  while (value >= 999.95 && unit < units.length - 1) {
    value /= 1_000;
    unit += 1;
  }
  const number = numberFormat(locale, { maximumFractionDigits: unit === 0 ? 0 : 1 });
  return `${number.format(value)} ${units[unit]}`;
}

export const number = (value: number, locale: string) => numberFormat(locale).format(value);

/** The interval that a person gave as a number and a unit, in whole milliseconds; null if it is none. */
export function everyMs(text: string, unit: keyof typeof UNITS): number | null {
  const ms = Math.round(Number(text.trim().replace(",", ".")) * UNITS[unit]);
  return text.trim() !== "" && ms >= MIN_EVERY_MS && ms <= MAX_EVERY_MS ? ms : null;
}

/** An interval in the largest unit in which it is a whole number: `1 s`, `500 ms`, `2 min`. */
export function interval(ms: number, locale: string): string {
  const fits = Object.entries(UNITS).filter(([, unit]) => ms >= unit && ms % unit === 0);
  const [name, unit] = fits.at(-1) ?? ["ms", 1];
  return `${number(ms / unit, locale)} ${name}`;
}

/** A moment, given in RFC 3339, as day and time on the reader's clock. */
export function when(rfc3339: string, locale: string): string {
  const form = { dateStyle: "medium", timeStyle: "short" } as const;
  return new Intl.DateTimeFormat(locale, form).format(new Date(rfc3339));
}

/** `1 frame`, `12 frames`. */
export const frames = (count: number, { words, locale }: Speech) =>
  words.videos.frames(count, number(count, locale));

/** A share of a whole as `42%`, as the language writes it; never 100 before it is whole. */
export function percent(part: number, whole: number, locale: string): string {
  const share = whole > 0 ? Math.min(part / whole, 1) : 0;
  return numberFormat(locale, { style: "percent" }).format(Math.floor(share * 100) / 100);
}

/** A time that something takes, roughly: `3 min`, `45 s`, `1 h 20 min`. */
export function duration(ms: number, locale: string): string {
  const unit = (value: number, name: string) =>
    numberFormat(locale, { style: "unit", unit: name, unitDisplay: "short" }).format(value);
  const seconds = Math.max(1, Math.round(ms / 1_000));
  if (seconds < 60) {
    return unit(seconds, "second");
  }
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) {
    return unit(minutes, "minute");
  }
  const rest = minutes % 60;
  return rest === 0
    ? unit(minutes / 60, "hour")
    : `${unit(Math.floor(minutes / 60), "hour")} ${unit(rest, "minute")}`;
}

/**
 * A place in a video as players write it: `0:07`, `1:02:03`. With the milliseconds where `fine`, and
 * of those no more than say something: `0:07.5`.
 */
export function timecode(seconds: number, locale: string, fine = false): string {
  const ms = Math.round(seconds * 1_000);
  const two = (value: number) => String(value).padStart(2, "0");
  const s = Math.floor(ms / 1_000);
  const hours = Math.floor(s / 3_600);
  const minutes = Math.floor(s / 60) % 60;
  const whole = hours > 0 ? `${hours}:${two(minutes)}:${two(s % 60)}` : `${minutes}:${two(s % 60)}`;
  const fraction = String(ms % 1_000).padStart(3, "0");
  if (!fine || ms % 1_000 === 0) {
    return whole;
  }
  return `${whole}${decimalPoint(locale)}${fraction.replace(/0+$/, "")}`;
}

/** The seconds that a person wrote as `83`, `1:23.5` or `1:02:03`; null if that is no time. */
export function parseTime(text: string): number | null {
  const parts = text.trim().replace(",", ".").split(":");
  if (parts.length > 3 || !parts.every((part) => /^\d+(\.\d+)?$/.test(part))) {
    return null;
  }
  return parts.reduce((sum, part) => sum * 60 + Number(part), 0);
}

/** A service's words as a sentence: they begin small and end without a stop. */
export function sentence(text: string): string {
  const trimmed = text.trim();
  if (trimmed === "") {
    return "";
  }
  const begun = trimmed[0]!.toUpperCase() + trimmed.slice(1);
  return /[.!?…]$/.test(begun) ? begun : `${begun}.`;
}

/** What a video is called: its file's name, or its id when a job was written by hand. */
export const title = (video: Pick<Video, "filename" | "video_id">) => video.filename ?? video.video_id;

/** The one word for a video's state. A state that is newer than this page is shown as it is. */
export const statusLabel = (video: Video, words: Words) =>
  words.videos.labels[video.status] ?? video.status.replaceAll("_", " ");

/** What there is to say about a video's state beside the word; `leftMs` is how long it may take yet. */
export function statusDetail(video: Video, speech: Speech, leftMs: number | null = null): string {
  const { words, locale } = speech;
  switch (video.status) {
    case "awaiting_upload":
      return words.videos.awaiting;
    case "queued":
      return words.videos.queued;
    case "processing": {
      if (video.progress === 0) {
        return words.videos.opened;
      }
      const far = words.videos.soFar(percent(video.progress, 100, locale), frames(video.frames, speech));
      return leftMs === null ? far : `${far}, ${words.videos.left(duration(leftMs, locale))}`;
    }
    case "done":
      return words.videos.inZip(frames(video.frames, speech));
    case "failed":
      return video.reason ? sentence(reasonIn(video.reason, words.tag)) : words.videos.noReason;
    default:
      return "";
  }
}

/** The line of facts under a video's name; what is known already may be left out. */
export function facts(video: Video, { words, locale }: Speech, withSize = true): string {
  const known = [
    withSize && video.size != null ? bytes(video.size, locale) : "",
    words.videos.every(interval(video.options.every_ms, locale)),
    when(video.created_at, locale),
  ];
  // A line breaks between facts, not within one.
  return known.filter(Boolean).map((fact) => fact.replaceAll(" ", "\u00a0")).join(" · ");
}
