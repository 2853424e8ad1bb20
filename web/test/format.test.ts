import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import type { Video } from "../src/api/types.ts";
import * as format from "../src/format.ts";
import { en } from "../src/words/en.ts";
import { pt } from "../src/words/pt.ts";
import { mayHelp, reasonIn } from "../src/words/reasons.ts";

const EN = { words: en, locale: "en" };
const PT = { words: pt, locale: "pt-BR" };

test("sizes change their unit before they read 1,000", () => {
  const cases: [number, string][] = [
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
  const cases: [string, keyof typeof format.UNITS, number, string][] = [
    ["1", "s", 1_000, "1 s"],
    ["1,5", "s", 1_500, "1,500 ms"],
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

test("what the uploader would refuse is no interval", () => {
  const cases: [string, keyof typeof format.UNITS][] = [
    ["", "s"], [" ", "s"], ["0", "s"], ["0.4", "ms"], ["-1", "s"], ["1441", "min"], ["x", "s"],
  ];
  for (const [number, unit] of cases) {
    assert.equal(format.everyMs(number, unit), null, `${number} ${unit}`);
  }
});

test("a bar does not say 100 % before all has left", () => {
  assert.equal(format.percent(999, 1_000, "en"), "99%");
  assert.equal(format.percent(1_000, 1_000, "en"), "100%");
  assert.equal(format.percent(0, 0, "en"), "0%");
});

test("places in a video are written as players write them, and read again", () => {
  assert.equal(format.timecode(7, "en"), "0:07");
  assert.equal(format.timecode(7.5, "en"), "0:07");
  assert.equal(format.timecode(7.5, "en", true), "0:07.5");
  assert.equal(format.timecode(7.25, "pt-BR", true), "0:07,25");
  assert.equal(format.timecode(3_723.04, "en", true), "1:02:03.04");
  assert.equal(format.timecode(59.9996, "en", true), "1:00", "rounded up, and carried");
  for (const [text, seconds] of [["83", 83], ["1:23.5", 83.5], ["1:23,5", 83.5], ["1:02:03", 3_723]] as const) {
    assert.equal(format.parseTime(text), seconds);
  }
  for (const text of ["", "x", "1:", "1:2:3:4", "-1"]) {
    assert.equal(format.parseTime(text), null, text);
  }
});

test("how long something takes is said in one or two units", () => {
  assert.equal(format.duration(300, "en"), "1 sec");
  assert.equal(format.duration(45_000, "en"), "45 sec");
  assert.equal(format.duration(180_000, "en"), "3 min");
  assert.equal(format.duration(4_800_000, "en"), "1 hr 20 min");
  assert.equal(format.duration(4_800_000, "pt-BR"), "1 h 20 min");
});

test("a service's words become a sentence", () => {
  assert.equal(format.sentence("the file is empty"), "The file is empty.");
  assert.equal(format.sentence("No frame could be found in the video."), "No frame could be found in the video.");
  assert.equal(format.sentence("  "), "");
});

test("each state has its words, also one that is newer than the page", () => {
  const said = (part: Omit<Partial<Video>, "status"> & { status: string }, speech = EN, left: number | null = null) => {
    const video = part as Video;
    return [format.statusLabel(video, speech.words), format.statusDetail(video, speech, left)];
  };
  const processing = { status: "processing", progress: 40, frames: 1 };
  assert.deepEqual(said(processing), ["Processing", "40%, 1 frame so far"]);
  assert.deepEqual(said(processing, EN, 60_000), ["Processing", "40%, 1 frame so far, about 1 min left"]);
  assert.deepEqual(said(processing, PT), ["Processando", "40%, 1 quadro até agora"]);
  assert.deepEqual(said({ status: "done", frames: 1200 }), ["Done", "1,200 frames"]);
  assert.deepEqual(said({ status: "done", frames: 1200 }, PT), ["Pronto", "1.200 quadros"]);
  assert.deepEqual(said({ status: "failed", reason: "the file is empty" }), ["Failed", "The file is empty."]);
  assert.deepEqual(said({ status: "failed", reason: "The file is empty." }, PT), ["Falhou", "O arquivo está vazio."]);
  assert.deepEqual(said({ status: "under_review" }), ["under review", ""]);
});

test("a video of a hand-written job has no name and no size", () => {
  const video = { video_id: "v1", filename: null, size: null, options: { every_ms: 2_000 }, created_at: "2026-05-01T12:00:00.000Z" } as Video;
  assert.equal(format.title(video), "v1");
  assert.match(format.facts(video, EN), /^every\u00a02\u00a0s · .*2026/);
});

test("trying again is offered only where it may help", () => {
  assert.equal(mayHelp("The file is not a video in a format we know."), false);
  assert.equal(mayHelp("The video would give more than 50000 frames; choose a longer interval."), false);
  assert.equal(mayHelp("The file was replaced while it was being processed."), true);
  assert.equal(mayHelp("something that this page has never heard of"), true);
});

test("the engine's own reasons are known", () => {
  const source = readFileSync(new URL("../../engine/src/reason.rs", import.meta.url), "utf8");
  const reasons = [...source.matchAll(/#\[error\("(.*?)"\)\]/g)].map(([, text]) => text!.replaceAll(/\{\w+\}/g, "5"));
  assert.ok(reasons.length > 10, `${reasons}`);
  const unknown = reasons.filter((reason) => reasonIn(reason, "pt-BR") === reason);
  // A new one may be said in English for a while; those that people meet are known.
  assert.ok(unknown.length <= 2, `${unknown}`);
});
