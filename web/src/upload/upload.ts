/**
 * An upload: registers the video, puts its file into the object store, says that it is there.
 *
 * `run` goes on from where the last run stopped: what has arrived is not sent again. A connection that
 * breaks is no end: it is tried again, less and less often.
 */

import { signal } from "@preact/signals";

import { type Api, ApiError, SessionOver, putFile } from "../api/client.ts";
import type { Options, UploadTarget, Video } from "../api/types.ts";
import { pause as pauseFor } from "../state/online.ts";

/** A signed address is not begun with when it has less than this left. */
const MARGIN_MS = 10_000;

/** How long to wait after so many breaks in a row; after the last, a person has to say when. */
const RETRY_MS = [1_000, 2_000, 4_000, 8_000, 15_000, 30_000, 30_000, 30_000, 60_000, 60_000];

export type Phase =
  | "waiting"
  | "registering"
  | "sending"
  | "completing"
  | "retrying"
  | "loggedOut"
  | "done"
  | "failed"
  | "cancelled";

/** What an upload needs of the world. */
export interface World {
  api: Pick<Api, "createUpload" | "complete" | "remove">;
  put?: typeof putFile;
  now?: () => number;
  pause?: typeof pauseFor;
}

export type Source = Pick<File, "name" | "type" | "size"> & Blob;

/** One file on its way. */
export class Upload {
  readonly phase = signal<Phase>("waiting");
  /** Bytes that have left. */
  readonly sent = signal(0);
  /** When the next try begins, while `retrying`. */
  readonly retryAt = signal(0);
  /** What went wrong, while `failed`. */
  error: unknown = null;
  /** The video as the service told it last, once `done`. */
  video: Video | null = null;
  /** When the sending began, and from which byte: from this, how long the rest will take. */
  began = { at: 0, sent: 0 };

  readonly file: Source;
  readonly options: Options;
  readonly everyMs: number;
  readonly #api: World["api"];
  readonly #put: typeof putFile;
  readonly #now: () => number;
  readonly #pause: typeof pauseFor;
  #target: UploadTarget | null = null;
  #arrived = false;
  readonly #abort = new AbortController();

  constructor(file: Source, everyMs: number, options: Omit<Options, "every">, world: World) {
    this.file = file;
    this.everyMs = everyMs;
    this.options = { every: `${everyMs}ms`, ...options };
    this.#api = world.api;
    this.#put = world.put ?? putFile;
    this.#now = world.now ?? Date.now;
    this.#pause = world.pause ?? pauseFor;
  }

  /** The id of its video, once registered. */
  get videoId(): string | null {
    return this.#target?.video_id ?? null;
  }

  /** Whether the page has to stay open for it. */
  get underWay(): boolean {
    return !["done", "failed", "cancelled"].includes(this.phase.value);
  }

  /** Milliseconds that the rest takes at the speed so far; null while nobody can know. */
  get leftMs(): number | null {
    const took = this.#now() - this.began.at;
    const sent = this.sent.value - this.began.sent;
    return this.phase.value === "sending" && took >= 2_000 && sent > 0
      ? (took / sent) * (this.file.size - this.sent.value)
      : null;
  }

  /** Goes on until done, failed, cancelled or logged out; never throws. */
  async run(): Promise<void> {
    for (let breaks = 0; ; breaks += 1) {
      const sent = this.sent.value;
      try {
        await this.#once();
        return;
      } catch (error) {
        if (this.phase.value === "cancelled") {
          return;
        }
        if (error instanceof SessionOver) {
          this.#to("loggedOut");
          return;
        }
        // Something left this time: the line is not dead.
        breaks = this.sent.value > sent ? 0 : breaks;
        const wait = RETRY_MS[breaks];
        if (!isBreak(error) || wait === undefined) {
          this.error = error;
          this.#to("failed");
          return;
        }
        this.retryAt.value = this.#now() + wait;
        this.#to("retrying");
        try {
          await this.#pause(wait, this.#abort.signal);
        } catch {
          return;
        }
      }
    }
  }

  async #once(): Promise<void> {
    if (this.phase.value === "cancelled" || this.phase.value === "done") {
      return;
    }
    if (!this.#arrived) {
      await this.#register();
      await this.#send();
    }
    await this.#complete();
  }

  /** Makes it wait for another run. */
  again(): void {
    this.#to("waiting");
  }

  /** Stops it and takes back what was registered. */
  async cancel(): Promise<void> {
    if (this.phase.value === "done" || this.phase.value === "cancelled") {
      return;
    }
    this.#to("cancelled");
    this.#abort.abort();
    await this.#forget();
  }

  async #register(): Promise<void> {
    this.#to("registering");
    if (this.#target && Date.parse(this.#target.expires_at) - MARGIN_MS > this.#now()) {
      return;
    }
    await this.#forget();
    this.#target = await this.#api.createUpload(this.file, this.options);
    if ((this.phase.value as Phase) === "cancelled") {
      await this.#forget();
      this.#abort.signal.throwIfAborted();
    }
  }

  async #send(): Promise<void> {
    this.sent.value = 0;
    this.began = { at: this.#now(), sent: 0 };
    this.#to("sending");
    const onProgress = (sent: number) => {
      this.sent.value = sent;
    };
    try {
      await this.#put(this.#target!, this.file, { signal: this.#abort.signal, onProgress });
    } catch (error) {
      // Refused rather than cut off: the same address would be refused again.
      if (error instanceof ApiError && error.status > 0) {
        await this.#forget();
      }
      throw error;
    }
    this.#arrived = true;
  }

  async #complete(): Promise<void> {
    this.#to("completing");
    try {
      this.video = await this.#api.complete(this.#target!.video_id);
    } catch (error) {
      if (error instanceof ApiError && [404, 409, 413].includes(error.status)) {
        // The store does not have it as it was announced: begin anew.
        this.#arrived = false;
        await this.#forget();
      }
      throw error;
    }
    this.#to("done");
  }

  /** Removes the record of a file that will not come. It would stay as "waiting" otherwise. */
  async #forget(): Promise<void> {
    const target = this.#target;
    this.#target = null;
    if (target) {
      // Only tidying up: the user can still delete it in the list.
      await this.#api.remove(target.video_id).catch(() => {});
    }
  }

  #to(phase: Phase): void {
    // A step that ends after it was cancelled does not bring it back.
    if (this.phase.value === "cancelled") {
      this.#abort.signal.throwIfAborted();
    }
    this.phase.value = phase;
  }
}

/** Whether nothing was refused: nothing answered, or a service that is down for a moment did. */
const isBreak = (error: unknown) =>
  error instanceof ApiError && (error.status === 0 || error.status === 429 || error.status >= 500);
