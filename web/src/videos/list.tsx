/** The list of a user's videos. */

import { useEffect, useRef } from "preact/hooks";

import { frames as frameWords, number, percent, statusDetail, statusLabel, title, facts } from "../format.ts";
import type { Video } from "../api/types.ts";
import type { App } from "../state/app.ts";
import { formatRoute, go } from "../state/route.ts";
import type { Filter, VideoList } from "../state/videos.ts";
import { ended } from "../state/videos.ts";
import { Icon } from "../ui/icons.tsx";
import { Bar, Blank, Choices, IconButton, Problem, Warning, useAttempt } from "../ui/parts.tsx";
import { UploadRows } from "../upload/rows.tsx";
import { locale, words } from "../words/index.ts";
import { mayHelp } from "../words/reasons.ts";
import { download } from "./download.ts";
import { Poster } from "./poster.tsx";
import { usePoster } from "./poster-of.ts";

/** With fewer, there is nothing to search. */
const SEARCHABLE = 5;

export function Videos({ app, list }: { app: App; list: VideoList }) {
  const said = words.value.videos;
  const present = list.present.value;
  const shown = list.shown.value;
  const searching = list.query.value !== "" || list.filter.value !== "all";
  const searchable = searching || present.length >= SEARCHABLE;
  const nothing = list.loaded.value && shown.length === 0 && app.uploads.all.value.length === 0;
  return (
    <section aria-labelledby="videos-title">
      <div class="heading">
        <h2 id="videos-title" tabIndex={-1}>
          {said.title}
        </h2>
        {searchable && <Search list={list} />}
      </div>
      <Problem id="list-problem" error={list.problem.value} />
      <UploadRows app={app} />
      <ul
        id="video-list"
        class="rows"
        aria-label={said.label}
        aria-busy={!list.loaded.value}
        tabIndex={-1}
        onKeyDown={focusRow}
      >
        {shown.map((video) => (
          <Row key={video.video_id} video={video} app={app} list={list} />
        ))}
      </ul>
      {!list.loaded.value && !list.problem.value && <Skeleton />}
      {nothing &&
        (searching ? (
          <Blank title={said.nothingFound}>
            <button
              type="button"
              onClick={() => {
                list.query.value = "";
                list.filter.value = "all";
              }}
            >
              {said.showAll}
            </button>
          </Blank>
        ) : (
          <Blank title={said.empty}>
            <p>{said.emptyLong}</p>
          </Blank>
        ))}
      {list.more.value && (
        <button type="button" id="more" onClick={list.showMore}>
          {said.more}
        </button>
      )}
    </section>
  );
}

function Search({ list }: { list: VideoList }) {
  const said = words.value.videos;
  const filters = (["all", "busy", "done", "failed"] as const).map((name): [Filter, string] => [name, said.filters[name]]);
  return (
    <div class="search" role="search">
      <div class="search-field">
        <Icon name="search" />
        <input
          type="search"
          aria-label={said.search}
          placeholder={said.search}
          value={list.query.value}
          onInput={(event) => {
            list.query.value = event.currentTarget.value;
          }}
        />
      </div>
      <Choices
        label={said.filter}
        name="filter"
        value={list.filter.value}
        choices={filters}
        onChoose={(filter) => {
          list.filter.value = filter;
        }}
      />
      <p class="unseen" role="status">
        {list.query.value && said.found(number(list.shown.value.length, locale.value))}
      </p>
    </div>
  );
}

/** Where rows will be. */
function Skeleton() {
  return (
    <div class="skeleton" role="status">
      <span class="unseen">{words.value.videos.loading}</span>
      {[0, 1, 2].map((n) => (
        <div class="row" key={n} aria-hidden="true">
          <div class="poster" />
          <div class="about">
            <p class="bone" />
            <p class="bone short" />
          </div>
        </div>
      ))}
    </div>
  );
}

/** Up and down go from row to row. */
function focusRow(event: KeyboardEvent & { currentTarget: HTMLElement }) {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  const target = event.target as HTMLElement;
  const rows = [...event.currentTarget.children];
  const row = target.closest("li");
  if (!step || !row || event.altKey || event.ctrlKey || event.metaKey) {
    return;
  }
  const next = rows[rows.indexOf(row) + step];
  if (next) {
    event.preventDefault();
    next.querySelector<HTMLElement>("a, button")?.focus();
  }
}

function Row({ video, app, list }: { video: Video; app: App; list: VideoList }) {
  const row = useRef<HTMLLIElement>(null);
  const poster = usePoster(app, video, row);
  const { busy, error, attempt } = useAttempt();
  useNeighbourFocus(row);
  const speech = { words: words.value, locale: locale.value };
  const said = words.value.videos;
  const name = title(video);
  const id = video.video_id;
  const done = video.status === "done";
  const to = { view: "frames", id, seconds: null } as const;
  const processing = video.status === "processing";
  return (
    <li class="row" ref={row} aria-busy={busy} data-id={id} data-status={video.status}>
      {done ? (
        <a
          class="look"
          href={formatRoute(to)}
          aria-label={said.lookAt(name)}
          tabIndex={-1}
          onClick={(event) => {
            event.preventDefault();
            go(to);
          }}
        >
          <Poster picture={poster} title={name} />
        </a>
      ) : (
        <Poster picture={poster} title={name} />
      )}
      <div class="about">
        <p class="name">{name}</p>
        <p class="facts">{facts(video, speech)}</p>
        <p class="state">
          <span class="badge">{statusLabel(video, words.value)}</span>{" "}
          <span class="detail">{statusDetail(video, speech, list.leftMs.value.get(id) ?? null)}</span>
        </p>
        {video.warning && <Warning text={video.warning} />}
        {video.status === "failed" && !mayHelp(video.reason ?? "") && <p class="facts">{said.hopeless}</p>}
        <Problem error={error} />
      </div>
      <p class="actions">
        {done && (
          <>
            <a
              class="button main"
              href={formatRoute(to)}
              aria-label={said.lookAt(name)}
              onClick={(event) => {
                event.preventDefault();
                go(to);
              }}
            >
              {said.look}
            </a>
            <IconButton
              icon="download"
              class="icon-only"
              text={said.download}
              label={said.of(said.download, name)}
              onClick={() => void attempt(async () => download(await app.api.zipAddress(id)))}
            />
          </>
        )}
        {video.status === "failed" && mayHelp(video.reason ?? "") && (
          <IconButton
            icon="retry"
            text={words.value.tryAgain}
            label={said.of(words.value.tryAgain, name)}
            onClick={() => void attempt(async () => list.learn(await app.api.complete(id, true)))}
          />
        )}
        <IconButton
          icon="trash"
          class="icon-only"
          text={said.delete}
          label={said.of(said.delete, name)}
          onClick={() => list.remove(video)}
        />
      </p>
      <Bar
        label={said.progress(name)}
        idle={!processing}
        share={processing && video.progress === 0 ? null : video.progress / 100}
      />
      {!ended(video) && processing && (
        <span class="unseen">
          {percent(video.progress, 100, locale.value)}, {frameWords(video.frames, speech)}
        </span>
      )}
    </li>
  );
}

/** When a row that has the focus goes, the focus goes to a neighbour, not to the top of the page. */
function useNeighbourFocus(row: { current: HTMLLIElement | null }) {
  useEffect(() => {
    const element = row.current!;
    const list = element.parentElement!;
    let neighbours: (Element | null)[] = [];
    let focused = false;
    const note = () => {
      focused = element.contains(document.activeElement);
      neighbours = [element.nextElementSibling, element.previousElementSibling];
    };
    element.addEventListener("focusin", note);
    element.addEventListener("focusout", note);
    return () => {
      if (focused && document.activeElement === document.body) {
        const next = neighbours.find((other) => other?.isConnected);
        (next?.querySelector<HTMLElement>(".actions a, .actions button") ?? list).focus();
      }
    };
  }, []);
}
