/** The uploads under way, a row each. */

import { useEffect, useRef, useState } from "preact/hooks";

import { say } from "../api/client.ts";
import { bytes, duration, interval, percent } from "../format.ts";
import type { App } from "../state/app.ts";
import { online } from "../state/online.ts";
import { toast } from "../state/notices.ts";
import type { Sending } from "../state/uploads.ts";
import { Bar, IconButton } from "../ui/parts.tsx";
import { Poster } from "../videos/poster.tsx";
import { locale, words } from "../words/index.ts";
import type { Upload } from "./upload.ts";

export function UploadRows({ app }: { app: App }) {
  const all = app.uploads.all.value;
  return (
    <ul id="uploads" class="rows" aria-label={words.value.uploads.label}>
      {all.map((sending) => (
        <UploadRow key={sending.upload} sending={sending} app={app} />
      ))}
    </ul>
  );
}

function UploadRow({ sending, app }: { sending: Sending; app: App }) {
  const { upload, poster } = sending;
  const { file, everyMs } = upload;
  const phase = upload.phase.value;
  const said = words.value.uploads;
  useTick(phase === "retrying" || phase === "sending");
  const failed = phase === "failed";
  const name = file.name;
  const sent = upload.sent.value;
  return (
    <li class="row" data-phase={phase} data-status="uploading">
      <Poster picture={poster} title={name} />
      <div class="about">
        <p class="name">{name}</p>
        <p class="facts">
          {bytes(file.size, locale.value)} · {words.value.videos.every(interval(everyMs, locale.value))}
        </p>
        <p class="state">
          <span class="badge">{badge(phase)}</span> <span class="detail">{detail(upload)}</span>
        </p>
      </div>
      <p class="actions">
        {upload.resumable && (phase === "sending" || phase === "retrying") && (
          <IconButton icon="pause" text={said.pause} label={said.of(said.pause, name)} onClick={() => upload.pause()} />
        )}
        {phase === "paused" && (
          <IconButton
            icon="play"
            class="main"
            text={said.resume}
            label={said.of(said.resume, name)}
            onClick={() => app.uploads.again(sending)}
          />
        )}
        {phase === "fileMissing" && <ChooseAgain app={app} sending={sending} />}
        {failed && (
          <IconButton
            icon="retry"
            class="main"
            text={words.value.tryAgain}
            label={said.of(words.value.tryAgain, name)}
            onClick={() => app.uploads.again(sending)}
          />
        )}
        <IconButton
          icon="close"
          text={words.value.cancel}
          label={said.of(words.value.cancel, name)}
          onClick={() => void app.uploads.cancel(sending)}
        />
      </p>
      <Bar
        label={said.progress(name)}
        idle={failed || phase === "waiting" || phase === "loggedOut"}
        share={phase === "completing" ? null : sent / (file.size || 1)}
      />
    </li>
  );
}

function ChooseAgain({ app, sending }: { app: App; sending: Sending }) {
  const input = useRef<HTMLInputElement>(null);
  const said = words.value.uploads;
  const { name } = sending.upload.file;
  return (
    <>
      <IconButton
        icon="file"
        class="main"
        text={said.chooseAgainButton}
        label={`${said.chooseAgainButton}: ${name}`}
        onClick={() => input.current?.click()}
      />
      <input
        ref={input}
        type="file"
        class="unseen"
        tabIndex={-1}
        aria-hidden="true"
        onChange={async (event) => {
          const file = event.currentTarget.files?.[0];
          event.currentTarget.value = "";
          if (file && !(await app.uploads.choose(sending, file))) {
            toast(said.otherFile(name));
          }
        }}
      />
    </>
  );
}

function badge(phase: Upload["phase"]["value"]): string {
  const said = words.value.uploads;
  switch (phase) {
    case "waiting":
      return said.waiting;
    case "failed":
      return said.failed;
    case "retrying":
    case "paused":
    case "fileMissing":
    case "loggedOut":
      return said.paused;
    default:
      return said.uploading;
  }
}

/** What a row says about an upload. */
function detail(upload: Upload): string {
  const said = words.value.uploads;
  const speak = locale.value;
  switch (upload.phase.value) {
    case "waiting":
      return said.waitingDetail;
    case "registering":
      return said.preparing;
    case "sending": {
      const { size } = upload.file;
      const sent = Math.min(upload.sent.value, size);
      const far = said.sending(percent(sent, size, speak), bytes(sent, speak), bytes(size, speak));
      const left = upload.leftMs;
      return left === null ? far : `${far}, ${said.left(duration(left, speak))}`;
    }
    case "completing":
      return said.completing;
    case "retrying":
      return online.value
        ? said.retrying(duration(Math.max(1_000, upload.retryAt.value - Date.now()), speak))
        : said.waitingOnline;
    case "paused":
      return said.pausedDetail(percent(upload.sent.value, upload.file.size, speak));
    case "fileMissing":
      return `${said.pausedDetail(percent(upload.sent.value, upload.file.size, speak))} ${said.chooseAgain}`;
    case "loggedOut":
      return words.value.login.over;
    case "failed":
      return say(upload.error, words.value);
    default:
      return "";
  }
}

/** Draws anew each second while something counts. */
function useTick(on: boolean): void {
  const [, set] = useState(0);
  useEffect(() => {
    if (!on) {
      return;
    }
    const timer = setInterval(() => set((n) => n + 1), 1_000);
    return () => clearInterval(timer);
  }, [on]);
}
