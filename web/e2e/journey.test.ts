/** From nothing to frames on the screen, as a person does it, on a real system with real clips. */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { copyFileSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { after, before, test } from "node:test";

import type { Browser, Page } from "playwright-core";

import { COLOURS, type Person, type System, browser, clip, colours, person, row, start } from "./system.ts";

let system: System;
let chromium: Browser;
let clips: { colours: string; moving: string; text: string; sound: string };
let paula: Person;

before(async () => {
  [system, chromium] = await Promise.all([start(), browser()]);
  const { folder } = system;
  const text = path.join(folder, "notes.mp4");
  writeFileSync(text, "This only has the name of a video.\n");
  clips = {
    colours: await colours(folder),
    moving: await clip(folder, "moving.mp4", "testsrc2=s=640x360:r=25:d=8"),
    text,
    sound: await clip(folder, "sound.wav", "sine=d=1"),
  };
  paula = await person(chromium, system);
});

after(async () => {
  await chromium?.close();
  await system?.stop();
});

/** The mailed code, as the mailbox of this machine has it. */
async function mailedCode(address: string): Promise<string> {
  const mails = (await (await fetch(`${system.aws}/_local/mail?to=${address}`)).json()) as { messages?: unknown };
  const [, code] = /\b(\d{6})\b/.exec(JSON.stringify(mails)) ?? [];
  assert.ok(code, `no code in ${JSON.stringify(mails)}`);
  return code;
}

/** The colour in the middle of a picture, as red, green and blue of 255. */
const middle = (page: Page, selector: string) =>
  page.locator(selector).evaluate(async (image: HTMLImageElement) => {
    await image.decode();
    const canvas = new OffscreenCanvas(1, 1);
    const context = canvas.getContext("2d")!;
    context.drawImage(image, image.naturalWidth / 2, image.naturalHeight / 2, 1, 1, 0, 0, 1, 1);
    return [...context.getImageData(0, 0, 1, 1).data.slice(0, 3)];
  });

const RGB: Record<(typeof COLOURS)[number], number[]> = {
  red: [255, 0, 0],
  lime: [0, 255, 0],
  blue: [0, 0, 255],
  yellow: [255, 255, 0],
  magenta: [255, 0, 255],
  cyan: [0, 255, 255],
};

function assertColour(seen: number[], colour: (typeof COLOURS)[number]) {
  // What JPEG's and the video's own roundings may cost.
  const off = Math.max(...RGB[colour].map((value, n) => Math.abs(value - seen[n]!)));
  assert.ok(off <= 6, `${seen} is not ${colour}`);
}

test("a stranger signs up, confirms with the mailed code, and is in", async () => {
  const { page } = paula;
  await page.goto("/#signup");
  await page.locator("#signup-username").fill("paula");
  await page.locator("#signup-email").fill("paula@example.com");
  await page.locator("#signup-password").fill("short");
  await page.locator("#signup button.main").click();
  await page.locator("#signup .problem:not(:empty)").waitFor();
  await page.locator("#signup-password").fill("Senha123@");
  await page.locator("#signup button.main").click();
  await page.locator("#confirm-code").fill("000000");
  await page.locator("#confirm button.main").click();
  await page.locator("#confirm .problem:not(:empty)").waitFor();
  await page.locator("#confirm-code").fill(await mailedCode("paula@example.com"));
  await page.locator("#confirm button.main").click();
  await page.locator("#videos").waitFor();
  await page.locator("#who", { hasText: "paula" }).waitFor();
});

test("of three files dropped at once, the one that is no video is told apart before anything is sent", async () => {
  const { page } = paula;
  const sent: string[] = [];
  page.on("request", (request) => request.method() !== "GET" && sent.push(request.url()));
  await page.locator("#file").setInputFiles([clips.moving, clips.text, clips.colours]);
  const text = page.locator(".chosen li", { hasText: "notes.mp4" });
  await text.getByText("This is no video.").waitFor();
  // Two strips of 8 pictures each, and what to expect.
  await page.waitForFunction(() => document.querySelectorAll(".strip img").length === 16);
  await page.locator(".chosen li", { hasText: "moving.mp4" }).getByText("about 8 frames").waitFor();
  await page.locator("#every").fill("500");
  await page.locator("#unit").selectOption("ms");
  await page.locator(".chosen li", { hasText: "moving.mp4" }).getByText("about 16 frames").waitFor();
  assert.deepEqual(sent, []);
  await page.locator("#file").setInputFiles(clips.sound);
  await page.getByText("sound without pictures").waitFor();
  assert.equal(await page.locator(".line button.main").textContent(), "Upload 2 videos");
});

test("both are uploaded, wait, are worked on and end, without a reload; progress is seen to move", async () => {
  const { page } = paula;
  const seen = await page.evaluateHandle(() => {
    const states = new Set<string>();
    new MutationObserver(() => {
      for (const badge of document.querySelectorAll(".row .badge")) {
        states.add(badge.textContent!);
      }
    }).observe(document.body, { subtree: true, childList: true, characterData: true });
    return states;
  });
  await page.locator(".line button.main").click();
  for (const name of ["colours.mp4", "moving.mp4"]) {
    await row(page, name).and(page.locator("[data-status=done]")).waitFor({ timeout: 60_000 });
  }
  const states = await seen.evaluate((set) => [...set]);
  assert.ok(states.includes("Uploading") && states.includes("Done"), `${states}`);
  await row(page, "colours.mp4").getByText("12 frames").waitFor();
  assert.equal(await page.locator("#uploads li").count(), 0);
  assert.match((await page.locator("#announcement").textContent()) ?? "", /is done: \d+ frames\./);
  // The rows have got pictures.
  await row(page, "colours.mp4").locator(".poster img").waitFor();
});

test("the first picture is there after two requests to the store, and each is the frame of its moment", async () => {
  const { page } = paula;
  // A new page: nothing is known of the zip.
  const other = await paula.context.newPage();
  const asked: string[] = [];
  other.on("request", (request) => {
    if (request.url().startsWith(system.aws) && request.method() === "GET") {
      asked.push(request.headers().range ?? "all");
    }
  });
  const href = await row(page, "colours.mp4").locator("a.main").getAttribute("href");
  await other.goto(`/${href}`);
  await other.locator("#grid [data-frame='0'] img").waitFor();
  assert.equal(asked.length, 2, `${asked}`);
  for (const [frame, colour] of [[0, "red"], [1, "red"], [2, "lime"], [5, "blue"], [11, "cyan"]] as const) {
    const cell = `#grid [data-frame='${frame}']`;
    assertColour(await middle(other, `${cell} img`), colour);
  }
  assert.equal(await other.locator("#grid [data-frame='3'] .time").textContent(), "0:01.5");
  assert.deepEqual(asked.length, 2, "what stands together comes by one range");
  await other.close();
});

test("frames are gone through by keys, enlarged, copied, saved, and linked to", async () => {
  const { page } = paula;
  await row(page, "colours.mp4").locator("a.main").click();
  const grid = page.locator("#grid");
  await grid.locator("img").first().waitFor();
  await grid.focus();
  const selected = () => page.locator("#grid [aria-selected=true]").getAttribute("data-frame");
  for (const [key, frame] of [["ArrowRight", "1"], ["End", "11"], ["ArrowLeft", "10"], ["Home", "0"], ["ArrowDown", null]] as const) {
    await page.keyboard.press(key);
    const now = await selected();
    if (frame === null) {
      assert.ok(Number(now) > 1, "a row further");
    } else {
      assert.equal(now, frame, key);
    }
  }
  assert.equal(await grid.getAttribute("aria-activedescendant"), `frame-${await selected()}`);
  await page.keyboard.press("Home");
  await page.keyboard.press("Enter");
  const enlarged = page.locator("#viewer .stage img");
  await enlarged.waitFor();
  for (let n = 0; n < 4; n += 1) {
    await page.keyboard.press("ArrowRight");
  }
  await page.locator("#viewer").getByText("5 of 12").waitFor();
  await page.waitForFunction(() => !document.querySelector("#viewer img.late"));
  assertColour(await middle(page, "#viewer .stage img"), "blue");
  assert.match(page.url(), /&t=2$/, "the address tells the moment");

  await page.locator("#viewer button", { hasText: "Copy link" }).click();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), page.url());
  await page.locator("#viewer button", { hasText: /^Copy$/ }).click();
  await page.getByText("The picture is copied.").first().waitFor();
  const copied = await page.evaluate(async () => {
    const [item] = await navigator.clipboard.read();
    const bitmap = await createImageBitmap(await item!.getType("image/png"));
    return [bitmap.width, bitmap.height];
  });
  assert.deepEqual(copied, [320, 180]);
  const [saved] = await Promise.all([
    page.waitForEvent("download"),
    page.locator("#viewer button", { hasText: "Save" }).click(),
  ]);
  assert.equal(saved.suggestedFilename(), "colours 0-02.jpg");
  await page.keyboard.press("Escape");
  await page.locator("#viewer").waitFor({ state: "detached" });

  // The link leads there, in a page that is opened anew.
  const other = await paula.context.newPage();
  await other.goto(page.url() + "&t=3.2");
  await other.locator("#viewer").getByText("7 of 12").waitFor();
  await other.close();
});

test("the video plays beside its frames, in step with them", async () => {
  const { page } = paula;
  await page.locator(".frames-bar button", { hasText: "Play the video" }).click();
  const video = page.locator(".player video");
  await video.evaluate((element: HTMLVideoElement) => element.readyState >= 2 || new Promise((resolve) => element.addEventListener("loadeddata", resolve)));
  await page.locator("#grid").focus();
  await page.keyboard.press("End");
  await page.waitForFunction(() => Math.abs(document.querySelector("video")!.currentTime - 5.5) < 0.1);
  await page.keyboard.press("Home");
  await video.evaluate(async (element: HTMLVideoElement) => {
    element.muted = true;
    await element.play();
  });
  await page.waitForFunction(() => Number(document.querySelector("#grid [aria-selected=true]")?.getAttribute("data-frame")) >= 3);
  await video.evaluate((element: HTMLVideoElement) => element.pause());
  await page.locator(".frames-bar button", { hasText: "Hide the video" }).click();
});

test("the zip of all frames is saved whole", async () => {
  const { page } = paula;
  const [saved] = await Promise.all([
    page.waitForEvent("download"),
    page.locator(".frames-bar button", { hasText: "Download all" }).click(),
  ]);
  const file = path.join(system.folder, "saved.zip");
  await saved.saveAs(file);
  assert.equal(saved.suggestedFilename(), "colours.zip");
  const listed = execFileSync("unzip", ["-tq", file], { encoding: "utf8" });
  assert.match(listed, /No errors/);
  const said = (await page.locator(".frames-head .facts").textContent())!;
  assert.ok(said.startsWith(`12 frames, ${(statSync(file).size / 1_000).toFixed(1)}`), said);
});

test("of a part of the video frames of another width are made, and what comes of it is told by events", async () => {
  const { page } = paula;
  await page.locator(".back a").click();
  const lists: string[] = [];
  page.on("request", (request) => /\/videos\/me\?/.test(request.url()) && request.method() === "GET" && lists.push(request.url()));
  const part = path.join(system.folder, "part.mp4");
  copyFileSync(clips.colours, part);
  await page.locator("#file").setInputFiles(part);
  await page.locator("#every").fill("500");
  await page.locator("#unit").selectOption("ms");
  await page.locator(".options summary").click();
  await page.locator("#to").fill("2");
  await page.locator("#from").fill("3");
  await page.locator(".line button.main").click();
  await page.locator("#upload-form > .problem", { hasText: "after the beginning" }).waitFor();
  await page.locator("#from").fill("0:02");
  await page.locator("#to").fill("4,5");
  await page.locator("#width").fill("160");
  await page.locator(".chosen").getByText("about 5 frames").waitFor();
  await page.locator(".line button.main").click();
  await row(page, "part.mp4").and(page.locator("[data-status=done]")).waitFor({ timeout: 60_000 });
  assert.ok(lists.length <= 3, `the list was asked for ${lists.length} times`);
  await row(page, "part.mp4").locator("a.main").click();
  await page.locator("#grid [data-frame='4'] img").waitFor();
  assert.deepEqual(await page.locator("#grid .time").allTextContents(), ["0:02", "0:02.5", "0:03", "0:03.5", "0:04"]);
  assertColour(await middle(page, "#grid [data-frame='0'] img"), "blue");
  assertColour(await middle(page, "#grid [data-frame='4'] img"), "magenta");
  assert.equal(await page.locator("#grid [data-frame='0'] img").evaluate((image: HTMLImageElement) => image.naturalWidth), 160);
});

test("a deletion can be undone, and is done when it is not", async () => {
  const { page } = paula;
  await page.goto("/");
  await row(page, "moving.mp4").getByRole("button", { name: "Delete" }).click();
  await row(page, "moving.mp4").waitFor({ state: "detached" });
  await page.locator(".toast button", { hasText: "Undo" }).click();
  await row(page, "moving.mp4").waitFor();
  const gone = page.waitForResponse((response) => response.request().method() === "DELETE", { timeout: 20_000 });
  await row(page, "moving.mp4").getByRole("button", { name: "Delete" }).click();
  assert.equal((await gone).status(), 204);
  await page.reload();
  await row(page, "colours.mp4").waitFor();
  assert.equal(await row(page, "moving.mp4").count(), 0);
});

test("who has forgotten the password chooses a new one with a mailed code", async () => {
  const { page } = paula;
  await page.locator("#logout").click();
  await page.locator("#login a[href='#forgot']").click();
  await page.locator("#forgot-username").fill("paula");
  await page.locator("#forgot button.main").click();
  await page.locator("#reset-code").waitFor();
  await page.locator("#reset-code").fill(await mailedCode("paula@example.com"));
  await page.locator("#reset-password").fill("Outra456#");
  await page.locator("#reset button.main").click();
  await page.locator("#videos").waitFor();
});

test("all that happened without an error in the page and without a foreign host", () => {
  assert.deepEqual(paula.troubles, []);
});
