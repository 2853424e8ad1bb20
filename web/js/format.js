/**
 * How the page words what the services tell: sizes, intervals, times, states. Pure.
 *
 * `locale` is the reader's own unless it is given.
 */

const UNITS = { ms: 1, s: 1_000, min: 60_000, h: 3_600_000 };

/** The shortest and the longest interval that the uploader takes, in milliseconds. */
const MIN_EVERY_MS = 1;
const MAX_EVERY_MS = 24 * UNITS.h;

const LABELS = {
  awaiting_upload: "Waiting",
  queued: "Queued",
  processing: "Processing",
  done: "Done",
  failed: "Failed",
};

/** A number of bytes for people, in powers of a thousand: `12.4 MB`. */
export function bytes(count, locale) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let unit = 0;
  let value = count;
  // 999.95 would be rounded up to "1,000".
  while (value >= 999.95 && unit < units.length - 1) {
    value /= 1_000;
    unit += 1;
  }
  const number = new Intl.NumberFormat(locale, { maximumFractionDigits: unit === 0 ? 0 : 1 });
  return `${number.format(value)} ${units[unit]}`;
}

/**
 * The interval that a person gave as a number and a unit, in whole milliseconds.
 *
 * @throws {RangeError} with a sentence for the person.
 */
export function everyMs(number, unit) {
  const ms = Math.round(Number(number) * UNITS[unit]);
  if (String(number).trim() === "" || !(ms >= MIN_EVERY_MS && ms <= MAX_EVERY_MS)) {
    throw new RangeError("The interval must be a number between 1 millisecond and 24 hours.");
  }
  return ms;
}

/** An interval in the largest unit in which it is a whole number: `1 s`, `500 ms`, `2 min`. */
export function interval(ms, locale) {
  const fits = Object.keys(UNITS).filter((unit) => ms >= UNITS[unit] && ms % UNITS[unit] === 0);
  const unit = fits.at(-1) ?? "ms";
  return `${new Intl.NumberFormat(locale).format(ms / UNITS[unit])} ${unit}`;
}

/** A moment, given in RFC 3339, as day and time on the reader's clock. */
export function when(rfc3339, locale) {
  const form = { dateStyle: "medium", timeStyle: "short" };
  return new Intl.DateTimeFormat(locale, form).format(new Date(rfc3339));
}

/** `1 frame`, `12 frames`. */
export function frames(count, locale) {
  return `${new Intl.NumberFormat(locale).format(count)} ${count === 1 ? "frame" : "frames"}`;
}

/** A share of a whole as `42 %`; never 100 before it is whole. */
export function percent(part, whole) {
  const share = whole > 0 ? Math.min(part / whole, 1) : 0;
  return `${Math.floor(share * 100)} %`;
}

/** A service's words as a sentence: they begin small and end without a stop. */
export function sentence(text) {
  const trimmed = text.trim();
  if (trimmed === "") {
    return "";
  }
  const begun = trimmed[0].toUpperCase() + trimmed.slice(1);
  return /[.!?…]$/.test(begun) ? begun : `${begun}.`;
}

/** What a video is called: its file's name, or its id when a job was written by hand. */
export function title(video) {
  return video.filename ?? video.video_id;
}

/** The one word for a video's state. A state that is newer than this page is shown as it is. */
export function statusLabel(video) {
  return LABELS[video.status] ?? video.status.replaceAll("_", " ");
}

/** What there is to say about a video's state beside the word. */
export function statusDetail(video, locale) {
  switch (video.status) {
    case "awaiting_upload":
      return "The file has not arrived yet.";
    case "queued":
      return "The video waits for its turn.";
    case "processing":
      return video.progress > 0
        ? `${video.progress} %, ${frames(video.frames, locale)} so far`
        : "The video is being opened.";
    case "done":
      return video.warning
        ? `${frames(video.frames, locale)} in a zip. ${sentence(video.warning)}`
        : `${frames(video.frames, locale)} in a zip`;
    case "failed":
      return sentence(video.reason ?? "No reason was given");
    default:
      return "";
  }
}

/** The line of facts under a video's name. */
export function facts(video, locale) {
  const known = [
    video.size == null ? "" : bytes(video.size, locale),
    `every ${interval(video.every_ms, locale)}`,
    when(video.created_at, locale),
  ];
  return known.filter(Boolean).join(" · ");
}
