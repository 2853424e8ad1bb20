/** How it looks and sounds: in both languages, light and dark, on a desk and a phone; axe in each state. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { after, before, test } from "node:test";

import type { Browser, BrowserContextOptions, Page } from "playwright-core";

import { PHONE, type Person, type System, browser, clip, logIn, person, row, shots, start, upload } from "./system.ts";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

let system: System;
let chromium: Browser;
let clips: string[];

before(async () => {
  [system, chromium] = await Promise.all([start(), browser()]);
  const { folder } = system;
  clips = [
    await clip(folder, "Mandelbrot, slowly.mp4", "mandelbrot=s=960x540:r=12:end_scale=0.002:maxiter=400", "-t", "24"),
    await clip(folder, "Sierpinski.mp4", "sierpinski=s=1280x720:r=12:type=triangle:seed=3", "-t", "20"),
    await clip(folder, "Cells.mp4", "life=s=320x180:mold=10:r=12:ratio=0.2:death_color=#2b3a67:life_color=#f0916f:seed=5,scale=1280:720:flags=neighbor", "-t", "16"),
  ];
});

after(async () => {
  await chromium?.close();
  await system?.stop();
});

/** Takes a picture of what is seen, and has axe look at it. */
async function look(page: Page, name: string): Promise<void> {
  // Pictures that are still coming, and what moves, would differ from run to run.
  await page.waitForFunction(() => [...document.images].every((image) => image.complete));
  await page.evaluate(() => Promise.all(document.getAnimations().map((animation) => animation.effect?.getComputedTiming().iterations === Infinity ? 0 : animation.finished.catch(() => 0))));
  await page.screenshot({ path: path.join(shots, `${name}.png`) });
  const found = await page.evaluate(async (source) => {
    const before = globalThis as unknown as { axe?: { run(): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> } };
    if (!before.axe) {
      // As a console would: the page's policy is for the page's own scripts.
      (0, eval)(source);
    }
    return (await before.axe!.run()).violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`);
  }, axe);
  assert.deepEqual(found, [], name);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  assert.ok(wide <= 0, `${name} is ${wide} px wider than the window`);
}

const WAYS: [string, BrowserContextOptions][] = [
  ["desktop-light-en", { locale: "en-GB", colorScheme: "light" }],
  ["phone-dark-pt", { ...PHONE, locale: "pt-BR", colorScheme: "dark" }],
  ["phone-light-en", { ...PHONE, locale: "en-US", colorScheme: "light" }],
  ["desktop-dark-pt", { locale: "pt-BR", colorScheme: "dark", viewport: { width: 1680, height: 1050 } }],
];

for (const [way, options] of WAYS) {
  test(`each step is fit to be seen: ${way}`, async () => {
    const full: BrowserContextOptions = { ...options, bypassCSP: true };
    const visitor: Person = await person(chromium, system, full);
    const { page } = visitor;
    const step = (name: string) => look(page, `${way} ${name}`);
    await page.goto("/#signup");
    await page.locator("#signup").waitFor();
    await step("01 sign up");
    await page.goto("/#confirm");
    await page.locator("#confirm").waitFor();
    await step("02 confirm");
    await page.goto("/#login");
    await page.locator("#login").waitFor();
    await step("03 log in");
    await logIn(page);
    const first = way === WAYS[0]![0];
    await page.locator(first ? ".blank" : "#video-list > li").first().waitFor();
    await step(first ? "04 empty" : "04 list at first");
    const text = { name: "notes.txt", mimeType: "text/plain", buffer: Buffer.from("no video") };
    const [file] = clips;
    await page.locator("#file").setInputFiles(file!);
    await page.locator("#file").setInputFiles(text);
    await page.waitForFunction(() => document.querySelectorAll(".strip img").length === 8);
    await page.locator("summary").click();
    await step("05 chosen");
    await page.locator(".chosen li:nth-child(2) .quiet").click();
    await page.locator(".chosen li:nth-child(1) .quiet").click();
    await page.locator("summary").click();
    if (first) {
      await upload(page, clips);
    }
    await page.locator("#videos-title").evaluate((title) => title.scrollIntoView());
    // Of rows that nobody sees, no picture is fetched.
    await page.locator("#video-list .poster img").nth(1).waitFor();
    await step("06 list");
    await row(page, "Mandelbrot").locator("a.main").click();
    await page.locator("#grid img").nth(5).waitFor();
    await step("07 frames");
    await page.locator("#grid [data-frame='4']").click();
    await page.locator("#viewer .stage img").waitFor();
    await step("08 enlarged");
    await page.keyboard.press("Escape");
    await page.locator(".frames-bar .actions button").first().click();
    await page.locator(".player .button, .player video").first().waitFor();
    await step("09 video");
    await visitor.context.setOffline(true);
    await page.locator("#offline p").waitFor();
    await page.locator(".back a").click();
    await page.locator("#videos").waitFor();
    await step("10 offline");
    await visitor.context.setOffline(false);
    assert.deepEqual(visitor.troubles.filter((trouble) => !/net::/.test(trouble)), []);
    await visitor.context.close();
  });
}

test("the language and the colours are those of the browser, until somebody chooses", async () => {
  const visitor = await person(chromium, system, { locale: "pt-PT", colorScheme: "dark" });
  const { page } = visitor;
  await page.goto("/");
  await page.getByRole("heading", { name: "Entrar" }).waitFor();
  assert.equal(await page.locator("html").getAttribute("lang"), "pt-BR");
  const paper = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const dark = await paper();
  await page.locator("#language").selectOption("en");
  await page.getByRole("heading", { name: "Log in" }).waitFor();
  await page.locator("#theme").selectOption("light");
  assert.notEqual(await paper(), dark);
  await page.reload();
  await page.getByRole("heading", { name: "Log in" }).waitFor();
  assert.notEqual(await paper(), dark, "it is remembered");
  await visitor.context.close();
});

test("the page's policy holds: no script and no style but its own, no other address", async () => {
  const answer = await fetch(system.page);
  const policy = answer.headers.get("content-security-policy") ?? "";
  assert.match(policy, /default-src 'none'; script-src 'self'; style-src 'self';/);
  assert.ok(!policy.includes("*") && !policy.includes("unsafe"), policy);
  const visitor = await person(chromium, system);
  await visitor.page.goto("/");
  await visitor.page.locator("#login").waitFor();
  const refused = await visitor.page.evaluate(() => fetch("http://127.0.0.1:9/").then(() => "", (error: Error) => error.message));
  assert.match(refused, /Failed to fetch/);
  assert.ok(visitor.troubles.some((trouble) => trouble.includes("Content Security Policy")), `${visitor.troubles}`);
  await visitor.context.close();
});
