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
import { sendParts } from "./parts.ts";

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
  | "paused"
  | "loggedOut"
  /** The page was loaded anew: it knows what is there, but not the file. */
  | "fileMissing"
  | "done"
  | "failed"
  | "cancelled";

/** What an upload needs of the world. */
export interface World {
  api: Pick<Api, "createUpload" | "complete" | "remove" | "parts" | "partTargets" | "abandon">;
  put?: typeof putFile;
  now?: () => number;
  pause?: typeof pauseFor;
}

export type Source = Pick<File, "name" | "type" | "size"> & Blob;

/** What is known of an upload's file when the file itself is not there. */
export type Described = Pick<File, "name" | "type" | "size">;

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

  file: Described;
  readonly options: Options;
  readonly everyMs: number;
  readonly #api: World["api"];
  readonly #put: typeof putFile;
  readonly #now: () => number;
  readonly #pause: typeof pauseFor;
  #blob: Source | null;
  #target: UploadTarget | null = null;
  #arrived = false;
  readonly #abort = new AbortController();
  /** Ends what is being sent, so that it can go on later. */
  #halt = new AbortController();

  /** Without a `blob` it waits until `choose` gives it one; `target` is that of an upload that had begun. */
  constructor(
    file: Described,
    everyMs: number,
    options: Omit<Options, "every">,
    world: World,
    { blob = null, target = null }: { blob?: Source | null; target?: UploadTarget | null } = {},
  ) {
    this.file = file;
    this.#blob = blob;
    this.#target = target;
    this.phase.value = blob ? "waiting" : "fileMissing";
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
    return !["done", "failed", "cancelled", "fileMissing"].includes(this.phase.value);
  }

  /** Whether it goes on where it stopped: it is sent in parts. */
  get resumable(): boolean {
    return this.#target?.method === "PARTS";
  }

  /** Its file, where it is there. */
  get blob(): Source | null {
    return this.#blob;
  }

  /** Where its parts go, while it is sent in parts. */
  get target(): UploadTarget | null {
    return this.#target;
  }

  /** Stops it for a while: what is there stays there. */
  pause(): void {
    if (this.resumable && ["sending", "retrying"].includes(this.phase.value)) {
      this.#to("paused");
      this.#halt.abort();
    }
  }

  /** Gives it its file after the page was loaded anew. */
  choose(blob: Source): void {
    this.#blob = blob;
    this.#to("waiting");
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
        if (this.phase.value === "cancelled" || this.phase.value === "paused") {
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
          await this.#pause(wait, this.#halt.signal);
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
    this.#halt = new AbortController();
    this.#to(this.#blob ? "waiting" : "fileMissing");
  }

  /** Stops it and takes back what was registered. */
  async cancel(): Promise<void> {
    if (this.phase.value === "done" || this.phase.value === "cancelled") {
      return;
    }
    this.#to("cancelled");
    this.#abort.abort();
    this.#halt.abort();
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
    const target = this.#target!;
    const onProgress = (sent: number) => {
      this.sent.value = sent;
    };
    const begin = (sent: number) => {
      this.sent.value = sent;
      this.began = { at: this.#now(), sent };
    };
    begin(this.resumable ? this.sent.value : 0);
    this.#to("sending");
    const options = { signal: this.#halt.signal, onProgress };
    try {
      if (target.method === "PARTS") {
        await sendParts(this.#api, this.#put, target, this.#blob!, { ...options, begin });
      } else {
        await this.#put(target, this.#blob!, options);
      }
    } catch (error) {
      if (this.resumable && error instanceof ApiError && error.status === 409) {
        // It was complete already, when the page was closed or the answer was lost: to be asked is enough.
        this.#arrived = true;
        return;
      }
      // Refused rather than cut off: the same address would be refused again. Of parts others are given.
      const gone = error instanceof ApiError && (this.resumable ? error.status === 404 : error.status > 0);
      if (gone) {
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
        // The store does not have it as it was announced: begin anew, or send the parts that are missing.
        this.#arrived = false;
        if (error.status !== 409 || !this.resumable) {
          await this.#forget();
        }
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
      const { method, video_id: id } = target;
      await (method === "PARTS" ? this.#api.abandon(id) : this.#api.remove(id)).catch(() => {});
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
