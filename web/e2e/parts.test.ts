/** A long file in parts: the page may be loaded anew at any moment, and what has arrived is not sent again. */

import assert from "node:assert/strict";
import { statSync } from "node:fs";
import { after, before, test } from "node:test";

import type { Browser, Page, Request } from "playwright-core";

import { type Person, type System, browser, clip, logIn, person, start } from "./system.ts";

const PART = 8 << 20;
const RELOADS = 10;
/** Bytes a second, so that there is something to cut off. */
const LINE = 48 << 20;
/** So many parts are on their way at a time, at most. */
const AT_ONCE = 3;

let system: System;
let chromium: Browser;
let paulo: Person;
let file: string;

before(async () => {
  [system, chromium] = await Promise.all([start("--upload-parts-above", `${PART}`), browser()]);
  const noise = "nullsrc=s=1280x720:r=25:d=3,noise=alls=100:allf=t";
  file = await clip(system.folder, "long.mp4", noise, "-qp", "3");
  paulo = await person(chromium, system);
  await logIn(paulo.page);
  await slow(paulo.page);
});

after(async () => {
  await chromium?.close();
  await system?.stop();
});

/** Makes the page's line a slow one. */
async function slow(page: Page) {
  const devtools = await page.context().newCDPSession(page);
  await devtools.send("Network.enable");
  await devtools.send("Network.emulateNetworkConditions", {
    offline: false,
    latency: 0,
    downloadThroughput: -1,
    uploadThroughput: LINE,
  });
}

/** Which parts are sent, and which are on their way. */
function watch(page: Page) {
  const sends: number[] = [];
  const onItsWay = new Set<number>();
  const part = (request: Request) => Number(new URL(request.url()).searchParams.get("partNumber") ?? 0);
  page.on("request", (request) => {
    if (request.method() === "PUT" && part(request) > 0) {
      sends.push(part(request));
      onItsWay.add(part(request));
    }
  });
  page.on("requestfinished", (request) => onItsWay.delete(part(request)));
  return { sends, onItsWay };
}

test(`of uploads that are loaded anew at ${RELOADS} random moments, at most the parts on their way are sent again`, async () => {
  const { page } = paulo;
  const parts = Math.ceil(statSync(file).size / PART);
  assert.ok(parts >= 8, `${parts} parts are too few to be cut off among`);
  const { sends, onItsWay } = watch(page);
  // Who leaves is asked whether they mean it.
  page.on("dialog", (dialog) => void dialog.accept());
  const done = page.locator("#video-list > li[data-status=done]");
  const listed = page.locator("#video-list > li");
  const sending = page.locator("#uploads li[data-phase=sending]");
  let reloads = 0;
  let kept = 0;
  // One file is soon there: it takes some to be cut off so often.
  for (let uploads = 1; reloads < RELOADS; uploads += 1) {
    sends.length = 0;
    const lost: number[] = [];
    const moments: number[] = [];
    await page.locator("#file").setInputFiles(file);
    await page.locator(".line button.main").click();
    await sending.waitFor();
    while (reloads < RELOADS) {
      const moment = Math.round(Math.random() * 1_500);
      // The moment itself is what is tried.
      await page.waitForTimeout(moment);
      if ((await listed.count()) === uploads) {
        break;
      }
      moments.push(moment);
      reloads += 1;
      await page.reload();
      lost.push(...onItsWay);
      onItsWay.clear();
      const asked = page.locator("#uploads").getByText("Choose the file again to go on.");
      await asked.or(listed.nth(uploads - 1)).first().waitFor();
      if (!(await asked.isVisible())) {
        break;
      }
      await page.locator("#file").setInputFiles(file);
      await sending.or(listed.nth(uploads - 1)).first().waitFor();
    }
    // The list may show the video a moment before the page asks for what is missing of its file.
    const missing = page.locator("#uploads").getByText("Choose the file again to go on.");
    await done.nth(uploads - 1).or(missing).first().waitFor({ timeout: 120_000 });
    if (await missing.isVisible()) {
      await page.locator("#file").setInputFiles(file);
      await done.nth(uploads - 1).waitFor({ timeout: 120_000 });
    }
    const again = sends.filter((part, n) => sends.indexOf(part) !== n);
    console.log(`${parts} parts, ${sends.length} sends; moments ${moments} ms; lost ${lost}; again ${again}`);
    assert.equal(new Set(sends).size, parts);
    for (const part of new Set(again)) {
      const times = (list: number[]) => list.filter((other) => other === part).length;
      assert.ok(times(again) <= times(lost), `part ${part} was lost ${times(lost)} times and sent again ${times(again)} times`);
    }
    assert.ok(lost.length <= AT_ONCE * moments.length, `${lost}`);
    kept += moments.length > 0 ? parts - new Set(again).size : 0;
  }
  assert.ok(kept > 0, "nothing had arrived before any of the reloads");
});

test("an upload is paused, and goes on from there", async () => {
  const { page } = paulo;
  const before = await page.locator("#video-list > li").count();
  const { sends, onItsWay } = watch(page);
  await page.locator("#file").setInputFiles(file);
  await page.locator(".line button.main").click();
  await page.locator("#uploads").getByText(/[1-9]\d?%/).waitFor();
  await page.getByRole("button", { name: "Pause the upload of long.mp4" }).click();
  await page.locator("#uploads").getByText("of it is there.").waitFor();
  onItsWay.clear();
  const sent = sends.length;
  await page.getByRole("button", { name: "Resume the upload of long.mp4" }).click();
  await page.locator("#video-list > li[data-status=done]").nth(before).waitFor({ timeout: 120_000 });
  assert.ok(sends.length > sent);
  assert.ok(sends.length - new Set(sends).size <= AT_ONCE, `${sends}`);
});

test("another file of the same name is not taken for it, and a cancelled upload leaves nothing", async () => {
  const { page } = paulo;
  const before = await page.locator("#video-list > li").count();
  await page.locator("#file").setInputFiles(file);
  await page.locator(".line button.main").click();
  await page.locator("#uploads li[data-phase=sending]").waitFor();
  await page.reload();
  const choose = page.locator("#uploads li", { hasText: "Choose the file again" }).locator("input");
  await choose.waitFor({ state: "attached" });
  await choose.setInputFiles({ name: "long.mp4", mimeType: "video/mp4", buffer: Buffer.from("another") });
  await page.getByText("That is not long.mp4 as it was before.").first().waitFor();
  const abandoned = page.waitForResponse((response) => response.request().method() === "DELETE");
  await page.getByRole("button", { name: "Cancel the upload of long.mp4" }).click();
  assert.equal((await abandoned).status(), 204);
  await page.reload();
  await page.locator("#video-list > li").nth(before - 1).waitFor();
  assert.equal(await page.locator("#uploads li").count(), 0);
  assert.equal(await page.locator("#video-list > li").count(), before);
  assert.deepEqual(paulo.troubles, []);
});
