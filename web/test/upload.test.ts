import assert from "node:assert/strict";
import { test } from "node:test";

import { effect } from "@preact/signals";

import { ApiError, SessionOver } from "../src/api/client.ts";
import type { UploadTarget, Video } from "../src/api/types.ts";
import { Upload } from "../src/upload/upload.ts";

const FILE = Object.assign(new Blob(["x".repeat(100)], { type: "video/mp4" }), { name: "film.mp4" });
const LIFE_MS = 60_000;

const refused = (status: number, text: string) => new ApiError(status, () => text);
const broken = () => refused(0, "The connection broke.");

/** Nothing of this world is in parts. */
async function unasked(): Promise<never> {
  throw new Error("nobody should ask");
}

/** An upload into a world that notes what is asked of it; `faults` names the next calls that fail. */
function setUp(faults: Record<string, Error[]> = {}) {
  const log: string[] = [];
  const phases: string[] = [];
  const waits: number[] = [];
  const world = { now: 0, hold: null as (() => void) | null };
  let ids = 0;

  function note(what: string) {
    log.push(what);
    const fault = faults[what]?.shift();
    if (fault) {
      throw fault;
    }
  }

  const upload = new Upload(FILE, 1_000, { format: "png" }, {
    api: {
      async createUpload(_, options) {
        note("create");
        assert.deepEqual(options, { every: "1000ms", format: "png" });
        ids += 1;
        return { video_id: `v${ids}`, expires_at: new Date(world.now + LIFE_MS).toISOString() } as UploadTarget;
      },
      async complete(id) {
        note("complete");
        return { video_id: id, status: "queued" } as Video;
      },
      async remove(id) {
        note(`remove ${id}`);
        return new Response();
      },
      parts: unasked,
      partTargets: unasked,
      abandon: unasked,
    },
    async put(_, __, { signal, onProgress }) {
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
      return null;
    },
    now: () => world.now,
    async pause(ms) {
      waits.push(ms);
    },
  }, { blob: FILE });
  effect(() => {
    phases.push(upload.phase.value);
  });
  return { upload, log, phases, waits, world };
}

test("an upload goes through its phases and ends with the video", async () => {
  const { upload, log, phases } = setUp();
  await upload.run();
  assert.deepEqual(log, ["create", "put", "complete"]);
  assert.deepEqual(phases, ["waiting", "registering", "sending", "completing", "done"]);
  assert.deepEqual(upload.video, { video_id: "v1", status: "queued" });
  assert.equal(upload.sent.value, 100);
  await upload.run();
  assert.equal(log.length, 3, "done is done");
});

test("a broken connection is tried again by itself, to the same address", async () => {
  const { upload, log, phases, waits } = setUp({ put: [broken(), broken()] });
  await upload.run();
  assert.deepEqual(log, ["create", "put", "put", "put", "complete"]);
  assert.deepEqual(waits, [1_000, 2_000], "less and less often");
  assert.equal(phases.filter((phase) => phase === "retrying").length, 2);
  assert.equal(phases.at(-1), "done");
});

test("a connection that stays broken is left to a person in the end, who can go on", async () => {
  const { upload, log, waits } = setUp({ put: Array.from({ length: 11 }, broken) });
  await upload.run();
  assert.equal(upload.phase.value, "failed");
  assert.equal((upload.error as Error).message, "The connection broke.");
  assert.equal(waits.length, 10);
  upload.again();
  await upload.run();
  assert.deepEqual(log.slice(-2), ["put", "complete"]);
  assert.equal(log.filter((what) => what === "create").length, 1);
});

test("an address that has run out is replaced, and the old record removed", async () => {
  const { upload, log, world } = setUp({ put: Array.from({ length: 11 }, broken) });
  await upload.run();
  world.now += LIFE_MS;
  await upload.run();
  assert.deepEqual(log.slice(-4), ["remove v1", "create", "put", "complete"]);
  assert.equal(upload.video?.video_id, "v2");
});

test("an address that the store refuses is not tried again", async () => {
  const { upload, log } = setUp({ put: [refused(403, "Request has expired.")] });
  await upload.run();
  assert.equal(upload.phase.value, "failed");
  await upload.run();
  assert.deepEqual(log, ["create", "put", "remove v1", "create", "put", "complete"]);
});

test("what has arrived is not sent again when only the last word failed", async () => {
  const { upload, log } = setUp({ complete: [refused(503, "Try again.")] });
  await upload.run();
  assert.deepEqual(log, ["create", "put", "complete", "complete"]);
  assert.equal(upload.phase.value, "done");
});

test("what did not arrive as announced is begun anew", async () => {
  const { upload, log } = setUp({ complete: [refused(409, "The file has 99 bytes.")] });
  await upload.run();
  await upload.run();
  assert.deepEqual(log, ["create", "put", "complete", "remove v1", "create", "put", "complete"]);
});

test("a session that ends stops an upload, and after the next log-in it goes on", async () => {
  const { upload, log } = setUp({ complete: [new SessionOver()] });
  await upload.run();
  assert.equal(upload.phase.value, "loggedOut");
  assert.equal(upload.underWay, true);
  upload.again();
  await upload.run();
  assert.deepEqual(log, ["create", "put", "complete", "complete"], "nothing is sent twice");
});

test("a cancelled upload stops, takes its record back and stays cancelled", async () => {
  const { upload, log, phases, world } = setUp();
  const sending = new Promise<void>((resolve) => {
    world.hold = resolve;
  });
  const running = upload.run();
  await sending;
  assert.equal(upload.underWay, true);
  await upload.cancel();
  await running;
  await upload.run();
  assert.deepEqual(log, ["create", "remove v1"]);
  assert.deepEqual(phases, ["waiting", "registering", "sending", "cancelled"]);
});

test("an upload that is cancelled while it is being registered leaves no record", async () => {
  const { upload, log } = setUp();
  const running = upload.run();
  await upload.cancel();
  await running;
  assert.deepEqual(log, ["create", "remove v1"]);
  assert.equal(upload.phase.value, "cancelled");
});
