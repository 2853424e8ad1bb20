/** One frame, enlarged: moved through by keys, by a swipe, or by the slider. */

import { useEffect, useRef } from "preact/hooks";

import { number, timecode } from "../format.ts";
import { toast } from "../state/notices.ts";
import { Icon } from "../ui/icons.tsx";
import { IconButton } from "../ui/parts.tsx";
import { download } from "../videos/download.ts";
import { locale, words } from "../words/index.ts";
import type { Frame } from "./contents.ts";
import { move } from "./layout.ts";
import type { Picture, Pictures } from "./pictures.ts";

/** So many before and behind are fetched too. */
const AHEAD = 2;
/** A finger that moves so far means the next frame. */
const SWIPE_PX = 48;

export interface ViewerProps {
  /** What saved pictures are named after. */
  name: string;
  frames: readonly Frame[];
  pictures: Pictures;
  frame: number;
  onFrame: (frame: number) => void;
  onClose: () => void;
}

export function Viewer({ name, frames, pictures, frame, onFrame, onClose }: ViewerProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const swipe = useRef<number | null>(null);
  const said = words.value.frames;
  const speak = locale.value;
  const count = frames.length;
  const { at } = frames[frame]!;
  const picture = pictures.cell(frame).value;
  const time = at === null ? "" : timecode(at, speak, true);
  const until = frames[frame + 1]?.begins;

  useEffect(() => {
    dialog.current!.showModal();
    // The keys are the frame's; the buttons are a step further.
    dialog.current!.focus();
    return () => pictures.prefer([]);
  }, []);
  useEffect(() => {
    const wanted = [frame];
    for (let n = 1; n <= AHEAD; n += 1) {
      wanted.push(frame + n, frame - n);
    }
    pictures.prefer(wanted);
  }, [pictures, frame]);

  // Keys may come faster than what they lead to is drawn.
  const now = useRef(frame);
  const drawn = useRef(frame);
  if (drawn.current !== frame) {
    // Drawn anew for another reason, as a picture that has come, it is still where the keys have led.
    drawn.current = frame;
    now.current = frame;
  }
  const to = (next: number) => {
    now.current = Math.min(Math.max(next, 0), count - 1);
    onFrame(now.current);
  };

  return (
    <dialog
      ref={dialog}
      id="viewer"
      class="viewer"
      tabIndex={-1}
      aria-label={said.viewer}
      onClose={onClose}
      onKeyDown={(event) => {
        // The slider moves by itself.
        if (event.altKey || event.ctrlKey || event.metaKey || event.target instanceof HTMLInputElement) {
          return;
        }
        const next = move(event.key, now.current, count, 1, 10);
        if (next !== null) {
          event.preventDefault();
          to(next);
        }
      }}
    >
      <div class="viewer-head">
        <p role="status">
          <strong>{time}</strong> <span>{said.position(number(frame + 1, speak), number(count, speak))}</span>
        </p>
        <button type="button" class="quiet" aria-label={words.value.close} title={words.value.close} onClick={() => dialog.current!.close()}>
          <Icon name="close" />
        </button>
      </div>
      <div
        class="stage"
        onPointerDown={(event) => {
          swipe.current = event.clientX;
        }}
        onPointerUp={(event) => {
          const moved = event.clientX - (swipe.current ?? event.clientX);
          swipe.current = null;
          if (Math.abs(moved) >= SWIPE_PX) {
            to(frame + (moved < 0 ? 1 : -1));
          }
        }}
      >
        <Enlarged picture={picture} alt={said.frame(number(frame + 1, speak), number(count, speak), time)} />
        <button type="button" class="step before" aria-label={said.previous} title={said.previous} disabled={frame === 0} onClick={() => to(frame - 1)}>
          <Icon name="back" />
        </button>
        <button type="button" class="step after" aria-label={said.next} title={said.next} disabled={frame === count - 1} onClick={() => to(frame + 1)}>
          <Icon name="next" />
        </button>
      </div>
      <div class="viewer-foot">
        <input
          type="range"
          min={0}
          max={count - 1}
          value={frame}
          aria-label={said.viewer}
          aria-valuetext={said.frame(number(frame + 1, speak), number(count, speak), time)}
          onInput={(event) => to(Number(event.currentTarget.value))}
        />
        <p class="hint">
          {at !== null && until != null && frames[frame]!.begins !== null
            ? said.onScreen(timecode(frames[frame]!.begins!, speak, true), timecode(until, speak, true))
            : "\u00a0"}
        </p>
        <p class="actions">
          <IconButton icon="copy" text={said.copy} disabled={!isThere(picture)} onClick={() => void copy(picture)} />
          <IconButton icon="download" text={said.save} disabled={!isThere(picture)} onClick={() => save(picture, name, frames[frame]!)} />
          <IconButton icon="link" text={said.share} onClick={() => void share()} />
        </p>
      </div>
    </dialog>
  );
}

const isThere = (picture: Picture) => picture !== null && picture !== "broken";

function Enlarged({ picture, alt }: { picture: Picture; alt: string }) {
  const last = useRef<string | null>(null);
  if (picture === "broken") {
    return <p>{words.value.frames.broken}</p>;
  }
  // The one before stays until the next has come: nothing flickers.
  last.current = picture?.url ?? last.current;
  return last.current ? (
    <img src={last.current} alt={alt} class={picture ? "" : "late"} draggable={false} />
  ) : (
    <p role="status">…</p>
  );
}

/** What is copied has to be a PNG: browsers take no other picture. */
async function copy(picture: Picture) {
  const said = words.peek().frames;
  if (!picture || picture === "broken") {
    return;
  }
  try {
    await navigator.clipboard.write([new ClipboardItem({ "image/png": png(picture.blob) })]);
    toast(said.copied);
  } catch {
    toast(said.cannotCopy);
  }
}

async function png(blob: Blob): Promise<Blob> {
  if (blob.type === "image/png") {
    return blob;
  }
  const bitmap = await createImageBitmap(blob);
  const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
  canvas.getContext("2d")!.drawImage(bitmap, 0, 0);
  bitmap.close();
  return canvas.convertToBlob({ type: "image/png" });
}

function save(picture: Picture, name: string, { name: entry, at }: Frame) {
  if (picture && picture !== "broken") {
    const stem = name.replace(/\.[^.]{1,5}$/, "");
    // Colons are no letters of file names everywhere.
    const time = at === null ? entry : `${timecode(at, "en", true).replaceAll(":", "-")}.${entry.split(".").at(-1)}`;
    download(picture.url, `${stem} ${time}`);
  }
}

/** The address already says which moment. */
async function share() {
  try {
    await navigator.clipboard.writeText(location.href);
    toast(words.peek().frames.shared);
  } catch {
    toast(location.href);
  }
}
