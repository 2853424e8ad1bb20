/** Where the cells of a grid stand, so that only those in view need be there. Pure. */

export type Size = "small" | "medium" | "large";

/** The least width of a picture in CSS pixels; two fit beside each other on the narrowest phone. */
const LEAST: Record<Size, number> = { small: 72, medium: 120, large: 272 };
/** As the page grows wide, so do they. */
const GROWTH: Record<Size, number> = { small: 0.03, medium: 0.08, large: 0.12 };

export const GAP = 12;
/** The time under each picture. */
export const LABEL = 26;

export interface Layout {
  columns: number;
  rows: number;
  cellWidth: number;
  pictureHeight: number;
  /** From one row's top to the next one's. */
  pitch: number;
  height: number;
}

export function layOut(count: number, width: number, size: Size, aspect: number): Layout {
  const least = LEAST[size] + width * GROWTH[size];
  const columns = Math.max(1, Math.floor((width + GAP) / (least + GAP)));
  const cellWidth = (width - GAP * (columns - 1)) / columns;
  // A strip or a pillar of a picture would leave no room for others.
  const pictureHeight = Math.round(cellWidth / Math.min(Math.max(aspect, 0.5), 3));
  const rows = Math.ceil(count / columns);
  const pitch = pictureHeight + LABEL + GAP;
  return { columns, rows, cellWidth, pictureHeight, pitch, height: Math.max(0, rows * pitch - GAP) };
}

/** The first and the last frame of which something is between `top` and `bottom`, in the grid's pixels. */
export function inView(layout: Layout, count: number, top: number, bottom: number): { first: number; last: number } {
  const firstRow = Math.min(Math.max(Math.floor(top / layout.pitch), 0), Math.max(layout.rows - 1, 0));
  const lastRow = Math.min(Math.max(Math.floor(bottom / layout.pitch), firstRow), layout.rows - 1);
  return { first: firstRow * layout.columns, last: Math.min((lastRow + 1) * layout.columns, count) - 1 };
}

/** Where a key leads from a frame; null if it leads nowhere. */
export function move(key: string, from: number, count: number, columns: number, pageRows = 4): number | null {
  const last = count - 1;
  const clamp = (frame: number) => Math.min(Math.max(frame, 0), last);
  switch (key) {
    case "ArrowLeft":
      return clamp(from - 1);
    case "ArrowRight":
      return clamp(from + 1);
    case "ArrowUp":
      return from - columns < 0 ? from : from - columns;
    case "ArrowDown":
      // The last row may be shorter.
      return Math.floor(from / columns) === Math.floor(last / columns) ? from : clamp(from + columns);
    case "PageUp":
      return clamp(from - columns * pageRows);
    case "PageDown":
      return clamp(from + columns * pageRows);
    case "Home":
      return 0;
    case "End":
      return last;
    default:
      return null;
  }
}
