/** What goes wrong on the way: no network, an ended session, other tabs. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import type { Browser, Page } from "playwright-core";

import { type Person, type System, browser, clip, colours, logIn, person, row, start, upload } from "./system.ts";

let system: System;
let chromium: Browser;
let paulo: Person;
let small: string;
let large: string;

before(async () => {
  [system, chromium] = await Promise.all([start(), browser()]);
  small = await colours(system.folder);
  // Noise does not get smaller: long enough to be cut off.
  large = await clip(system.folder, "large.mp4", "nullsrc=s=640x360:r=25:d=8,geq=random(1)*255:128:128", "-qp", "12");
  paulo = await person(chromium, system);
  await logIn(paulo.page);
});

after(async () => {
  await chromium?.close();
  await system?.stop();
});

const tokens = (page: Page) =>
  page.evaluate(() => JSON.parse(localStorage.getItem("fotograma.session") ?? "null") as Record<string, string> | null);

/** Makes the tokens ones that no service takes. */
const spoilTokens = (page: Page, which: string[]) =>
  page.evaluate((names) => {
    const kept = JSON.parse(localStorage.getItem("fotograma.session")!) as Record<string, string>;
    for (const name of names) {
      kept[name] = "spoilt";
    }
    localStorage.setItem("fotograma.session", JSON.stringify(kept));
  }, which);

test("who is offline is told so, and all goes on by itself when the network is back", async () => {
  const { page, context } = paulo;
  await upload(page, [small]);
  await context.setOffline(true);
  await page.getByText("You are offline.").waitFor();
  await row(page, "colours.mp4").waitFor();
  await page.locator("#file").setInputFiles(large);
  await page.locator(".line button.main").click();
  await page.locator("#uploads").getByText("Waiting for a connection").waitFor();
  await context.setOffline(false);
  await page.getByText("You are offline.").waitFor({ state: "detached" });
  await row(page, "large.mp4").and(page.locator("[data-status=done]")).waitFor({ timeout: 60_000 });
});

test("an upload that is cut off is sent again without a click", async () => {
  const { page } = paulo;
  let cut = 0;
  await page.route(`${system.aws}/**`, async (route) => {
    if (route.request().method() === "PUT" && cut < 2) {
      cut += 1;
      await route.abort("connectionreset");
    } else {
      await route.continue();
    }
  });
  await page.locator("#file").setInputFiles(small);
  await page.locator(".line button.main").click();
  await page.locator("#uploads").getByText("Trying again in").waitFor();
  await page.locator("#video-list > li[data-status=done]", { hasText: "colours.mp4" }).nth(1).waitFor({ timeout: 60_000 });
  assert.equal(cut, 2);
  await page.unrouteAll({ behavior: "wait" });
});

test("an access token that has ended is renewed, and nobody sees it", async () => {
  const { page } = paulo;
  await spoilTokens(page, ["access_token"]);
  await page.reload();
  await row(page, "large.mp4").waitFor();
  assert.notEqual((await tokens(page))?.access_token, "spoilt");
});

test("a session that ends during an upload loses nothing: after the log-in it goes on", async () => {
  const { page } = paulo;
  let held: (() => void) | undefined;
  await page.route(`${system.aws}/**`, async (route) => {
    if (route.request().method() === "PUT") {
      await new Promise<void>((resolve) => {
        held = resolve;
      });
    }
    await route.continue();
  });
  const registered = page.waitForResponse((response) => response.url().endsWith("/uploads"));
  await page.locator("#file").setInputFiles(large);
  await page.locator(".line button.main").click();
  await registered;
  await spoilTokens(page, ["access_token", "refresh_token"]);
  // Whatever asks next finds out.
  await page.evaluate(() => dispatchEvent(new Event("online")));
  await page.locator("#login").getByText("Your session has ended.").waitFor({ timeout: 20_000 });
  held!();
  await page.unrouteAll({ behavior: "wait" });
  await page.locator("#login button.main").click();
  await page.locator("#videos").waitFor();
  await page.locator("#video-list > li[data-status=done]", { hasText: "large.mp4" }).nth(1).waitFor({ timeout: 60_000 });
});

test("one session holds in all tabs: who logs in or out in one does so in the others", async () => {
  const { page, context } = paulo;
  const other = await context.newPage();
  await other.goto("/");
  await other.locator("#videos").waitFor();
  await other.locator("#logout").click();
  await other.locator("#login").waitFor();
  await page.locator("#login").waitFor();
  await page.locator("#login button.main").click();
  await page.locator("#videos").waitFor();
  await other.locator("#videos").waitFor();
  await other.close();
});

test("a service that fails is told in words, the list stays, and what was wrong goes when it is mended", async () => {
  const { page } = paulo;
  const rows = await page.locator("#video-list > li").count();
  await page.route("**/videos/me?**", (route) => route.fulfill({ status: 503, json: { detail: "try again in a moment" } }));
  await page.evaluate(() => dispatchEvent(new Event("online")));
  await page.locator("#list-problem", { hasText: "Try again in a moment." }).waitFor();
  assert.equal(await page.locator("#video-list > li").count(), rows);
  await page.unrouteAll({ behavior: "wait" });
  await page.locator("#list-problem:empty").waitFor({ state: "attached", timeout: 20_000 });
});

test("where there are no events, the list is asked for instead", async () => {
  const page = await paulo.context.newPage();
  await page.route("**/videos/me/events", (route) => route.fulfill({ status: 404, json: {} }));
  await page.goto("/");
  await page.locator("#video-list > li").first().waitFor();
  const before = await page.locator("#video-list > li").count();
  await page.locator("#file").setInputFiles(small);
  await page.locator(".line button.main").click();
  await page.locator("#video-list > li[data-status=done]").nth(before).waitFor({ timeout: 60_000 });
  await page.close();
});

test("who closes the page during an upload is asked first", async () => {
  const { context } = paulo;
  const page = await context.newPage();
  await page.goto("/");
  await page.locator("#videos").waitFor();
  // What is sent never arrives.
  await page.route(`${system.aws}/tech5-dev-videos/uploads/**`, () => {});
  await page.locator("#file").setInputFiles(small);
  await page.locator(".line button.main").click();
  await page.locator("#uploads li[data-phase=sending]").waitFor();
  const asked = page.waitForEvent("dialog");
  await page.close({ runBeforeUnload: true });
  const dialog = await asked;
  assert.equal(dialog.type(), "beforeunload");
  await dialog.accept();
});

test("all that happened without an error in the page", () => {
  // A browser itself says what a test has cut off.
  assert.deepEqual(paulo.troubles.filter((text) => !/net::|CORS/.test(text)), []);
});
