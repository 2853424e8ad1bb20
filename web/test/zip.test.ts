import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";

import { frameAt, parseTable, readContents } from "../src/frames/contents.ts";
import { Pictures, aspectOf } from "../src/frames/pictures.ts";
import { BadZip, findDirectory, openDirectory, rangesAt, readDirectory } from "../src/frames/zip.ts";

/** A zip as Python makes it; `zip64` forces the large fields. */
function makeZip(files: Record<string, string>, { zip64 = false, method = "ZIP_STORED" } = {}): Buffer {
  const folder = mkdtempSync(path.join(tmpdir(), "zip-"));
  const script = `
import json, sys, zipfile
files = json.load(open(sys.argv[1]))
if ${zip64 ? "True" : "False"}:
    zipfile.ZIP64_LIMIT, zipfile.ZIP_FILECOUNT_LIMIT = 40, 1
with zipfile.ZipFile(sys.argv[2], "w", zipfile.${method}) as archive:
    for name, text in files.items():
        archive.writestr(name, text)
`;
  const list = path.join(folder, "files.json");
  const made = path.join(folder, "made.zip");
  writeFileSync(list, JSON.stringify(files));
  execFileSync("python3", ["-c", script, list, made]);
  const bytes = readFileSync(made);
  rmSync(folder, { recursive: true });
  return bytes;
}

/** Serves bytes by ranges, and notes which were asked for. */
async function serve(bytes: Buffer) {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const range = request.headers.range ?? "";
    asked.push(range);
    const [, from = "", to = ""] = /^bytes=(\d*)-(\d*)$/.exec(range)!;
    const begin = from === "" ? Math.max(bytes.length - Number(to), 0) : Number(from);
    const end = from === "" || to === "" ? bytes.length : Number(to) + 1;
    const headers = { "content-range": `bytes ${begin}-${end - 1}/${bytes.length}`, etag: '"1"' };
    response.writeHead(206, headers).end(bytes.subarray(begin, end));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  return { asked, ranges: rangesAt(async () => url), close: () => server.close() };
}

const FILES = {
  "frame_00001.jpg": "one".repeat(20),
  "frame_00002.jpg": "two".repeat(30),
  "frame_00003.jpg": "three".repeat(10),
  "frames.csv": "file,seconds,at\nframe_00001.jpg,0.000,0.000\nframe_00001.jpg,0.000,1.000\nframe_00002.jpg,1.960,2.000\nframe_00003.jpg,2.960,3.000\n",
};

for (const zip64 of [false, true]) {
  test(`a zip's directory${zip64 ? " in zip64" : ""} tells its frames and their times`, async () => {
    const { asked, ranges, close } = await serve(makeZip(FILES, { zip64 }));
    const { frames } = await readContents(ranges, 3);
    assert.deepEqual(
      frames.map(({ name, size, begins, at }) => [name, size, begins, at]),
      [
        ["frame_00001.jpg", 60, 0, 0],
        ["frame_00002.jpg", 90, 1.96, 2],
        ["frame_00003.jpg", 50, 2.96, 3],
      ],
    );
    assert.equal(asked.length, 1, "the table came along with the directory");

    const pictures = new Pictures(ranges, frames);
    const there = new Promise<void>((resolve) => {
      const stop = pictures.cell(2).subscribe((picture) => picture && (queueMicrotask(() => stop()), resolve()));
    });
    pictures.show(1, 2);
    await there;
    const second = pictures.cell(1).value;
    assert.ok(second && second !== "broken");
    assert.equal(await second.blob.text(), FILES["frame_00002.jpg"]);
    assert.equal(second.blob.type, "image/jpeg");
    assert.equal(pictures.cell(0).value, null, "what is not in view is not fetched");
    assert.equal(asked.length, 2, "neighbours come by one range");
    pictures.close();
    close();
  });
}

test("a directory that is longer than was thought is asked for once more", async () => {
  const many = Object.fromEntries(Array.from({ length: 400 }, (_, n) => [`frame_${String(n + 1).padStart(5, "0")}.jpg`, "x"]));
  const { asked, ranges, close } = await serve(makeZip(many));
  const { entries } = await openDirectory(ranges, 1_000);
  assert.equal(entries.length, 400);
  assert.equal(asked.length, 2);
  close();
});

test("what is no zip, or is packed, or damaged, is refused", async () => {
  assert.throws(() => findDirectory(new TextEncoder().encode("no zip, but long enough to hold one"), 0), BadZip);
  const packed = await serve(makeZip({ "a.txt": "a".repeat(100) }, { method: "ZIP_DEFLATED" }));
  await assert.rejects(openDirectory(packed.ranges, 1_000), /not stored/);
  packed.close();
  assert.throws(() => readDirectory(new Uint8Array(100), { offset: 0, size: 100, count: 1 }), /damaged/);
});

test("a damaged picture's place is told, and the others are shown", async () => {
  const bytes = makeZip(FILES);
  bytes.write("XX", 0);
  const { ranges, close } = await serve(bytes);
  const { frames } = await readContents(ranges, 3);
  const pictures = new Pictures(ranges, frames);
  const broken = new Promise<void>((resolve) => pictures.cell(0).subscribe((p) => p === "broken" && resolve()));
  pictures.show(0, 0);
  await broken;
  const good = new Promise<void>((resolve) => pictures.cell(1).subscribe((p) => p && resolve()));
  pictures.show(1, 1);
  await good;
  assert.notEqual(pictures.cell(1).value, "broken");
  pictures.close();
  close();
});

test("a table with a warning is read as one without", () => {
  const table = 'file,seconds,at,warning\nframe_00001.jpg,0.000,0.000,"the video is damaged, somewhere"\nframe_00002.jpg,1.000,1.000,\n';
  assert.deepEqual([...parseTable(table).keys()], ["frame_00001.jpg", "frame_00002.jpg"]);
});

test("the frame of a moment is the last that begins its time at or before it", () => {
  const frames = [0, 1, 4, 5].map((at) => ({ name: "", offset: 0, end: 0, size: 0, begins: at, at }));
  const cases = [[0, 0], [0.9, 0], [1, 1], [3.9, 1], [4, 2], [99, 3]] as const;
  for (const [seconds, frame] of cases) {
    assert.equal(frameAt(frames, seconds), frame, `${seconds} s`);
  }
});

test("a picture's shape is read from its first bytes", () => {
  const png = Buffer.from("89504e470d0a1a0a0000000d494844520000028000000168", "hex");
  assert.equal(aspectOf(Buffer.concat([png, Buffer.alloc(8)])), 640 / 360);
  const jpeg = Buffer.from("ffd8ffe000104a46494600010100000100010000ffc0001108016802800301", "hex");
  assert.equal(aspectOf(jpeg), 640 / 360);
  assert.equal(aspectOf(Buffer.from("nothing of that kind")), null);
});
