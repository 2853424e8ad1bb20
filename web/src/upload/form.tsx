/** The upload form: files come by its field, or dropped anywhere on the page, and are looked at first. */

import { useEffect, useMemo, useRef, useState } from "preact/hooks";

import { ApiError } from "../api/client.ts";
import { bytes, everyMs, frames, number, timecode } from "../format.ts";
import type { App } from "../state/app.ts";
import { Icon } from "../ui/icons.tsx";
import { Choices, Problem } from "../ui/parts.tsx";
import { locale, words } from "../words/index.ts";
import { type Choice, type Chosen, expectedFrames, isSendable, openChoice } from "./choice.ts";
import { PICTURES } from "./look.ts";
import {
  DEFAULTS,
  QUALITIES,
  WIDTHS,
  type Wishes,
  changedOptions,
  expectedBytes,
  toOptions,
  wishedEvery,
  wishedSeconds,
  wrongWish,
} from "./options.ts";

const ACCEPT = "video/*,.3gp,.avi,.flv,.m2ts,.mkv,.mov,.mp4,.mpg,.mts,.mxf,.ogv,.ts,.vob,.webm,.wmv";

/** The most frames that the service makes of a video, unless it was set otherwise. */
const MAX_FRAMES = 50_000;

const refuse = (text: (w: typeof words.value) => string) => new ApiError(0, text);

export function UploadForm({ app }: { app: App }) {
  const choice = useMemo(openChoice, []);
  const [wishes, setWishes] = useState(DEFAULTS);
  const [error, setError] = useState<unknown>(null);
  const input = useRef<HTMLInputElement>(null);
  const every = useRef<HTMLInputElement>(null);
  /** What an upload that was left behind waits for goes there; the others are looked at. */
  async function take(files: FileList | null) {
    setError(null);
    for (const file of [...(files ?? [])]) {
      if (!(await app.uploads.adopt(file))) {
        choice.add([file]);
      }
    }
  }
  const dropping = useDrop((files) => void take(files));
  useEffect(() => () => choice.clear(), []);
  const said = words.value.upload;
  const chosen = choice.chosen.value;
  const sendable = chosen.filter(isSendable).length;
  const wish = <K extends keyof Wishes>(name: K, value: Wishes[K]) => setWishes({ ...wishes, [name]: value });

  function send() {
    const ms = wishedEvery(wishes);
    const wrong = wrongWish(wishes);
    if (chosen.length === 0) {
      setError(refuse(({ problems }) => problems.noFile));
      input.current?.focus();
    } else if (sendable === 0) {
      setError(refuse(({ problems }) => problems.noneLeft));
      input.current?.focus();
    } else if (wrong === "every" || ms === null) {
      setError(refuse(({ problems }) => problems.interval));
      every.current?.focus();
    } else if (wrong !== null) {
      setError(refuse(({ problems }) => problems[wrong]));
      document.getElementById(wrong)?.focus();
    } else {
      setError(null);
      for (const { file, poster } of choice.take()) {
        app.uploads.add(file, ms, toOptions(wishes), poster);
      }
    }
  }

  return (
    <section class={`card upload ${dropping ? "dropping" : ""}`} aria-labelledby="upload-title">
      <h1 id="upload-title">{said.title}</h1>
      <form
        id="upload-form"
        method="post"
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          send();
        }}
      >
        <div class={`drop ${chosen.length > 0 ? "small" : ""}`}>
          <input
            ref={input}
            id="file"
            name="file"
            class="unseen"
            type="file"
            multiple
            accept={ACCEPT}
            aria-describedby="file-hint"
            onChange={(event) => {
              void take(event.currentTarget.files);
              // The same file may be chosen again after it was taken away.
              event.currentTarget.value = "";
            }}
          />
          <label for="file">
            {chosen.length === 0 && <Icon name="film" />}
            <span>
              {dropping ? (
                <b>{said.dropNow}</b>
              ) : (
                <>
                  <b>{said.choose}</b>
                  {said.orDrop}
                </>
              )}
            </span>
            <span class="hint" id="file-hint">
              {said.hint}
            </span>
          </label>
        </div>
        {chosen.length > 0 && (
          <ul class="chosen" aria-label={said.chosen}>
            {chosen.map((one) => (
              <ChosenFile key={one.file} chosen={one} wishes={wishes} choice={choice} />
            ))}
          </ul>
        )}
        <div class="line">
          <label for="every">{said.every}</label>
          <input
            ref={every}
            id="every"
            name="every"
            inputMode="decimal"
            autocomplete="off"
            value={wishes.every}
            aria-invalid={wishedEvery(wishes) === null}
            onInput={(event) => wish("every", event.currentTarget.value)}
          />
          <select
            id="unit"
            name="unit"
            aria-label={said.unit}
            value={wishes.unit}
            onChange={(event) => wish("unit", event.currentTarget.value as Wishes["unit"])}
          >
            {(["ms", "s", "min"] as const).map((unit) => (
              <option key={unit} value={unit}>
                {said.units[unit]}
              </option>
            ))}
          </select>
          <button class="main">{said.submit(sendable)}</button>
        </div>
        <Problem error={error} />
        <OptionsFold wishes={wishes} wish={wish} reset={() => setWishes({ ...DEFAULTS, every: wishes.every, unit: wishes.unit })} />
      </form>
    </section>
  );
}

function OptionsFold(props: {
  wishes: Wishes;
  wish: <K extends keyof Wishes>(name: K, value: Wishes[K]) => void;
  reset: () => void;
}) {
  const { wishes, wish } = props;
  const said = words.value.upload;
  const changed = changedOptions(wishes);
  const wrong = wrongWish(wishes);
  return (
    <details class="options">
      <summary>
        <Icon name="chevron" />
        {changed === 0 ? said.options : said.optionsChanged(changed)}
      </summary>
      <div class="options-grid">
        <div>
          <span class="label">{said.mode}</span>
          <Choices
            label={said.mode}
            name="mode"
            value={wishes.mode}
            choices={[
              ["exact", said.modes.exact],
              ["keyframe", said.modes.keyframe],
            ]}
            onChoose={(mode) => wish("mode", mode)}
          />
        </div>
        <div>
          <span class="label">{said.format}</span>
          <Choices
            label={said.format}
            name="format"
            value={wishes.format}
            choices={[
              ["jpg", said.formats.jpg],
              ["png", said.formats.png],
            ]}
            onChoose={(format) => wish("format", format)}
          />
        </div>
        <div class="options-row">
          <label>
            <span class="label">{said.from}</span>
            <input
              id="from"
              value={wishes.from}
              placeholder="0:00"
              autocomplete="off"
              aria-describedby="range-hint"
              aria-invalid={wrong === "from"}
              onInput={(event) => wish("from", event.currentTarget.value)}
            />
          </label>
          <label>
            <span class="label">{said.to}</span>
            <input
              id="to"
              value={wishes.to}
              autocomplete="off"
              aria-describedby="range-hint"
              aria-invalid={wrong === "to"}
              onInput={(event) => wish("to", event.currentTarget.value)}
            />
          </label>
          <p class="hint" id="range-hint">
            {said.rangeHint}
          </p>
        </div>
        <div class="options-row">
          <label>
            <span class="label">{said.width}</span>
            <input
              id="width"
              inputMode="numeric"
              value={wishes.width}
              autocomplete="off"
              aria-describedby="width-hint"
              aria-invalid={wrong === "width"}
              min={WIDTHS.least}
              max={WIDTHS.most}
              onInput={(event) => wish("width", event.currentTarget.value.trim())}
            />
          </label>
          <p class="hint" id="width-hint">
            {said.widthHint}
          </p>
          {wishes.format === "jpg" && (
            <label>
              <span class="label">{said.quality}</span>
              <select
                id="quality"
                value={wishes.quality}
                onChange={(event) => wish("quality", event.currentTarget.value)}
              >
                <option value="">{said.qualities.usual}</option>
                {QUALITIES.map((quality) => (
                  <option key={quality} value={quality}>
                    {said.qualities[quality]}
                  </option>
                ))}
              </select>
            </label>
          )}
        </div>
        {(["repeat", "strict"] as const).map((name) => (
          <label class="check" key={name}>
            <input type="checkbox" name={name} checked={wishes[name]} onChange={(event) => wish(name, event.currentTarget.checked)} />
            <span>{said[name]}</span>
          </label>
        ))}
      </div>
      {changed > 0 && (
        <button type="button" onClick={props.reset}>
          {said.reset}
        </button>
      )}
    </details>
  );
}

function ChosenFile({ chosen, wishes, choice }: { chosen: Chosen; wishes: Wishes; choice: Choice }) {
  const { file, seen, looking } = chosen;
  const said = words.value.upload;
  const problem = problemOf(chosen);
  return (
    <li class={problem ? "refused" : ""} data-name={file.name}>
      {seen && <Strip seen={seen} name={file.name} />}
      <div class="chosen-about">
        <p class="name">{file.name}</p>
        <p class="facts">
          {bytes(file.size, locale.value)}
          {seen && ` · ${timecode(seen.duration, locale.value)} · ${seen.width} × ${seen.height}`}
        </p>
        {problem ? (
          <p class="problem" role="alert">
            {problem}
          </p>
        ) : (
          <p class="estimate" role="status">
            {seen ? estimate(seen, wishes) : looking ? said.looking : said.cannotLook}
          </p>
        )}
      </div>
      <button type="button" class="quiet" aria-label={said.remove(file.name)} title={said.remove(file.name)} onClick={() => choice.remove(file)}>
        <Icon name="close" />
      </button>
    </li>
  );
}

function problemOf({ kind }: Chosen): string | null {
  const said = words.value.upload;
  switch (kind?.kind) {
    case "unknown":
      return said.noVideo;
    case "sound":
      return said.onlySound;
    case "undecodable":
      return said.undecodable(kind.name);
    case "empty":
      return said.emptyFile;
    case "unreadable":
      return words.value.problems.unreadable;
    default:
      return null;
  }
}

/** `about 3,600 frames, 700 MB`. */
function estimate({ duration, frameBytes, width }: NonNullable<Chosen["seen"]>, wishes: Wishes): string {
  const ms = everyMs(wishes.every, wishes.unit);
  const said = words.value.upload;
  if (ms === null) {
    return words.value.problems.interval;
  }
  const speech = { words: words.value, locale: locale.value };
  const count = expectedFrames(wishedSeconds(wishes, duration), ms);
  if (count > MAX_FRAMES) {
    return `${said.estimateFrames(frames(count, speech))}. ${said.tooMany(number(MAX_FRAMES, locale.value))}`;
  }
  return frameBytes > 0
    ? said.estimate(frames(count, speech), bytes(roughly(expectedBytes(count, frameBytes, width, wishes)), locale.value))
    : said.estimateFrames(frames(count, speech));
}

/** To two digits: more would promise too much. */
function roughly(value: number): number {
  const unit = 10 ** Math.max(0, Math.floor(Math.log10(Math.max(value, 1))) - 1);
  return Math.round(value / unit) * unit;
}

/** Pictures of the file as a strip of film; those that have not come keep their place. */
function Strip({ seen, name }: { seen: NonNullable<Chosen["seen"]>; name: string }) {
  return (
    <div class="strip" role="img" aria-label={words.value.upload.preview(name)}>
      {Array.from({ length: PICTURES }, (_, n) => (
        <span key={n}>{seen.pictures[n] && <img src={seen.pictures[n]} alt="" decoding="async" />}</span>
      ))}
    </div>
  );
}

/** Takes files that are dropped anywhere; a file dropped beside would make the browser leave the page. */
function useDrop(dropped: (files: FileList) => void): boolean {
  const [over, setOver] = useState(false);
  useEffect(() => {
    // Each element that the pointer comes over enters and leaves.
    let depth = 0;
    const hasFiles = (event: DragEvent) => event.dataTransfer?.types.includes("Files") ?? false;
    const ends = new AbortController();
    const on = (name: "dragenter" | "dragover" | "dragleave" | "drop", act: (event: DragEvent) => void) =>
      addEventListener(
        name,
        (event) => {
          if (hasFiles(event)) {
            event.preventDefault();
            act(event);
          }
        },
        { signal: ends.signal },
      );
    const count = (step: number) => {
      depth = Math.max(0, depth + step);
      setOver(depth > 0);
    };
    on("dragenter", () => count(1));
    on("dragleave", () => count(-1));
    on("dragover", () => {});
    on("drop", (event) => {
      count(-depth);
      dropped(event.dataTransfer!.files);
    });
    return () => ends.abort();
  }, []);
  return over;
}
