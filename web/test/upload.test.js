import assert from "node:assert/strict";
import { test } from "node:test";

import { ApiError } from "../js/api.js";
import { Upload } from "../js/upload.js";

const FILE = { name: "film.mp4", type: "video/mp4", size: 100 };
const LIFE_MS = 60_000;

/** An upload into a world that notes what is asked of it; `faults` names the next calls that fail. */
function setUp(faults = {}) {
  const log = [];
  const phases = [];
  const world = { now: 0, hold: null };
  let ids = 0;

  function note(what) {
    log.push(what);
    const fault = faults[what]?.shift();
    if (fault) {
      throw fault;
    }
  }

  const api = {
    async createUpload(file, every) {
      note("create");
      assert.equal(every, 1_000);
      ids += 1;
      return { video_id: `v${ids}`, expires_at: new Date(world.now + LIFE_MS).toISOString() };
    },
    async complete(id) {
      note("complete");
      return { video_id: id, status: "queued" };
    },
    async remove(id) {
      note(`remove ${id}`);
    },
  };
  async function put(target, file, { signal, onProgress }) {
    onProgress(50);
    if (world.hold) {
      const gone = new Promise((_, reject) => {
        signal.addEventListener("abort", () => reject(signal.reason));
      });
      world.hold();
      await gone;
    }
    note("put");
    onProgress(100);
  }
  const changed = ({ phase }) => {
    if (phases.at(-1) !== phase) {
      phases.push(phase);
    }
  };
  const upload = new Upload(FILE, 1_000, { api, put, now: () => world.now, changed });
  return { upload, log, phases, world };
}

test("an upload goes through its phases and ends with the video", async () => {
  const { upload, log, phases } = setUp();
  await upload.run();
  assert.deepEqual(log, ["create", "put", "complete"]);
  assert.deepEqual(phases, ["registering", "sending", "completing", "done"]);
  assert.deepEqual(upload.video, { video_id: "v1", status: "queued" });
  assert.equal(upload.sent, 100);
  await upload.run();
  assert.equal(log.length, 3, "done is done");
});

test("a broken connection sends again to the same address", async () => {
  const { upload, log } = setUp({ put: [new ApiError(0, "The connection broke.")] });
  await upload.run();
  assert.equal(upload.phase, "failed");
  assert.equal(upload.error.message, "The connection broke.");
  upload.again();
  await upload.run();
  assert.deepEqual(log, ["create", "put", "put", "complete"]);
});

test("an address that has run out is replaced, and the old record removed", async () => {
  const { upload, log, world } = setUp({ put: [new ApiError(0, "The connection broke.")] });
  await upload.run();
  world.now += LIFE_MS;
  await upload.run();
  assert.deepEqual(log, ["create", "put", "remove v1", "create", "put", "complete"]);
  assert.equal(upload.video.video_id, "v2");
});

test("an address that the store refuses is not tried again", async () => {
  const { upload, log } = setUp({ put: [new ApiError(403, "Request has expired.")] });
  await upload.run();
  await upload.run();
  assert.deepEqual(log, ["create", "put", "remove v1", "create", "put", "complete"]);
});

test("what has arrived is not sent again when only the last word failed", async () => {
  const { upload, log } = setUp({ complete: [new ApiError(503, "Try again.")] });
  await upload.run();
  assert.equal(upload.phase, "failed");
  await upload.run();
  assert.deepEqual(log, ["create", "put", "complete", "complete"]);
});

test("what did not arrive as announced is begun anew", async () => {
  const { upload, log } = setUp({ complete: [new ApiError(409, "The file has 99 bytes.")] });
  await upload.run();
  await upload.run();
  assert.deepEqual(log, ["create", "put", "complete", "remove v1", "create", "put", "complete"]);
});

test("a cancelled upload stops, takes its record back and stays cancelled", async () => {
  const { upload, log, phases, world } = setUp();
  const sending = new Promise((resolve) => {
    world.hold = resolve;
  });
  const running = upload.run();
  await sending;
  assert.equal(upload.underWay, true);
  await upload.cancel();
  await running;
  await upload.run();
  assert.deepEqual(log, ["create", "remove v1"]);
  assert.deepEqual(phases, ["registering", "sending", "cancelled"]);
});

test("an upload that is cancelled while it is being registered leaves no record", async () => {
  const { upload, log } = setUp();
  const running = upload.run();
  await upload.cancel();
  await running;
  assert.deepEqual(log, ["create", "remove v1"]);
  assert.equal(upload.phase, "cancelled");
});
