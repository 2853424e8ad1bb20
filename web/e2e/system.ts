/** `fotograma dev` as a person starts it, clips to give it, and Chromium. */

import { type ChildProcess, execFile, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";

import { type Browser, type BrowserContext, type BrowserContextOptions, type Page, chromium } from "playwright-core";

const run = promisify(execFile);
const root = path.resolve(import.meta.dirname, "../..");
const program = process.env.FOTOGRAMA_BIN ?? path.join(root, "target/debug/fotograma");
/** Where pictures of each step are left. */
export const shots = path.resolve(process.env.FOTOGRAMA_SHOTS ?? path.join(root, "target/reports/page"));
mkdirSync(shots, { recursive: true });

/** What the browser is: Debian's. */
const CHROMIUM = process.env.FOTOGRAMA_CHROMIUM ?? "/usr/bin/chromium";

export interface System {
  page: string;
  aws: string;
  folder: string;
  stop(): Promise<void>;
}

/** Services follow the page's port. */
const PORTS = 6;

const isFree = (port: number) =>
  new Promise<boolean>((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });

async function freePorts(): Promise<[page: number, aws: number]> {
  for (;;) {
    const page = 20_000 + Math.floor(Math.random() * 10_000);
    const wanted = Array.from({ length: PORTS + 1 }, (_, n) => page + n);
    const free = await Promise.all(wanted.map(isFree));
    if (free.every(Boolean)) {
      return [page, page + PORTS];
    }
  }
}

/** Starts a system of its own; its answer comes once it is ready. */
export async function start(...flags: string[]): Promise<System> {
  const folder = mkdtempSync(path.join(tmpdir(), "fotograma-page-"));
  const [port, aws] = await freePorts();
  const ports = ["--http-port-base", `${port + 1}`, "--aws-port", `${aws}`];
  const child: ChildProcess = spawn(program, ["dev", "--ephemeral", ...ports, ...flags], {
    cwd: folder,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let log = "";
  child.stderr!.on("data", (chunk) => {
    log += chunk;
  });
  const ended = new Promise<number | null>((resolve) => child.once("exit", resolve));
  const ready = new Promise<void>((resolve) => {
    createInterface(child.stdout!).on("line", (line) => {
      if (line.includes("fotograma is ready")) {
        resolve();
      }
    });
  });
  const status = await Promise.race([ready, ended]);
  if (status !== undefined) {
    throw new Error(`it ended with ${status}: ${log}`);
  }
  return {
    page: `http://127.0.0.1:${port}/`,
    aws: `http://127.0.0.1:${aws}`,
    folder,
    async stop() {
      child.kill("SIGTERM");
      const code = await ended;
      rmSync(folder, { recursive: true, force: true });
      if (code !== 0) {
        throw new Error(`it ended with ${code}: ${log}`);
      }
    },
  };
}

/** A clip as ffmpeg draws it: `source` is a filter graph. */
export async function clip(folder: string, name: string, source: string, ...options: string[]): Promise<string> {
  const file = path.join(folder, name);
  const encoder = name.endsWith(".mp4") ? ["-pix_fmt", "yuv420p", "-c:v", "libx264", "-preset", "ultrafast"] : [];
  await run("ffmpeg", ["-v", "error", "-y", "-f", "lavfi", "-i", source, ...encoder, ...options, file]);
  return file;
}

/** Colours, a second each. */
export const COLOURS = ["red", "lime", "blue", "yellow", "magenta", "cyan"] as const;

/** A clip that shows each of `COLOURS` for a second. */
export function colours(folder: string, name = "colours.mp4"): Promise<string> {
  const parts = COLOURS.map((colour, n) => `color=${colour}:s=320x180:r=25:d=1[c${n}]`);
  const inputs = COLOURS.map((_, n) => `[c${n}]`).join("");
  return clip(folder, name, `${parts.join(";")};${inputs}concat=n=${COLOURS.length}`);
}

export async function browser(): Promise<Browser> {
  return chromium.launch({
    executablePath: CHROMIUM,
    // Its sandbox wants a user that is not root.
    args: process.getuid?.() === 0 ? ["--no-sandbox"] : [],
  });
}

/** A person's browser. What goes wrong in the page fails the test that looks at `troubles`. */
export interface Person {
  context: BrowserContext;
  page: Page;
  troubles: string[];
}

export async function person(browser: Browser, system: System, options: BrowserContextOptions = {}): Promise<Person> {
  const context = await browser.newContext({
    baseURL: system.page,
    locale: "en-GB",
    timezoneId: "UTC",
    viewport: { width: 1280, height: 900 },
    ...options,
  });
  const origin = new URL(system.page).origin;
  await context.grantPermissions(["clipboard-read", "clipboard-write"], { origin });
  const page = await context.newPage();
  const troubles: string[] = [];
  page.on("pageerror", (error) => troubles.push(`${error}`));
  page.on("console", (message) => {
    if (message.type() === "error" && !message.text().includes("Failed to load resource")) {
      troubles.push(message.text());
    }
  });
  page.on("request", (request) => {
    const { hostname, protocol } = new URL(request.url());
    if (protocol.startsWith("http") && hostname !== "127.0.0.1") {
      troubles.push(`a foreign host: ${request.url()}`);
    }
  });
  return { context, page, troubles };
}

export const PHONE: BrowserContextOptions = {
  viewport: { width: 360, height: 740 },
  deviceScaleFactor: 2,
  isMobile: true,
  hasTouch: true,
};

/** Logs in as the demo user, who is filled in. */
export async function logIn(page: Page): Promise<void> {
  await page.goto("/");
  await page.locator("#login-form, #login form").locator("button.main").click();
  await page.locator("#videos").waitFor({ timeout: 10_000 });
}

export const row = (page: Page, name: string) => page.locator("#video-list > li", { hasText: name });

/** Uploads these files and waits until each is done. */
export async function upload(page: Page, files: string[], every = "1", unit = "s"): Promise<void> {
  await page.locator("#file").setInputFiles(files);
  await page.locator("#every").fill(every);
  await page.locator("#unit").selectOption(unit);
  await page.locator(".line button.main").click();
  for (const file of files) {
    await page.locator("#video-list > li[data-status=done]", { hasText: path.basename(file) }).waitFor({ timeout: 120_000 });
  }
}
