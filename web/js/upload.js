/**
 * An upload: registers the video, puts its file into the object store, says that it is there.
 *
 * `run` goes on from where the last run stopped: what has arrived is not sent again.
 */

import { putFile } from "./api.js";
import { $, announce, copyOf, setBar, setText } from "./dom.js";
import { bytes, interval, percent } from "./format.js";

/** A signed address is not begun with when it has less than this left. */
const MARGIN_MS = 10_000;

/**
 * One file on its way. `phase` is `waiting`, `registering`, `sending`, `completing`, `done`,
 * `failed` or `cancelled`.
 */
export class Upload {
  phase = "waiting";
  /** Bytes that have left. */
  sent = 0;
  /** What went wrong, while `failed`. */
  error = null;
  /** The video as the service told it last, once `done`. */
  video = null;

  #api;
  #put;
  #now;
  #changed;
  #target = null;
  #arrived = false;
  #abort = new AbortController();

  /**
   * @param {File} file
   * @param {number} everyMs the interval between frames
   * @param {{api: object, put?: Function, now?: () => number, changed?: (upload: Upload) => void}} world
   */
  constructor(file, everyMs, { api, put = putFile, now = Date.now, changed = () => {} }) {
    this.file = file;
    this.everyMs = everyMs;
    this.#api = api;
    this.#put = put;
    this.#now = now;
    this.#changed = changed;
  }

  /** The id of its video, once registered. */
  get videoId() {
    return this.#target?.video_id ?? null;
  }

  /** Whether the page has to stay open for it. */
  get underWay() {
    return !["done", "failed", "cancelled"].includes(this.phase);
  }

  /** Goes on until done, failed or cancelled; never throws. */
  async run() {
    if (this.phase === "cancelled" || this.phase === "done") {
      return;
    }
    try {
      if (!this.#arrived) {
        await this.#register();
        await this.#send();
      }
      await this.#complete();
    } catch (error) {
      if (this.phase !== "cancelled") {
        this.error = error;
        this.#to("failed");
      }
    }
  }

  /** Makes it wait for another run. */
  again() {
    this.#to("waiting");
  }

  /** Stops it and takes back what was registered. */
  async cancel() {
    if (this.phase === "done" || this.phase === "cancelled") {
      return;
    }
    this.#to("cancelled");
    this.#abort.abort();
    await this.#forget();
  }

  async #register() {
    this.#to("registering");
    if (this.#target && Date.parse(this.#target.expires_at) - MARGIN_MS > this.#now()) {
      return;
    }
    await this.#forget();
    this.#target = await this.#api.createUpload(this.file, this.everyMs);
    if (this.phase === "cancelled") {
      await this.#forget();
      this.#abort.signal.throwIfAborted();
    }
  }

  async #send() {
    this.sent = 0;
    this.#to("sending");
    const onProgress = (sent) => {
      this.sent = sent;
      this.#changed(this);
    };
    try {
      await this.#put(this.#target, this.file, { signal: this.#abort.signal, onProgress });
    } catch (error) {
      // Refused rather than cut off: the same address would be refused again.
      if (error.status > 0) {
        await this.#forget();
      }
      throw error;
    }
    this.#arrived = true;
  }

  async #complete() {
    this.#to("completing");
    try {
      this.video = await this.#api.complete(this.#target.video_id);
    } catch (error) {
      if (error.status === 404 || error.status === 409 || error.status === 413) {
        // The store does not have it as it was announced: begin anew.
        this.#arrived = false;
        await this.#forget();
      }
      throw error;
    }
    this.#to("done");
  }

  /** Removes the record of a file that will not come. It would stay as "waiting" otherwise. */
  async #forget() {
    const target = this.#target;
    this.#target = null;
    if (target) {
      // Only tidying up: the user can still delete it in the list.
      await this.#api.remove(target.video_id).catch(() => {});
    }
  }

  #to(phase) {
    // A step that ends after it was cancelled does not bring it back.
    if (this.phase === "cancelled") {
      this.#abort.signal.throwIfAborted();
    }
    this.phase = phase;
    this.#changed(this);
  }
}

const BADGES = { waiting: "Waiting", failed: "Not uploaded" };

/** What a row says about an upload. */
export function uploadDetail({ phase, sent, file, error }) {
  switch (phase) {
    case "waiting":
      return "It comes after the upload before it.";
    case "registering":
      return "Preparing.";
    case "sending":
      return `${percent(sent, file.size)}, ${bytes(sent)} of ${bytes(file.size)}`;
    case "completing":
      return "Arrived. Queueing the video.";
    case "failed":
      return error.message;
    default:
      return "";
  }
}

/**
 * One user's uploads, until `close`: a row each, one at a time on its way.
 *
 * @param {object} api
 * @param {(upload: Upload) => void} onEnd told of each that is done or cancelled
 */
export function openUploads(api, onEnd) {
  const rows = new Map();
  const closing = new AbortController();
  let line = Promise.resolve();

  function add(file, every) {
    const row = copyOf("upload-row");
    const upload = new Upload(file, every, { api, changed: render });
    rows.set(upload, row);
    setText(row.querySelector(".name"), file.name);
    setText(row.querySelector(".facts"), `${bytes(file.size)} · every ${interval(every)}`);
    row.querySelector("progress").setAttribute("aria-label", `Upload of ${file.name}`);
    const on = (action, act) => {
      const button = row.querySelector(`[data-action=${action}]`);
      button.setAttribute("aria-label", `${button.textContent} the upload of ${file.name}`);
      button.addEventListener("click", act);
    };
    on("cancel", () => upload.cancel());
    on("again", () => enqueue(upload));
    $("uploads").append(row);
    enqueue(upload);
  }

  function enqueue(upload) {
    upload.again();
    line = line.then(() => upload.run());
  }

  function render(upload) {
    const row = rows.get(upload);
    if (!row) {
      return;
    }
    const { phase } = upload;
    if (phase === "done" || phase === "cancelled") {
      rows.delete(upload);
      row.remove();
      onEnd(upload);
      return;
    }
    const failed = phase === "failed";
    row.dataset.phase = phase;
    setText(row.querySelector(".badge"), BADGES[phase] ?? "Uploading");
    setText(row.querySelector(".detail"), uploadDetail(upload));
    row.querySelector("[data-action=again]").hidden = !failed;
    const bar = row.querySelector("progress");
    bar.classList.toggle("idle", failed || phase === "waiting");
    setBar(bar, phase === "completing" ? null : upload.sent / (upload.file.size || 1));
    if (failed) {
      announce(`${upload.file.name} was not uploaded. ${upload.error.message}`);
    }
  }

  const uploads = () => [...rows.keys()];
  const underWay = () => uploads().some((upload) => upload.underWay);

  window.addEventListener(
    "beforeunload",
    (event) => {
      if (underWay()) {
        event.preventDefault();
      }
    },
    { signal: closing.signal },
  );

  return {
    add,
    underWay,
    /** Whether this video is one of them. */
    has: (id) => uploads().some((upload) => upload.videoId === id),
    /** Cancels what is not done. */
    async close() {
      closing.abort();
      await Promise.all(uploads().map((upload) => upload.cancel()));
    },
  };
}
