import assert from "node:assert/strict";
import { test } from "node:test";

import * as format from "../js/format.js";

test("sizes change their unit before they read 1,000", () => {
  const cases = [
    [0, "0 B"],
    [999, "999 B"],
    [1_000, "1 kB"],
    [12_440_000, "12.4 MB"],
    [999_960, "1 MB"],
    [5_368_709_120, "5.4 GB"],
  ];
  for (const [count, text] of cases) {
    assert.equal(format.bytes(count, "en"), text);
  }
});

test("an interval goes in as a number and a unit, and comes out as people say it", () => {
  const cases = [
    ["1", "s", 1_000, "1 s"],
    ["0.5", "s", 500, "500 ms"],
    ["90", "s", 90_000, "90 s"],
    ["2", "min", 120_000, "2 min"],
    ["24", "h", 86_400_000, "24 h"],
    ["1e3", "ms", 1_000, "1 s"],
  ];
  for (const [number, unit, ms, text] of cases) {
    assert.equal(format.everyMs(number, unit), ms);
    assert.equal(format.interval(ms, "en"), text);
  }
});

test("what the uploader would refuse as an interval is refused with a sentence", () => {
  for (const [number, unit] of [["", "s"], [" ", "s"], ["0", "s"], ["0.4", "ms"], ["-1", "s"], ["1441", "min"], ["x", "s"]]) {
    assert.throws(() => format.everyMs(number, unit), { name: "RangeError", message: /interval/ });
  }
});

test("a bar does not say 100 % before all has left", () => {
  assert.equal(format.percent(999, 1_000), "99 %");
  assert.equal(format.percent(1_000, 1_000), "100 %");
  assert.equal(format.percent(0, 0), "0 %");
});

test("a service's words become a sentence", () => {
  assert.equal(format.sentence("the file is empty"), "The file is empty.");
  assert.equal(format.sentence("No frame could be found in the video."), "No frame could be found in the video.");
  assert.equal(format.sentence("  "), "");
});

test("each state has its words, also one that is newer than the page", () => {
  const words = (video) => [format.statusLabel(video), format.statusDetail(video, "en")];
  assert.deepEqual(words({ status: "processing", progress: 40, frames: 1 }), ["Processing", "40 %, 1 frame so far"]);
  assert.deepEqual(words({ status: "done", frames: 1200 }), ["Done", "1,200 frames in a zip"]);
  const damaged = { status: "done", frames: 6, warning: "the video is damaged" };
  assert.deepEqual(words(damaged), ["Done", "6 frames in a zip. The video is damaged."]);
  assert.deepEqual(words({ status: "failed", reason: "the file is empty" }), ["Failed", "The file is empty."]);
  assert.deepEqual(words({ status: "under_review" }), ["under review", ""]);
});

test("a video of a hand-written job has no name and no size", () => {
  const video = { video_id: "v1", filename: null, size: null, every_ms: 2_000, created_at: "2026-05-01T12:00:00.000Z" };
  assert.equal(format.title(video), "v1");
  assert.match(format.facts(video, "en"), /^every 2 s · .*2026/);
});
