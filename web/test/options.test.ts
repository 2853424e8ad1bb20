import assert from "node:assert/strict";
import { test } from "node:test";

import { DEFAULTS, changedOptions, expectedBytes, toOptions, wishedSeconds, wrongWish } from "../src/upload/options.ts";

test("what nobody has changed is not said to the service", () => {
  assert.deepEqual(toOptions(DEFAULTS), {});
  assert.equal(changedOptions(DEFAULTS), 0);
  const wishes = { ...DEFAULTS, mode: "keyframe", width: "640", quality: "4", from: "1:00", to: "1:30,5", strict: true } as const;
  assert.deepEqual(toOptions(wishes), {
    mode: "keyframe",
    width: 640,
    quality: 4,
    from_ms: 60_000,
    to_ms: 90_500,
    strict: true,
  });
  assert.equal(changedOptions(wishes), 6);
  assert.deepEqual(toOptions({ ...DEFAULTS, format: "png", quality: "4" }), { format: "png" }, "a PNG has no quality");
});

test("the wish that makes no sense is named", () => {
  const wrong = (part: Partial<typeof DEFAULTS>) => wrongWish({ ...DEFAULTS, ...part });
  assert.equal(wrong({}), null);
  assert.equal(wrong({ every: "0" }), "every");
  assert.equal(wrong({ width: "15" }), "width");
  assert.equal(wrong({ width: "640.5" }), "width");
  assert.equal(wrong({ from: "soon" }), "from");
  assert.equal(wrong({ from: "2", to: "2" }), "to");
  assert.equal(wrong({ from: "2", to: "2.5" }), null);
});

test("what to expect follows from the part that is taken and from the width", () => {
  assert.equal(wishedSeconds({ ...DEFAULTS, from: "10", to: "1:00" }, 40), 30, "it ends where the video ends");
  assert.equal(wishedSeconds({ ...DEFAULTS, from: "50" }, 40), 0);
  assert.equal(expectedBytes(10, 1_000, 1_280, { ...DEFAULTS, width: "640" }), 2_500);
});
