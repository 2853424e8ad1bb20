/** Ten thousand frames. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import type { Browser } from "playwright-core";

import { type Person, type System, browser, clip, logIn, person, row, start, upload } from "./system.ts";

const FRAMES = 10_000;
/** A task that takes longer is felt. */
const LONG_TASK_MS = 100;

interface TraceEvent {
  name: string;
  pid: number;
  tid: number;
  /** Microseconds of the thread's own time: a machine that is busy with something else does not count. */
  tdur?: number;
  args: { name?: string };
}

/** The longest task of a page's main thread, in milliseconds. */
function longestTask(trace: Buffer): number {
  const { traceEvents: events } = JSON.parse(trace.toString()) as { traceEvents: TraceEvent[] };
  const isMain = ({ name, args }: TraceEvent) => name === "thread_name" && args.name === "CrRendererMain";
  const main = new Set(events.filter(isMain).map(({ pid, tid }) => `${pid} ${tid}`));
  const tasks = events.filter(({ name, pid, tid }) => name.endsWith("RunTask") && main.has(`${pid} ${tid}`));
  return Math.max(0, ...tasks.map(({ tdur = 0 }) => Math.round(tdur / 1_000)));
}

let system: System;
let chromium: Browser;
let paulo: Person;

before(async () => {
  [system, chromium] = await Promise.all([start(), browser()]);
  const file = await clip(system.folder, "many.mp4", `testsrc2=s=96x54:r=50:d=${FRAMES / 50}`, "-g", "50");
  paulo = await person(chromium, system);
  await logIn(paulo.page);
  await upload(paulo.page, [file], "20", "ms");
});

after(async () => {
  await chromium?.close();
  await system?.stop();
});

test(`a zip of ${FRAMES} frames is scrolled through without a long task, and only what is in view is there`, async () => {
  const { page } = paulo;
  await row(page, "many.mp4").getByText("10,000 frames").waitFor();
  // Its picture in the list is asked for by ranges, too.
  await row(page, "many.mp4").locator(".poster img").waitFor();
  await chromium.startTracing(page, { categories: ["toplevel", "__metadata"] });
  const asked: string[] = [];
  page.on("request", (request) => {
    if (request.url().startsWith(system.aws) && request.method() === "GET") {
      asked.push(request.headers().range ?? "all");
    }
  });
  await row(page, "many.mp4").locator("a.main").click();
  await page.locator("#grid [data-frame='0'] img").waitFor();
  assert.ok(asked.length <= 2, `${asked}`);

  const cells = await page.evaluate(async () => {
    let most = 0;
    const height = document.documentElement.scrollHeight;
    for (const step of [innerHeight / 3, innerHeight * 4, height / 40]) {
      for (let n = 0; n < 40; n += 1) {
        scrollBy({ top: step, behavior: "instant" });
        await new Promise(requestAnimationFrame);
        most = Math.max(most, document.querySelectorAll(".cell").length);
      }
      scrollTo({ top: 0, behavior: "instant" });
      await new Promise(requestAnimationFrame);
    }
    return most;
  });
  assert.ok(cells > 0 && cells < 300, `${cells} cells at once`);
  await page.locator("#grid").focus();
  await page.keyboard.press("End");
  await page.locator(`#grid [data-frame='${FRAMES - 1}'] img`).waitFor();
  assert.equal(await page.locator(`#grid [data-frame='${FRAMES - 1}'] .time`).textContent(), "3:19.98");
  const longest = longestTask(await chromium.stopTracing());
  console.log(`longest task: ${longest} ms; at most ${cells} cells; ${asked.length} ranges`);
  assert.ok(longest > 0 && longest <= LONG_TASK_MS, `${longest} ms`);
});

test("a moment is gone to by typing its time", async () => {
  const { page } = paulo;
  await page.locator("#go-to").fill("1:40");
  await page.keyboard.press("Enter");
  await page.locator("#grid [aria-selected=true] img").waitFor();
  assert.equal(await page.locator("#grid [aria-selected=true]").getAttribute("data-frame"), "5000");
  assert.deepEqual(paulo.troubles, []);
});
