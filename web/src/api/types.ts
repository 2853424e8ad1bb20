/** What the services take and give. */

export type Status = "awaiting_upload" | "queued" | "processing" | "done" | "failed";

/** A video as `GET /videos/me` tells it. */
export interface Video {
  video_id: string;
  /** A newer service may have more of them. */
  status: Status | (string & {});
  filename: string | null;
  size: number | null;
  /** As a service tells it that has no `options` yet. */
  every_ms?: number;
  options?: { every_ms: number };
  frames: number;
  /** Percent. */
  progress: number;
  reason?: string | null;
  warning?: string | null;
  created_at: string;
  updated_at: string;
}

/** Where and how to put a file. */
export interface UploadTarget {
  video_id: string;
  method: string;
  url: string;
  headers: Record<string, string>;
  expires_at: string;
}

/** What is asked of a video's frames, as `POST /uploads` takes it. */
export interface Options {
  every: string;
  mode?: "exact" | "keyframe";
  format?: "jpg" | "png";
  strict?: boolean;
  repeat?: boolean;
}

export interface Tokens {
  access_token: string;
  refresh_token: string;
}

export interface User {
  user_id: string;
  username: string;
  email: string | null;
}
