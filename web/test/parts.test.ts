import assert from "node:assert/strict";
import { test } from "node:test";

import { ApiError } from "../src/api/client.ts";
import type { PartTarget, UploadTarget, Video } from "../src/api/types.ts";
import { readEvents } from "../src/state/events.ts";
import { Upload } from "../src/upload/upload.ts";

const PART = 10;
const PARTS = 23;
/** The last part is shorter. */
const SIZE = PART * PARTS - 3;
const FILE = Object.assign(new Blob([Uint8Array.from({ length: SIZE }, (_, n) => n)]), { name: "film.mp4" });

/** A store that takes parts, and whose line may be cut at a moment: after so many halves of parts. */
function store() {
  const there = new Map<number, Uint8Array>();
  const sends: number[] = [];
  const log: string[] = [];
  let halves = 0;
  const world = { cutAt: Infinity, inFlight: new Set<number>(), log, sends, there };

  async function half() {
    await new Promise(setImmediate);
    halves += 1;
    if (halves >= world.cutAt) {
      throw new ApiError(0, () => "cut off");
    }
  }

  const api = {
    async createUpload() {
      log.push("create");
      return { video_id: "v1", method: "PARTS", expires_at: new Date(Date.now() + 60_000).toISOString() } as UploadTarget;
    },
    async parts() {
      const parts = [...there].map(([part, { length: size }]) => ({ part, size, etag: "" }));
      return { part_size: PART, part_count: PARTS, parts };
    },
    async partTargets(_: string, parts: number[]) {
      return { parts: parts.map((part) => ({ part, url: `${part}`, method: "PUT", headers: {}, size: PART }) as PartTarget) };
    },
    async complete(id: string) {
      if (there.size < PARTS) {
        throw new ApiError(409, () => "parts are missing");
      }
      return { video_id: id, status: "queued" } as Video;
    },
    async remove() {
      return new Response();
    },
    async abandon() {
      log.push("abandon");
      return new Response();
    },
  };
  const put = async (target: { url: string }, body: Blob, options: { signal: AbortSignal; onProgress: (n: number) => void }) => {
    const part = Number(target.url);
    sends.push(part);
    world.inFlight.add(part);
    await half();
    options.signal.throwIfAborted();
    options.onProgress(body.size / 2);
    await half();
    options.signal.throwIfAborted();
    there.set(part, new Uint8Array(await body.arrayBuffer()));
    world.inFlight.delete(part);
    return null;
  };
  const whole = () => Buffer.concat([...there].sort(([a], [b]) => a - b).map(([, bytes]) => bytes));
  return { world, api, put, whole };
}

const upload = ({ api, put }: ReturnType<typeof store>, more = {}, pause: () => Promise<void> = async () => {}) =>
  new Upload(FILE, 1_000, {}, { api, put, pause }, { blob: FILE, ...more });

test("a file in parts arrives whole, in few requests at a time", async () => {
  const shop = store();
  const one = upload(shop);
  await one.run();
  assert.equal(one.phase.value, "done");
  assert.deepEqual(shop.whole(), Buffer.from(await FILE.arrayBuffer()));
  assert.deepEqual([...shop.world.sends].sort((a, b) => a - b), Array.from({ length: PARTS }, (_, n) => n + 1));
  assert.equal(one.sent.value, SIZE);
});

test("cut off at any moment, no more is sent again than what was on its way, also after the page was loaded anew", async () => {
  for (let cutAt = 1; cutAt <= PARTS * 2; cutAt += 1) {
    const shop = store();
    shop.world.cutAt = cutAt;
    const never = () => new Promise<void>(() => {});
    const first = upload(shop, {}, never);
    void first.run();
    await new Promise<void>((resolve) => {
      const stop = first.phase.subscribe((phase) => phase === "retrying" && (queueMicrotask(() => stop()), resolve()));
    });
    const lost = new Set(shop.world.inFlight);
    shop.world.cutAt = Infinity;
    // The page is another one now: it has the id and, once chosen again, the file.
    const second = upload(shop, { blob: null, target: first.target });
    assert.equal(second.phase.value, "fileMissing");
    second.choose(FILE);
    await second.run();
    assert.equal(second.phase.value, "done");
    assert.deepEqual(shop.whole(), Buffer.from(await FILE.arrayBuffer()));
    const twice = shop.world.sends.filter((part, n) => shop.world.sends.indexOf(part) !== n);
    assert.ok(twice.every((part) => lost.has(part)) && twice.length <= 3, `cut at ${cutAt}: ${twice} again, ${[...lost]} lost`);
    assert.deepEqual(shop.world.log, ["create"]);
  }
});

test("an upload that turns out to be complete already is done", async () => {
  const shop = store();
  const first = upload(shop);
  await first.run();
  const complete = async () => {
    throw new ApiError(409, () => "the upload is complete");
  };
  const second = upload({ ...shop, api: { ...shop.api, parts: complete } }, { target: first.target });
  await second.run();
  assert.equal(second.phase.value, "done");
});

test("an upload in parts is paused and goes on, and is given up when it is cancelled", async () => {
  const shop = store();
  const one = upload(shop);
  const running = one.run();
  await new Promise<void>((resolve) => {
    const stop = one.sent.subscribe((sent) => sent > SIZE / 3 && (queueMicrotask(() => stop()), resolve()));
  });
  one.pause();
  await running;
  assert.equal(one.phase.value, "paused");
  const before = shop.world.sends.length;
  await new Promise(setImmediate);
  assert.equal(shop.world.sends.length, before, "nothing is sent meanwhile");
  one.again();
  await one.run();
  assert.equal(one.phase.value, "done");

  const other = store();
  const dropped = upload(other);
  const gone = dropped.run();
  await new Promise(setImmediate);
  await dropped.cancel();
  await gone;
  assert.deepEqual(other.world.log, ["create", "abandon"]);
});

test("events are read as they come, however they are cut", async () => {
  const text = 'retry: 1000\n\n: hello\n\nid: 7\nevent: video\ndata: {"a":\ndata: 1}\n\r\nevent: videos\r\ndata: é\r\n\r\ndata: cut';
  const bytes = new TextEncoder().encode(text);
  for (const size of [1, 2, 3, 7, 1_000]) {
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        for (let at = 0; at < bytes.length; at += size) {
          controller.enqueue(bytes.subarray(at, at + size));
        }
        controller.close();
      },
    });
    const seen = [];
    for await (const event of readEvents(body)) {
      seen.push(event);
    }
    assert.deepEqual(
      seen,
      [
        { name: "video", data: '{"a":\n1}', id: "7" },
        { name: "videos", data: "é", id: "7" },
      ],
      `${size} bytes at a time`,
    );
  }
});
