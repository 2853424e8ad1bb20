/**
 * The list of videos: what is known of them, when to ask again, and the rows that show it.
 */

import { $, announce, ask, attempt, copyOf, download, keepFresh, setBar, setText } from "./dom.js";
import { SessionOver } from "./api.js";
import { facts, frames, sentence, statusDetail, statusLabel, title } from "./format.js";

const PAGE = 50;
const QUICK_MS = 2_000;
const SLOW_MS = 20_000;

/** How long a signed upload address lives; a file that has not come by then will not come. */
const UPLOAD_LIFE_MS = 15 * 60_000;

/** What a user can do with a video that has ended; any video can be deleted. */
const ACTIONS = { done: ["download", "delete"], failed: ["retry", "delete"] };

const DELETE = { yes: "Delete", no: "Keep" };

/** Whether a video is likely to change soon. */
export function isMoving(video, now) {
  switch (video.status) {
    case "done":
    case "failed":
      return false;
    case "awaiting_upload":
      return now - Date.parse(video.created_at) < UPLOAD_LIFE_MS;
    default:
      return true;
  }
}

/** Milliseconds until the list is to be asked for again, after `failures` failures in a row. */
export function pollDelay(videos, failures, now) {
  if (failures > 0) {
    return Math.min(QUICK_MS * 2 ** failures, SLOW_MS);
  }
  return videos.some((video) => isMoving(video, now)) ? QUICK_MS : SLOW_MS;
}

/**
 * The list that has just come, save that a record of which something newer is known stays: the
 * list may have been read before the answer to a click was.
 */
export function merge(known, fresh) {
  const byId = new Map(known.map((video) => [video.video_id, video]));
  return fresh.map((video) => {
    const had = byId.get(video.video_id);
    return had && Date.parse(had.updated_at) > Date.parse(video.updated_at) ? had : video;
  });
}

/** What to say aloud about the step from one list to the next: the videos that have ended. */
export function endings(known, fresh) {
  const before = new Map(known.map((video) => [video.video_id, video.status]));
  return fresh
    .filter(({ video_id, status }) => before.has(video_id) && before.get(video_id) !== status)
    .flatMap((video) => {
      switch (video.status) {
        case "done":
          return [`${title(video)} is done: ${frames(video.frames)}.${video.warning ? ` ${sentence(video.warning)}` : ""}`];
        case "failed":
          return [`${title(video)} failed: ${statusDetail(video)}`];
        default:
          return [];
      }
    });
}

/**
 * Shows one user's videos and keeps them fresh until `close`.
 *
 * @param {object} api
 * @param {(id: string) => boolean} uploading whether a video has a row among the uploads
 */
export function openList(api, uploading) {
  const list = $("video-list");
  const rows = new Map();
  const deleted = new Set();
  const closing = new AbortController();
  let videos = [];
  let limit = PAGE;
  let failures = 0;

  async function load() {
    let answer;
    try {
      answer = await api.videos(limit);
    } catch (error) {
      failures += 1;
      if (!closing.signal.aborted && !(error instanceof SessionOver)) {
        setText($("list-problem"), error.message);
      }
      return;
    }
    if (closing.signal.aborted) {
      return;
    }
    failures = 0;
    const merged = merge(videos, answer.videos);
    const news = endings(videos, merged);
    videos = merged;
    setText($("list-problem"), "");
    $("more").hidden = !answer.more;
    list.setAttribute("aria-busy", "false");
    render();
    if (news.length > 0) {
      announce(news.join(" "));
    }
  }

  /** Takes what a service has just told of a video. */
  function learn(video) {
    const known = videos.some(({ video_id }) => video_id === video.video_id);
    videos = known ? merge([video], videos) : [video, ...videos];
    render();
    poll.now();
  }

  function render() {
    // An upload has a row of its own until it is done; what was deleted may still be listed once.
    const shown = videos.filter(({ video_id: id }) => !uploading(id) && !deleted.has(id));
    const ids = new Set(shown.map(({ video_id }) => video_id));
    for (const [id, row] of rows) {
      if (!ids.has(id)) {
        rows.delete(id);
        drop(row, list);
      }
    }
    let place = list.firstElementChild;
    for (const video of shown) {
      const row = rows.get(video.video_id) ?? copyOf("video-row");
      rows.set(video.video_id, row);
      fill(row, video);
      if (row === place) {
        place = place.nextElementSibling;
      } else {
        list.insertBefore(row, place);
      }
    }
    $("empty").hidden = shown.length > 0 || list.getAttribute("aria-busy") === "true";
  }

  async function act(action, video) {
    const { video_id: id } = video;
    switch (action) {
      case "download":
        download(await api.zipAddress(id));
        break;
      case "retry":
        learn(await api.complete(id, true));
        break;
      case "delete":
        if (await ask(`Delete ${title(video)} and its frames? This cannot be undone.`, DELETE)) {
          await api.remove(id);
          deleted.add(id);
          render();
          announce(`${title(video)} was deleted.`);
        }
        break;
    }
  }

  list.addEventListener(
    "click",
    (event) => {
      const button = event.target.closest("button[data-action]");
      const row = button?.closest("[data-id]");
      const video = videos.find(({ video_id }) => video_id === row?.dataset.id);
      if (video) {
        attempt(row, () => act(button.dataset.action, video));
      }
    },
    { signal: closing.signal },
  );
  $("more").addEventListener(
    "click",
    () => {
      limit += PAGE;
      poll.now();
    },
    { signal: closing.signal },
  );
  list.setAttribute("aria-busy", "true");
  const poll = keepFresh(load, () => pollDelay(videos, failures, Date.now()));

  return {
    learn,
    render,
    close() {
      closing.abort();
      poll.stop();
      list.replaceChildren();
      setText($("list-problem"), "");
      $("empty").hidden = true;
      $("more").hidden = true;
    },
  };
}

/** Takes a row away. The focus goes to a neighbour, not to the top of the page. */
function drop(row, list) {
  if (row.contains(document.activeElement)) {
    const neighbour = row.nextElementSibling ?? row.previousElementSibling;
    (neighbour?.querySelector("button:not([hidden])") ?? list).focus();
  }
  row.remove();
}

function fill(row, video) {
  row.dataset.id = video.video_id;
  row.dataset.status = video.status;
  setText(row.querySelector(".name"), title(video));
  setText(row.querySelector(".facts"), facts(video));
  setText(row.querySelector(".badge"), statusLabel(video));
  setText(row.querySelector(".detail"), statusDetail(video));

  const processing = video.status === "processing";
  const bar = row.querySelector("progress");
  bar.classList.toggle("idle", !processing);
  bar.setAttribute("aria-label", `Progress of ${title(video)}`);
  setBar(bar, processing && video.progress === 0 ? null : video.progress);

  const offered = ACTIONS[video.status] ?? ["delete"];
  for (const button of row.querySelectorAll("button[data-action]")) {
    button.hidden = !offered.includes(button.dataset.action);
    button.setAttribute("aria-label", `${button.textContent} ${title(video)}`);
  }
}
