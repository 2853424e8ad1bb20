/** A video's frames. */

import { useEffect, useMemo, useRef, useState } from "preact/hooks";

import { ApiError, SessionOver } from "../api/client.ts";
import type { Video } from "../api/types.ts";
import { bytes, facts, frames as frameWords, statusDetail, statusLabel, timecode, parseTime, title } from "../format.ts";
import type { App } from "../state/app.ts";
import { keepFresh } from "../state/keep-fresh.ts";
import { go, route } from "../state/route.ts";
import { ended } from "../state/videos.ts";
import { Icon } from "../ui/icons.tsx";
import { Bar, Blank, Choices, IconButton, Problem, Warning, useAttempt } from "../ui/parts.tsx";
import { download } from "../videos/download.ts";
import { locale, words } from "../words/index.ts";
import { type Contents, frameAt, readContents } from "./contents.ts";
import { Grid } from "./grid.tsx";
import type { Size } from "./layout.ts";
import { Pictures } from "./pictures.ts";
import { Player } from "./player.tsx";
import { Viewer } from "./viewer.tsx";
import { rangesAt } from "./zip.ts";

const QUICK_MS = 1_500;

export function FramesPage({ app, id }: { app: App; id: string }) {
  const [video, setVideo] = useState<Video | null>(app.list.peek()?.find(id) ?? null);
  const [error, setError] = useState<unknown>(null);
  const said = words.value.frames;

  useEffect(() => {
    // What is done is known already, most of the time: then the frames come at once.
    let known = video;
    let failures = 0;
    const poll = keepFresh(
      async () => {
        if (known && ended(known)) {
          return;
        }
        try {
          known = await app.api.video(id);
          failures = 0;
          setVideo(known);
          setError(null);
        } catch (thrown) {
          failures += 1;
          if (!(thrown instanceof SessionOver)) {
            setError(thrown);
          }
        }
      },
      () => QUICK_MS * Math.min(2 ** failures, 16),
    );
    return poll.stop;
  }, [id]);

  if (error instanceof ApiError && error.status === 404) {
    return (
      <Shell video={null}>
        <Blank title={said.gone} />
      </Shell>
    );
  }
  if (!video) {
    return (
      <Shell video={null}>
        <Blank>{error ? <Problem error={error} /> : <p role="status">{said.loading} …</p>}</Blank>
      </Shell>
    );
  }
  if (video.status !== "done") {
    const speech = { words: words.value, locale: locale.value };
    return (
      <Shell video={video}>
        <Blank title={statusLabel(video, words.value)}>
          <p role="status">{statusDetail(video, speech)}</p>
          {!ended(video) && (
            <>
              <Bar label={words.value.videos.progress(title(video))} share={video.progress === 0 ? null : video.progress / 100} />
              <p>{said.notDone}</p>
            </>
          )}
        </Blank>
      </Shell>
    );
  }
  return <Frames key={`${id} ${video.updated_at}`} app={app} video={video} />;
}

function Shell({ video, children }: { video: Video | null; children: preact.ComponentChildren }) {
  return (
    <section aria-labelledby="frames-title" class="frames">
      <BackLink />
      <h1 id="frames-title">{video ? title(video) : "…"}</h1>
      {children}
    </section>
  );
}

function BackLink() {
  return (
    <p class="back">
      <a
        href="#"
        onClick={(event) => {
          event.preventDefault();
          go({ view: "list" });
        }}
      >
        <Icon name="back" />
        {words.value.back}
      </a>
    </p>
  );
}

function Frames({ app, video }: { app: App; video: Video }) {
  const id = video.video_id;
  const said = words.value.frames;
  const speech = { words: words.value, locale: locale.value };
  const [contents, setContents] = useState<Contents | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [tries, setTries] = useState(0);

  const ranges = useMemo(() => {
    let address: Promise<string> | null = null;
    return rangesAt((stale) => {
      if (stale || !address) {
        address = app.api.zipAddress(id);
        address.catch(() => {
          address = null;
        });
      }
      return address;
    });
  }, [id, tries]);

  useEffect(() => {
    let gone = false;
    setError(null);
    readContents(ranges, video.frames).then(
      (read) => gone || setContents(read),
      (thrown) => gone || setError(thrown),
    );
    return () => {
      gone = true;
    };
  }, [ranges]);

  const pictures = useMemo(() => (contents ? new Pictures(ranges, contents.frames) : null), [contents]);
  useEffect(() => () => pictures?.close(), [pictures]);

  return (
    <section aria-labelledby="frames-title" class="frames">
      <BackLink />
      <div class="frames-head">
        <h1 id="frames-title">{title(video)}</h1>
        <p class="facts">
          {frameWords(contents?.frames.length ?? video.frames, speech)}
          {contents && `, ${bytes(contents.total, locale.value)}`} · {facts(video, speech, false)}
        </p>
        {video.warning && <Warning text={video.warning} />}
      </div>
      {contents && pictures ? (
        contents.frames.length > 0 ? (
          <Shown app={app} video={video} contents={contents} pictures={pictures} />
        ) : (
          <Blank title={said.none} />
        )
      ) : error ? (
        <Blank title={said.unreadable}>
          {error instanceof ApiError && <Problem error={error} />}
          <button type="button" onClick={() => setTries(tries + 1)}>
            {words.value.tryAgain}
          </button>
        </Blank>
      ) : (
        <div class="skeleton-grid" role="status">
          <span class="unseen">{said.loading}</span>
          {Array.from({ length: 12 }, (_, n) => (
            <div key={n} aria-hidden="true" />
          ))}
        </div>
      )}
    </section>
  );
}

function Shown(props: { app: App; video: Video; contents: Contents; pictures: Pictures }) {
  const { app, video, contents, pictures } = props;
  const { frames } = contents;
  const said = words.value.frames;
  const at = route.value.view === "frames" ? route.value.seconds : null;
  const [active, setActive] = useState(at === null ? 0 : frameAt(frames, at));
  // A link to a moment leads to its frame, enlarged.
  const [open, setOpen] = useState(at !== null);
  const [size, setSize] = useState<Size>("medium");
  const [playing, setPlaying] = useState(false);
  const player = useRef<HTMLVideoElement>(null);
  const { error, attempt } = useAttempt();
  const id = video.video_id;

  // Back, forward, or another address typed in. What was told to the address is known here already: taking it
  // from there again, after a key that came meanwhile, would lose that key.
  const told = useRef(at);
  useEffect(() => {
    const now = route.value.view === "frames" ? route.value.seconds : null;
    if (now === told.current) {
      return;
    }
    told.current = now;
    if (now !== null) {
      setActive(frameAt(frames, now));
    } else {
      setOpen(false);
    }
  }, [at]);

  /** The address tells the moment while a frame is enlarged. */
  function show(frame: number, enlarged: boolean) {
    setActive(frame);
    setOpen(enlarged);
    told.current = enlarged ? (frames[frame]!.at ?? 0) : null;
    go({ view: "frames", id, seconds: told.current }, true);
    seek(frame);
  }

  function seek(frame: number) {
    const seconds = frames[frame]!.at;
    if (player.current && seconds !== null) {
      player.current.currentTime = seconds;
    }
  }

  return (
    <>
      <div class="frames-bar">
        <Choices
          label={said.size}
          name="size"
          value={size}
          choices={[
            ["small", said.sizes.small],
            ["medium", said.sizes.medium],
            ["large", said.sizes.large],
          ]}
          onChoose={setSize}
        />
        {frames[0]!.at !== null && (
          <GoTo
            onTime={(seconds) => {
              const frame = frameAt(frames, seconds);
              setActive(frame);
              seek(frame);
              document.getElementById("grid")?.focus({ preventScroll: true });
            }}
          />
        )}
        <p class="actions">
          <IconButton icon="play" text={playing ? said.hideVideo : said.video} onClick={() => setPlaying(!playing)} />
          <IconButton
            icon="download"
            class="main"
            text={said.downloadAll}
            onClick={() => void attempt(async () => download(await app.api.zipAddress(id)))}
          />
        </p>
      </div>
      <Problem error={error} />
      <div class={playing ? "side-by-side" : ""}>
        {playing && (
          <Player
            app={app}
            video={video}
            player={player}
            begin={frames[active]!.at ?? 0}
            onTime={(seconds) => setActive(frameAt(frames, seconds))}
          />
        )}
        <Grid
          name={title(video)}
          frames={frames}
          pictures={pictures}
          size={size}
          active={active}
          onActive={(frame) => {
            setActive(frame);
            seek(frame);
          }}
          onOpen={(frame) => show(frame, true)}
        />
      </div>
      <p class="hint keys">{said.keys}</p>
      {open && (
        <Viewer
          name={title(video)}
          frames={frames}
          pictures={pictures}
          frame={active}
          onFrame={(frame) => show(frame, true)}
          onClose={() => {
            show(active, false);
            document.getElementById("grid")?.focus({ preventScroll: true });
          }}
        />
      )}
    </>
  );
}

function GoTo({ onTime }: { onTime: (seconds: number) => void }) {
  const said = words.value.frames;
  const [wrong, setWrong] = useState(false);
  return (
    <form
      class="go-to"
      onSubmit={(event) => {
        event.preventDefault();
        const text = new FormData(event.currentTarget).get("time") as string;
        const seconds = parseTime(text);
        setWrong(seconds === null);
        if (seconds !== null) {
          onTime(seconds);
        }
      }}
    >
      <label for="go-to">{said.goTo}</label>
      <input id="go-to" name="time" inputMode="text" autocomplete="off" placeholder={timecode(83, "en")} aria-invalid={wrong} aria-label={`${said.goTo} (${said.goToHint})`} />
    </form>
  );
}
