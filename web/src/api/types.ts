/** What the services take and give: as their document says (`npm run types` makes `openapi.ts` of it). */

import type { components, operations } from "./openapi.ts";

type Schemas = components["schemas"];

export type Video = Schemas["Video"];

/** Where and how to put a file, or a part of one. */
export interface PutTarget {
  method: string;
  url: string;
  headers: Record<string, string>;
}

/** The same of a whole upload. With the method `PARTS` it has no address: each part has. */
export interface UploadTarget extends PutTarget {
  video_id: string;
  expires_at: string;
}

export interface PartTarget extends PutTarget {
  part: number;
  size: number;
}

/** Which parts of an upload are there. */
export interface Parts {
  part_size: number;
  part_count: number;
  parts: { part: number; size: number; etag: string }[];
}

/** What is asked of a video's frames, as `POST /uploads` takes it. */
export type Options = Partial<
  Pick<
    operations["upload-create"]["requestBody"]["content"]["application/json"],
    "every" | "mode" | "format" | "width" | "quality" | "from_ms" | "to_ms" | "strict" | "repeat"
  >
>;

export type Tokens = Pick<Schemas["Tokens"], "access_token"> & { refresh_token: string };

export type User = Schemas["CurrentUser"];
