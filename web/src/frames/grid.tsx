/** The grid of frames: as tall as all of them, with only those there that are in view. */

import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";

import { number, timecode } from "../format.ts";
import { locale, words } from "../words/index.ts";
import type { Frame } from "./contents.ts";
import { GAP, LABEL, type Layout, type Size, inView, layOut, move } from "./layout.ts";
import type { Pictures } from "./pictures.ts";

/** So many rows beyond the window are there too, so that scrolling finds them. */
const MARGIN_ROWS = 2;
/** While somebody scrolls, requests begin at most so often. */
const SETTLE_MS = 80;
/** Most videos are that wide; until the first picture has come, all are taken to be. */
const USUAL_ASPECT = 16 / 9;

export interface GridProps {
  name: string;
  frames: readonly Frame[];
  pictures: Pictures;
  size: Size;
  active: number;
  onActive: (frame: number) => void;
  onOpen: (frame: number) => void;
}

const optionId = (frame: number) => `frame-${frame}`;

export function Grid({ name, frames, pictures, size, active, onActive, onOpen }: GridProps) {
  const grid = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(0);
  const aspect = pictures.aspect.value ?? USUAL_ASPECT;
  const layout = layOut(frames.length, width, size, aspect);
  const window = useWindow(grid, layout, frames.length);

  useLayoutEffect(() => {
    const watcher = new ResizeObserver(([entry]) => setWidth(Math.floor(entry!.contentRect.width)));
    watcher.observe(grid.current!);
    return () => watcher.disconnect();
  }, []);

  const settle = useRef({ at: 0, timer: 0 });
  useEffect(() => {
    if (width === 0) {
      return;
    }
    const { current } = settle;
    clearTimeout(current.timer);
    const show = () => {
      current.at = performance.now();
      pictures.show(window.first, window.last);
    };
    const since = performance.now() - current.at;
    if (since >= SETTLE_MS) {
      show();
    } else {
      current.timer = globalThis.window.setTimeout(show, SETTLE_MS - since);
    }
  }, [pictures, window.first, window.last, width]);
  useEffect(() => () => clearTimeout(settle.current.timer), []);

  // What a key, a link or the video leads to is brought into view.
  useEffect(() => {
    if (width > 0) {
      bringIntoView(grid.current!, Math.floor(active / layout.columns), layout);
    }
  }, [active, width > 0]);

  // A cell that leaves the window is the one that enters it at the other side.
  const slots = useRef(1);
  slots.current = Math.max(slots.current, window.last - window.first + 1);
  const cells = [];
  for (let frame = window.first; width > 0 && frame <= window.last; frame += 1) {
    cells.push(
      <Cell
        key={frame % slots.current}
        frame={frame}
        count={frames.length}
        at={frames[frame]!.at}
        pictures={pictures}
        layout={layout}
        active={frame === active}
      />,
    );
  }
  const rendered = active >= window.first && active <= window.last && width > 0;

  return (
    <div
      ref={grid}
      id="grid"
      class="grid"
      role="listbox"
      tabIndex={0}
      aria-label={words.value.frames.grid(name)}
      aria-activedescendant={rendered ? optionId(active) : undefined}
      style={{ height: `${layout.height}px` }}
      onKeyDown={(event) => {
        if (event.altKey || event.ctrlKey || event.metaKey) {
          return;
        }
        if (event.key === "Enter" || event.key === " ") {
          event.preventDefault();
          onOpen(active);
          return;
        }
        const rows = Math.max(1, Math.floor(innerHeight / layout.pitch) - 1);
        const to = move(event.key, active, frames.length, layout.columns, rows);
        if (to !== null) {
          event.preventDefault();
          onActive(to);
        }
      }}
      onClick={(event) => {
        const cell = (event.target as Element).closest<HTMLElement>("[data-frame]");
        if (cell) {
          onActive(Number(cell.dataset.frame));
          onOpen(Number(cell.dataset.frame));
        }
      }}
    >
      {cells}
    </div>
  );
}

/** Which frames are to be there, as the page is scrolled. */
function useWindow(grid: { current: HTMLElement | null }, layout: Layout, count: number) {
  const [top, setTop] = useState({ top: 0, bottom: 0 });
  useLayoutEffect(() => {
    let asked = 0;
    const measure = () => {
      asked = 0;
      const begins = grid.current!.getBoundingClientRect().top;
      // By whole rows: between them nothing changes.
      const row = (px: number) => Math.floor(px / layout.pitch) * layout.pitch;
      const next = { top: row(-begins), bottom: row(innerHeight - begins) };
      setTop((old) => (old.top === next.top && old.bottom === next.bottom ? old : next));
    };
    const ask = () => {
      asked ||= requestAnimationFrame(measure);
    };
    measure();
    addEventListener("scroll", ask, { passive: true });
    addEventListener("resize", ask);
    return () => {
      cancelAnimationFrame(asked);
      removeEventListener("scroll", ask);
      removeEventListener("resize", ask);
    };
  }, [layout.pitch, layout.columns, count]);
  const margin = MARGIN_ROWS * layout.pitch;
  return inView(layout, count, top.top - margin, top.bottom + margin);
}

function bringIntoView(grid: HTMLElement, row: number, layout: Layout) {
  const top = grid.getBoundingClientRect().top + row * layout.pitch;
  const bottom = top + layout.pitch;
  // What stays at the top of the window covers what is under it.
  const bar = document.querySelector(".frames-bar")?.getBoundingClientRect().bottom ?? 0;
  const covered = Math.max(0, bar) + 8;
  if (top < covered) {
    scrollBy({ top: top - covered, behavior: "instant" });
  } else if (bottom > innerHeight) {
    scrollBy({ top: bottom - innerHeight, behavior: "instant" });
  }
}

interface CellProps {
  frame: number;
  count: number;
  at: number | null;
  pictures: Pictures;
  layout: Layout;
  active: boolean;
}

function Cell({ frame, count, at, pictures, layout, active }: CellProps) {
  const picture = pictures.cell(frame).value;
  const { columns, cellWidth, pictureHeight, pitch } = layout;
  const speak = locale.value;
  const time = at === null ? "" : timecode(at, speak, true);
  const left = (frame % columns) * (cellWidth + GAP);
  const top = Math.floor(frame / columns) * pitch;
  return (
    <div
      id={optionId(frame)}
      class="cell"
      role="option"
      aria-selected={active}
      aria-setsize={count}
      aria-posinset={frame + 1}
      aria-label={words.value.frames.frame(number(frame + 1, speak), number(count, speak), time)}
      data-frame={frame}
      style={{
        transform: `translate(${left}px, ${top}px)`,
        width: `${cellWidth}px`,
        height: `${pictureHeight + LABEL}px`,
      }}
    >
      <div class="picture" style={{ height: `${pictureHeight}px` }}>
        {picture === "broken" ? (
          <span class="broken">{words.value.frames.broken}</span>
        ) : (
          picture && <img src={picture.url} alt="" decoding="async" draggable={false} />
        )}
      </div>
      <span class="time">{time || `# ${frame + 1}`}</span>
    </div>
  );
}
