import assert from "node:assert/strict";
import { test } from "node:test";

import type { Video } from "../src/api/types.ts";
import { endings, merge, pollDelay, timeLeft } from "../src/state/videos.ts";

import { en } from "../src/words/en.ts";

const SPEECH = { words: en, locale: "en" };

/** A video of which only this matters. */
const video = (part: Partial<Video>) => part as Video;
const videos = (...parts: Partial<Video>[]) => parts.map(video);

const NOW = Date.parse("2026-05-01T12:00:00Z");
const at = (minutes: number) => new Date(NOW + minutes * 60_000).toISOString();

test("the list is asked for often only while something moves", () => {
  const quick = pollDelay(videos({ status: "done" }, { status: "processing" }), 0, NOW);
  const slow = pollDelay(videos({ status: "done" }, { status: "failed" }), 0, NOW);
  assert.ok(quick < slow);
  assert.equal(pollDelay(videos({ status: "queued" }), 0, NOW), quick);
  assert.equal(pollDelay(videos({ status: "awaiting_upload", created_at: at(-1) }), 0, NOW), quick);
  assert.equal(pollDelay(videos({ status: "awaiting_upload", created_at: at(-60) }), 0, NOW), slow);
  assert.equal(pollDelay(videos(), 0, NOW), slow);
});

test("a service that fails is asked less and less often, but never given up", () => {
  const delays = [1, 2, 3, 4, 50].map((failures) => pollDelay(videos({ status: "queued" }), failures, NOW));
  assert.deepEqual(delays, [4_000, 8_000, 16_000, 20_000, 20_000]);
});

test("an older list does not undo what an answer has told", () => {
  const known = videos(
    { video_id: "a", status: "queued", updated_at: at(1) },
    { video_id: "b", status: "processing", updated_at: at(0) },
    { video_id: "gone", status: "done", updated_at: at(5) },
  );
  const fresh = videos(
    { video_id: "new", status: "queued", updated_at: at(0) },
    { video_id: "a", status: "failed", updated_at: at(0) },
    { video_id: "b", status: "done", updated_at: at(1) },
  );
  const states = merge(known, fresh).map(({ video_id, status }) => [video_id, status]);
  assert.deepEqual(states, [["new", "queued"], ["a", "queued"], ["b", "done"]]);
});

test("only what has just ended is said aloud", () => {
  const known = videos(
    { video_id: "a", status: "processing" },
    { video_id: "b", status: "queued" },
    { video_id: "c", status: "done" },
    { video_id: "d", status: "queued" },
    { video_id: "f", status: "processing" },
  );
  const fresh = videos(
    { video_id: "a", status: "done", filename: "a.mp4", frames: 1 },
    { video_id: "b", status: "failed", filename: "b.mp4", reason: "the file is empty" },
    { video_id: "c", status: "done", filename: "c.mp4", frames: 2 },
    { video_id: "d", status: "processing" },
    { video_id: "e", status: "done", filename: "e.mp4", frames: 3 },
    { video_id: "f", status: "done", filename: "f.mp4", frames: 2, warning: "It is damaged" },
  );
  assert.deepEqual(endings(known, fresh, SPEECH), [
    "a.mp4 is done: 1 frame.",
    "b.mp4 failed: The file is empty.",
    "f.mp4 is done: 2 frames. It is damaged.",
  ]);
});

test("the time left follows from the pace so far, and is not said before there is one", () => {
  assert.equal(timeLeft({ at: 0, progress: 0 }, { at: 10_000, progress: 25 }), 30_000);
  assert.equal(timeLeft({ at: 0, progress: 10 }, { at: 1_000, progress: 50 }), null, "too soon");
  assert.equal(timeLeft({ at: 0, progress: 10 }, { at: 60_000, progress: 11 }), null, "too little");
});
