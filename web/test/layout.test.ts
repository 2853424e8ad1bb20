import assert from "node:assert/strict";
import { test } from "node:test";

import { inView, layOut, move } from "../src/frames/layout.ts";
import { formatRoute, parseRoute } from "../src/state/route.ts";
import { sniff } from "../src/upload/sniff.ts";
import { preferred } from "../src/words/index.ts";

test("two pictures stand beside each other on the narrowest phone, and more where there is room", () => {
  const columns = (width: number) => layOut(50_000, width, "medium", 16 / 9).columns;
  assert.equal(columns(328), 2);
  assert.ok(columns(1_500) >= 5);
  const { rows, pitch, height } = layOut(50_000, 328, "medium", 16 / 9);
  assert.equal(rows, 25_000);
  // Browsers place nothing beyond some 17 to 33 million pixels.
  assert.ok(height < 16_000_000 && height === rows * pitch - 12);
});

test("only what is in view is there", () => {
  const layout = layOut(1_000, 1_200, "medium", 16 / 9);
  const { first, last } = inView(layout, 1_000, layout.pitch * 10 + 1, layout.pitch * 12 - 1);
  assert.equal(first, layout.columns * 10);
  assert.equal(last, layout.columns * 12 - 1);
  assert.deepEqual(inView(layOut(3, 1_200, "medium", 1), 3, -500, 9_000), { first: 0, last: 2 });
});

test("keys lead over rows and columns and stay inside", () => {
  const at = (key: string, from: number) => move(key, from, 10, 4);
  assert.equal(at("ArrowRight", 3), 4);
  assert.equal(at("ArrowLeft", 0), 0);
  assert.equal(at("ArrowDown", 1), 5);
  assert.equal(at("ArrowDown", 7), 9, "the last row is shorter");
  assert.equal(at("ArrowDown", 8), 8);
  assert.equal(at("ArrowUp", 2), 2);
  assert.equal(at("Home", 7), 0);
  assert.equal(at("End", 0), 9);
  assert.equal(at("PageDown", 0), 9);
  assert.equal(at("x", 0), null);
});

test("an address names a video and a moment, and comes back as it was", () => {
  assert.deepEqual(parseRoute("#video=v1&t=1.5"), { view: "frames", id: "v1", seconds: 1.5 });
  assert.deepEqual(parseRoute("#video=v1"), { view: "frames", id: "v1", seconds: null });
  assert.deepEqual(parseRoute("#signup"), { view: "signup" });
  assert.deepEqual(parseRoute(""), { view: "list" });
  assert.deepEqual(parseRoute("#video=v1&t=soon"), { view: "frames", id: "v1", seconds: null });
  for (const hash of ["#video=v1&t=1.5", "#confirm", ""]) {
    assert.equal(formatRoute(parseRoute(hash)), hash);
  }
});

test("the browser's first language that the page has is spoken", () => {
  assert.equal(preferred(["pt-PT", "en"]), "pt-BR");
  assert.equal(preferred(["de-DE", "pt"]), "pt-BR");
  assert.equal(preferred(["en-GB", "pt-BR"]), "en");
  assert.equal(preferred(["de", "fr"]), "en");
});

test("a file is told by its first bytes, as the engine tells it", () => {
  const kind = (head: string | Uint8Array) => sniff(typeof head === "string" ? Buffer.from(head, "latin1") : head).kind;
  for (const head of [
    "\0\0\0\x20ftypisom",
    "\0\0\0\x01mdat\0\0\0\0",
    "\x1a\x45\xdf\xa3\x93",
    "RIFF\0\0\0\0AVI LIST",
    "\0\0\0\x01\x67\x64",
    "\0\0\x01\xba\x44",
    "FLV\x01",
    "GIF89a",
    "\x89PNG\r\n\x1a\n\0\0\0\x01IHDR.crc.\0\0\0\x08acTL",
  ]) {
    assert.equal(kind(head), "video", JSON.stringify(head));
  }
  const packets = new Uint8Array(188 * 6 + 7);
  for (let at = 7; at < packets.length; at += 188) {
    packets[at] = 0x47;
  }
  assert.equal(kind(packets), "video");
  for (const head of ["#EXTM3U\n", "%PDF-1.7", "<?xml version", "PK\x03\x04", "\x89PNG\r\n\x1a\n\0\0\0\x01IHDR.crc.\0\0\0\x08IDAT"]) {
    assert.equal(kind(head), "unknown", JSON.stringify(head));
  }
  for (const head of ["ID3\x04", "fLaC", "RIFF\0\0\0\0WAVEfmt ", "\xff\xfb\x90\x00"]) {
    assert.equal(kind(head), "sound", JSON.stringify(head));
  }
  assert.equal(kind("RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0\x02"), "undecodable");
  assert.equal(kind(""), "empty");
});
