/** The list of videos: what is known of them, and when to ask again. */

import { batch, computed, signal } from "@preact/signals";

import { type Api, ApiError, SessionOver } from "../api/client.ts";
import type { Video } from "../api/types.ts";
import { type Speech, frames, sentence, statusDetail, title } from "../format.ts";
import { locale, words } from "../words/index.ts";
import { readEvents } from "./events.ts";
import { keepFresh } from "./keep-fresh.ts";
import { announce, toast } from "./notices.ts";

const PAGE = 50;
const QUICK_MS = 2_000;
const SLOW_MS = 20_000;
/** While events come, the list is asked for as well, in case that one was missed. */
const LIVE_MS = 60_000;
/** How long after an event stream has failed the next one is tried. */
const STREAM_RETRY_MS = [1_000, 5_000, 30_000];

/** How long a signed upload address lives; a file that has not come by then will not come. */
const UPLOAD_LIFE_MS = 15 * 60_000;

/** How long a deletion can be undone. */
const UNDO_MS = 8_000;

export const ended = (video: Pick<Video, "status">) => video.status === "done" || video.status === "failed";

/** Whether a video is likely to change soon. */
export function isMoving(video: Video, now: number): boolean {
  return video.status === "awaiting_upload"
    ? now - Date.parse(video.created_at) < UPLOAD_LIFE_MS
    : !ended(video);
}

/** Milliseconds until the list is to be asked for again, after `failures` failures in a row. */
export function pollDelay(videos: readonly Video[], failures: number, now: number): number {
  if (failures > 0) {
    return Math.min(QUICK_MS * 2 ** failures, SLOW_MS);
  }
  return videos.some((video) => isMoving(video, now)) ? QUICK_MS : SLOW_MS;
}

/**
 * The list that has just come, save that a record of which something newer is known stays: the
 * list may have been read before the answer to a click was.
 */
export function merge(known: readonly Video[], fresh: readonly Video[]): Video[] {
  const byId = new Map(known.map((video) => [video.video_id, video]));
  return fresh.map((video) => {
    const had = byId.get(video.video_id);
    return had && Date.parse(had.updated_at) > Date.parse(video.updated_at) ? had : video;
  });
}

/** What to say aloud about the step from one list to the next: the videos that have ended. */
export function endings(known: readonly Video[], fresh: readonly Video[], speech: Speech): string[] {
  const before = new Map(known.map((video) => [video.video_id, video.status]));
  const said = speech.words.videos;
  return fresh
    .filter(({ video_id, status }) => before.has(video_id) && before.get(video_id) !== status)
    .flatMap((video) => {
      switch (video.status) {
        case "done":
          return [said.isDone(title(video), frames(video.frames, speech), sentence(video.warning ?? ""))];
        case "failed":
          return [said.hasFailed(title(video), statusDetail(video, speech))];
        default:
          return [];
      }
    });
}

/** How far a video was, and when. */
interface Mark {
  at: number;
  progress: number;
}

/** How long what is left takes, if it goes on as between the two marks; null while nobody can know. */
export function timeLeft(first: Mark, last: Mark): number | null {
  const done = last.progress - first.progress;
  const took = last.at - first.at;
  return done >= 2 && took >= 1_500 ? (took / done) * (100 - last.progress) : null;
}

export type Filter = "all" | "busy" | "done" | "failed";

const FILTERS: Record<Filter, (video: Video) => boolean> = {
  all: () => true,
  busy: (video) => !ended(video),
  done: (video) => video.status === "done",
  failed: (video) => video.status === "failed",
};

export type VideoList = ReturnType<typeof openList>;

/**
 * One user's videos, kept fresh until `close`.
 *
 * `uploading`: whether a video has a row among the uploads.
 */
export function openList(api: Api, uploading: (id: string) => boolean) {
  const videos = signal<Video[]>([]);
  const loaded = signal(false);
  const more = signal(false);
  const problem = signal<unknown>(null);
  const filter = signal<Filter>("all");
  const query = signal("");
  const hidden = signal<ReadonlySet<string>>(new Set());
  const begun = new Map<string, Mark>();
  const leftMs = signal<ReadonlyMap<string, number>>(new Map());
  const deletions = new Map<string, () => Promise<unknown>>();
  let limit = PAGE;
  let failures = 0;
  let closed = false;

  const present = computed(() =>
    // An upload has a row of its own until it is done; what was deleted may still be listed once.
    videos.value.filter(({ video_id: id }) => !uploading(id) && !hidden.value.has(id)),
  );
  const shown = computed(() => {
    const wanted = query.value.trim().toLocaleLowerCase();
    return present.value.filter(
      (video) => FILTERS[filter.value](video) && title(video).toLocaleLowerCase().includes(wanted),
    );
  });

  async function load() {
    let answer;
    try {
      answer = await api.videos(limit);
    } catch (error) {
      failures += 1;
      if (!closed && !(error instanceof SessionOver)) {
        problem.value = error;
      }
      return;
    }
    if (closed) {
      return;
    }
    failures = 0;
    take(merge(videos.peek(), answer.videos));
    batch(() => {
      problem.value = null;
      more.value = answer.more;
      loaded.value = true;
    });
  }

  function take(fresh: Video[]) {
    const news = endings(videos.peek(), fresh, { words: words.peek(), locale: locale.peek() });
    const now = Date.now();
    const left = new Map<string, number>();
    for (const { video_id: id, status, progress } of fresh) {
      if (status !== "processing") {
        begun.delete(id);
        continue;
      }
      const first = begun.get(id);
      if (!first || progress < first.progress) {
        begun.set(id, { at: now, progress });
      } else {
        const ms = timeLeft(first, { at: now, progress });
        if (ms !== null) {
          left.set(id, ms);
        }
      }
    }
    batch(() => {
      videos.value = fresh;
      leftMs.value = left;
    });
    if (news.length > 0) {
      announce(news.join(" "));
    }
  }

  /** Takes what a service has just told of a video. */
  function learn(video: Video, ask = true) {
    const known = videos.peek();
    const place = known.findIndex(({ video_id }) => video_id === video.video_id);
    take(place < 0 ? [video, ...known] : known.with(place, merge(known, [video])[0]!));
    if (ask) {
      void poll.now();
    }
  }

  const hide = (id: string, hiding: boolean) => {
    const ids = new Set(hidden.peek());
    ids[hiding ? "add" : "delete"](id);
    hidden.value = ids;
  };

  /** Deletes a video soon: until then it can be undone. */
  function remove(video: Video) {
    const id = video.video_id;
    const { videos: said } = words.peek();
    hide(id, true);
    const really = async (keepalive = false) => {
      deletions.delete(id);
      clearTimeout(timer);
      closeToast();
      try {
        await api.remove(id, keepalive);
      } catch (error) {
        hide(id, false);
        problem.value = error;
      }
    };
    const timer = setTimeout(really, UNDO_MS);
    deletions.set(id, () => really(true));
    const closeToast = toast(said.deleted(title(video)), {
      label: said.undo,
      act() {
        clearTimeout(timer);
        deletions.delete(id);
        closeToast();
        hide(id, false);
        announce(said.restored(title(video)));
      },
    });
  }

  /** What was to be deleted is, at once: the page is being left. */
  const settle = () => Promise.all([...deletions.values()].map((really) => really()));
  const onLeave = () => void settle();
  addEventListener("pagehide", onLeave);

  const live = signal(false);
  const poll = keepFresh(load, () =>
    live.peek() && failures === 0 ? LIVE_MS : pollDelay(videos.peek(), failures, Date.now()),
  );
  const stream = follow(api, {
    changed: (video) => learn(video, false),
    /** Which are the newest: others have come or gone. */
    listed(ids) {
      const known = videos.peek().slice(0, ids.length).map(({ video_id }) => video_id);
      if (known.join() !== ids.join()) {
        void poll.now();
      }
    },
    live(now) {
      live.value = now;
      // What happened while nobody listened, and the other delay from now on.
      void poll.now();
    },
  });

  return {
    /** All that are there, and those that fit the search. */
    present,
    shown,
    loaded,
    live,
    more,
    problem,
    filter,
    query,
    leftMs,
    learn,
    remove,
    refresh: () => void poll.now(),
    find: (id: string) => videos.value.find(({ video_id }) => video_id === id),
    showMore() {
      limit += PAGE;
      void poll.now();
    },
    async close() {
      closed = true;
      stream.stop();
      poll.stop();
      removeEventListener("pagehide", onLeave);
      await settle();
    },
  };
}

interface Listener {
  changed: (video: Video) => void;
  listed: (ids: string[]) => void;
  live: (now: boolean) => void;
}

/**
 * Listens to what happens to the videos, while the page is seen: a browser has few connections to a host,
 * and tabs that nobody looks at need none. Where a service has no events, polling has to do.
 */
function follow(api: Api, listener: Listener) {
  let listening: AbortController | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let failures = 0;
  let lastId: string | null = null;
  let stopped = false;

  async function listen() {
    clearTimeout(timer);
    if (stopped || listening || document.hidden) {
      return;
    }
    const current = new AbortController();
    listening = current;
    try {
      const { body } = await api.events(current.signal, lastId);
      failures = 0;
      listener.live(true);
      for await (const { name, data, id } of readEvents(body!)) {
        lastId = id ?? lastId;
        if (name === "video") {
          listener.changed(JSON.parse(data) as Video);
        } else if (name === "videos") {
          listener.listed((JSON.parse(data) as { video_ids: string[] }).video_ids);
        }
      }
    } catch (error) {
      if (current.signal.aborted) {
        return;
      }
      failures += 1;
      const none = error instanceof ApiError && [404, 405, 406, 501].includes(error.status);
      stopped ||= none || error instanceof SessionOver;
    }
    if (current.signal.aborted) {
      return;
    }
    listening = null;
    listener.live(false);
    if (!stopped) {
      const wait = STREAM_RETRY_MS[Math.min(failures, STREAM_RETRY_MS.length - 1)];
      timer = setTimeout(listen, wait);
    }
  }

  function onVisibility() {
    if (document.hidden) {
      listening?.abort();
      listening = null;
    } else {
      void listen();
    }
  }

  document.addEventListener("visibilitychange", onVisibility);
  addEventListener("online", listen);
  void listen();
  return {
    stop() {
      stopped = true;
      clearTimeout(timer);
      listening?.abort();
      document.removeEventListener("visibilitychange", onVisibility);
      removeEventListener("online", listen);
    },
  };
}
