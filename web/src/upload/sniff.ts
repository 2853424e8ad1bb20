/**
 * What a file is, by its first bytes: the rules of `engine/src/container/sniff.rs`, so that what the
 * service would refuse is said before anything is sent.
 */

/** How many bytes from the file's beginning are looked at. */
export const HEAD = 64 << 10;

export type Kind =
  | { kind: "video" }
  /** Moving pictures that no decoder knows, by their name. */
  | { kind: "undecodable"; name: string }
  | { kind: "sound" }
  | { kind: "empty" }
  | { kind: "unknown" };

/** Kinds of boxes that an ISO file begins with. */
const ISO = [
  "ftyp", "moov", "mdat", "free", "skip", "wide", "pnot", "styp", "sidx", "moof", "uuid", "jP  ", "udta",
];

/** First bytes of other containers. */
const OTHERS = [
  "\x1a\x45\xdf\xa3", "FLV", "\x30\x26\xb2\x75\x8e\x66\xcf\x11", "OggS", "GIF8", "DKIF", ".RMF",
  "\x06\x0e\x2b\x34\x02\x05\x01\x01\x0d\x01\x02", "\x1f\x07\x00", "\0\0\x01", "\0\0\0\x01",
];

/** First bytes of files that hold sound only. */
const SOUND = [
  "ID3", "fLaC", "MThd", "FORM", ".snd", "#!AMR", "wvpk", "MAC ", "\x0b\x77", "\x7f\xfe\x80\x01",
  ".ra\xfd", "ADIF", "caff", "TTA1", "DSD ",
];

const PNG = "\x89PNG\r\n\x1a\n";
/** The flag of animation in a `VP8X` chunk. */
const WEBP_MOVES = 1 << 1;
const SYNC = 0x47;

/** Tells what a file is from its first [`HEAD`] bytes, or all if it is shorter. */
export function sniff(head: Uint8Array): Kind {
  const at = (offset: number, magic: string) =>
    head.length >= offset + magic.length &&
    [...magic].every((letter, n) => head[offset + n] === letter.charCodeAt(0));
  const any = (offset: number, magics: string[]) => magics.some((magic) => at(offset, magic));
  if (head.length === 0) {
    return { kind: "empty" };
  }
  const video =
    any(4, ISO) ||
    (at(0, "RIFF") && any(8, ["AVI ", "AVIX", "AVI\x19", "AMV ", "CDXA"])) ||
    any(0, OTHERS) ||
    isTransportStream(head) ||
    (at(0, PNG) && isAnimatedPng(head));
  if (video) {
    return { kind: "video" };
  }
  if (at(0, "RIFF") && at(8, "WEBPVP8X") && ((head[20] ?? 0) & WEBP_MOVES) !== 0) {
    return { kind: "undecodable", name: "WebP" };
  }
  if (at(0, "\x8aMNG\r\n\x1a\n")) {
    return { kind: "undecodable", name: "MNG" };
  }
  if (any(0, SOUND) || (at(0, "RIFF") && at(8, "WAVE")) || isMpegAudio(head)) {
    return { kind: "sound" };
  }
  return { kind: "unknown" };
}

/** Whether a PNG says that it moves: by a chunk `acTL` before the first of its pixels. */
function isAnimatedPng(head: Uint8Array): boolean {
  const data = new DataView(head.buffer, head.byteOffset, head.byteLength);
  for (let at = PNG.length; at + 8 <= head.length; at += data.getUint32(at) + 12) {
    const kind = String.fromCharCode(...head.subarray(at + 4, at + 8));
    if (kind === "acTL" || kind === "IDAT") {
      return kind === "acTL";
    }
  }
  return false;
}

/**
 * Whether sync bytes repeat at the distance of packets (188 bytes; 192 with time codes, 204 with error
 * correction), from somewhere near the beginning.
 */
function isTransportStream(head: Uint8Array): boolean {
  return [188, 192, 204].some((size) => {
    for (let start = 0; start < size; start += 1) {
      let seen = 0;
      for (let packet = 0; packet < 5; packet += 1) {
        seen += head[start + packet * size] === SYNC ? 1 : 0;
      }
      const short = start === 0 && seen >= 1 && head.length < size * 5 && seen === Math.ceil(head.length / size);
      if (seen === 5 || short) {
        return true;
      }
    }
    return false;
  });
}

/** Whether an MPEG audio (layer I to III) or AAC (ADTS) frame begins here. */
function isMpegAudio([first, second = 0, third = 0xf0]: Uint8Array): boolean {
  return (
    first === 0xff &&
    (second & 0xe0) === 0xe0 &&
    (second & 0x18) !== 0x08 &&
    (third & 0xf0) !== 0xf0 &&
    second !== 0xff
  );
}
