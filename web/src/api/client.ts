/**
 * The services as functions: one for each thing that the page asks of them.
 *
 * An access token lives an hour. When one is refused, it is renewed once with the refresh token,
 * by one request however many wait for it, in whichever tab, and the call is made again.
 */

import type { Config } from "../config.ts";
import { sentence } from "../format.ts";
import { type Words, en } from "../words/en.ts";
import type { Session } from "./session.ts";
import type { Options, PartTarget, Parts, PutTarget, Tokens, UploadTarget, User, Video } from "./types.ts";

const PATIENCE_MS = 30_000;

/** A call that was not granted: `status` is HTTP's, 0 when nothing answered. */
export class ApiError extends Error {
  override name = "ApiError";
  readonly status: number;
  /** What it says, in the language of the day. */
  readonly say: (words: Words) => string;

  constructor(status: number, say: (words: Words) => string, options?: ErrorOptions) {
    super(say(en), options);
    this.status = status;
    this.say = say;
  }
}

/** The user has to log in again. */
export class SessionOver extends ApiError {
  override name = "SessionOver";

  constructor() {
    super(401, (words) => words.login.over);
  }
}

/** What an error says to a person. */
export function say(error: unknown, words: Words): string {
  if (error instanceof ApiError) {
    return error.say(words);
  }
  return error instanceof Error ? error.message : String(error);
}

interface Call {
  body?: unknown;
  token?: string;
  keepalive?: boolean;
  signal?: AbortSignal;
  headers?: Record<string, string>;
  /** The answer goes on for long. */
  endless?: boolean;
}

type Services = Pick<Config, "auth" | "uploader" | "status">;

export type Api = ReturnType<typeof createApi>;

/** One tab renews at a time; the others find the new tokens. Where a browser has no locks, each does. */
function oneTabAtATime<T>(act: () => Promise<T>): Promise<T> {
  const { locks } = globalThis.navigator ?? {};
  return locks ? (locks.request("fotograma.renewal", act) as Promise<T>) : act();
}

/** `onSessionOver` is called when a session ended by itself. */
export function createApi(services: Services, session: Session, onSessionOver: () => void = () => {}) {
  let renewal: Promise<void> | null = null;

  const renewed = (stale: Tokens) => session.get()?.access_token !== stale.access_token;

  /** Renews the tokens, unless they have been renewed or dropped since `stale` was read. */
  function renew(stale: Tokens): Promise<void> {
    if (renewed(stale)) {
      return Promise.resolve();
    }
    renewal ??= oneTabAtATime(() => refresh(stale)).finally(() => {
      renewal = null;
    });
    return renewal;
  }

  const refreshed = ({ refresh_token }: Tokens) =>
    send(services.auth, "POST", "/auth/refresh", { body: { refresh_token } }).then(json<Tokens>);

  async function refresh(stale: Tokens): Promise<void> {
    if (renewed(stale)) {
      return;
    }
    try {
      const fresh = await refreshed(stale);
      // Logged out meanwhile: what was renewed must not come back.
      if (session.get()) {
        // Where the provider keeps the old refresh token, it gives none.
        const { access_token, refresh_token = stale.refresh_token } = fresh;
        session.set({ access_token, refresh_token });
      }
    } catch (error) {
      // A service that is down for a moment is no reason to throw the user out.
      if (error instanceof ApiError && error.status >= 400 && error.status < 500 && error.status !== 429) {
        end();
        throw new SessionOver();
      }
      throw error;
    }
  }

  function end() {
    if (session.get()) {
      session.clear();
      onSessionOver();
    }
  }

  /** Sends with the user's token. */
  async function call(base: string, method: string, path: string, options: Call = {}): Promise<Response> {
    for (const last of [false, true]) {
      const tokens = session.get();
      if (!tokens) {
        throw new SessionOver();
      }
      try {
        return await send(base, method, path, { ...options, token: tokens.access_token });
      } catch (error) {
        if (!(error instanceof ApiError) || error.status !== 401) {
          throw error;
        }
        if (last) {
          end();
          throw new SessionOver();
        }
        await renew(tokens);
      }
    }
    throw new SessionOver();
  }

  const video = (id: string) => `/videos/me/${encodeURIComponent(id)}`;
  const upload = (id: string) => `/uploads/${encodeURIComponent(id)}`;
  const auth = (path: string, body: unknown) => send(services.auth, "POST", `/auth/${path}`, { body });

  return {
    /** Whether somebody is logged in, as far as the page knows. */
    loggedIn: () => session.get() !== null,

    async login(username: string, password: string) {
      const tokens = await auth("login", { username, password }).then(json<Tokens>);
      session.set({ access_token: tokens.access_token, refresh_token: tokens.refresh_token });
    },

    signup: (username: string, password: string, email: string) =>
      auth("signup", { username, password, email }),

    /** Has a new code mailed to who has not confirmed yet. */
    resend: (username: string) => auth("resend", { username }),

    /** Has a code mailed with which a new password can be chosen. */
    forgot: (username: string) => auth("forgot", { username }),

    reset: (username: string, code: string, password: string) => auth("reset", { username, code, password }),

    confirm: (username: string, code: string) => auth("confirm", { username, code }),

    /** Ends the session: here at once, and then at the provider. */
    async logout() {
      const tokens = session.get();
      session.clear();
      if (!tokens) {
        return;
      }
      const leave = ({ access_token: token }: Tokens) =>
        send(services.auth, "POST", "/auth/logout", { token });
      try {
        await leave(tokens);
      } catch (error) {
        if (!(error instanceof ApiError) || error.status !== 401) {
          throw error;
        }
        // Only a token that is still good ends the session of its refresh token.
        await leave(await refreshed(tokens));
      }
    },

    me: () => call(services.auth, "GET", "/auth/me").then(json<User>),

    /** Registers a video: its id, and where and how to put its file. */
    createUpload: (file: Pick<File, "name" | "type" | "size">, options: Options) =>
      call(services.uploader, "POST", "/uploads", {
        body: {
          filename: file.name,
          // A browser that does not know the type says "".
          content_type: file.type || "application/octet-stream",
          size: file.size,
          ...options,
        },
      }).then(json<UploadTarget>),

    /** Which parts of an upload are there. */
    parts: (id: string) => call(services.uploader, "GET", `${upload(id)}/parts`).then(json<Parts>),

    /** Where these parts go; the addresses live for minutes. */
    partTargets: (id: string, parts: number[]) =>
      call(services.uploader, "POST", `${upload(id)}/parts`, {
        body: { parts: parts.map((part) => ({ part })) },
      }).then(json<{ parts: PartTarget[] }>),

    /** Gives an upload in parts up. */
    abandon: (id: string) => call(services.uploader, "DELETE", upload(id)),

    /** Says that the file is there, or with `retry` that a failed video shall be tried again. */
    complete: (id: string, retry = false) =>
      call(services.uploader, "POST", `${upload(id)}/complete`, { body: { retry } }).then(json<Video>),

    /** The `limit` newest videos, by as many requests as it takes, and whether there are more. */
    async videos(limit: number) {
      const PAGE = 50;
      const videos: Video[] = [];
      let next: string | null = null;
      do {
        const after: string = next ? `&after=${encodeURIComponent(next)}` : "";
        const page: { videos: Video[]; next: string | null } = await call(
          services.status,
          "GET",
          `/videos/me?limit=${PAGE}${after}`,
        ).then(json<{ videos: Video[]; next: string | null }>);
        videos.push(...page.videos);
        next = page.next;
      } while (next && videos.length < limit);
      return { videos, more: Boolean(next) };
    },

    /** What happens to the videos, as Server-Sent Events, after the event of that id. */
    events: (signal: AbortSignal, lastId: string | null) =>
      call(services.status, "GET", "/videos/me/events", {
        headers: { accept: "text/event-stream", ...(lastId === null ? {} : { "last-event-id": lastId }) },
        signal,
        endless: true,
      }),

    video: (id: string) => call(services.status, "GET", video(id)).then(json<Video>),

    /**
     * Where the zip can be had without a token, for a while.
     *
     * A page cannot read where a redirect leads, only where it ended: should the service not
     * answer with the address as JSON, the redirect is followed, and the zip is not read.
     */
    async zipAddress(id: string): Promise<string> {
      const response = await call(services.status, "GET", `${video(id)}/download`);
      if (response.redirected) {
        await response.body?.cancel();
        return response.url;
      }
      return (await json<{ url: string }>(response)).url;
    },

    /** `keepalive`: also when the page is being left. */
    remove: (id: string, keepalive = false) => call(services.status, "DELETE", video(id), { keepalive }),
  };
}

/** Sends one request; gives its response if it was granted. */
async function send(base: string, method: string, path: string, { body, token, keepalive, signal, headers: more, endless }: Call = {}) {
  const headers: Record<string, string> = { accept: "application/json", ...more };
  if (token) {
    headers.authorization = `Bearer ${token}`;
  }
  if (body !== undefined) {
    headers["content-type"] = "application/json";
  }
  // It would also end an answer that has begun.
  const patience = endless ? null : AbortSignal.timeout(PATIENCE_MS);
  const signals = [signal, patience].filter((one) => one != null);
  let response;
  try {
    response = await fetch(base + path, {
      method,
      headers,
      body: body === undefined ? null : JSON.stringify(body),
      cache: "no-store",
      credentials: "omit",
      keepalive: keepalive ?? false,
      signal: AbortSignal.any(signals),
    });
  } catch (cause) {
    signal?.throwIfAborted();
    const late = cause instanceof Error && cause.name === "TimeoutError";
    throw new ApiError(0, ({ problems }) => (late ? problems.timeout : problems.offline), { cause });
  }
  if (!response.ok) {
    throw await refusal(response);
  }
  return response;
}

async function json<T>(response: Response): Promise<T> {
  try {
    return (await response.json()) as T;
  } catch (cause) {
    throw new ApiError(0, ({ problems }) => problems.brokenAnswer, { cause });
  }
}

/** The sentence in a problem document (RFC 9457), or what can be said without one. */
async function refusal(response: Response): Promise<ApiError> {
  const { status } = response;
  const problem = (await response.json().catch(() => null)) as { detail?: unknown } | null;
  const detail = problem?.detail;
  return typeof detail === "string" && detail.trim() !== ""
    ? new ApiError(status, () => sentence(detail))
    : new ApiError(status, ({ problems }) => problems.http(status));
}

/** Headers that a browser sets itself (Fetch standard, "forbidden request-header"). */
const FORBIDDEN =
  /^(accept-charset|accept-encoding|access-control-request-.*|connection|content-length|cookie2?|date|dnt|expect|host|keep-alive|origin|referer|set-cookie|te|trailer|transfer-encoding|upgrade|via|proxy-.*|sec-.*)$/i;

/** Those of the signed headers that a page may set; the browser sends the others by itself. */
export const sendableHeaders = (headers: Record<string, string>) =>
  Object.entries(headers).filter(([name]) => !FORBIDDEN.test(name));

export interface PutOptions {
  signal: AbortSignal;
  onProgress: (sent: number) => void;
}

/**
 * Puts a file, or a part of one, where `target` says. XMLHttpRequest, because `fetch` does not tell how
 * much has left. Gives the entity tag that the store answers with.
 */
export function putFile(
  target: PutTarget,
  body: Blob,
  { signal, onProgress }: PutOptions,
): Promise<string | null> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const request = new XMLHttpRequest();
    request.open(target.method, target.url);
    for (const [name, value] of sendableHeaders(target.headers)) {
      request.setRequestHeader(name, value);
    }
    request.upload.onprogress = (event) => onProgress(event.loaded);
    request.onload = () => {
      const { status } = request;
      if (status >= 200 && status < 300) {
        resolve(request.getResponseHeader("etag"));
      } else {
        // S3 says why in XML.
        const [, why = ""] = /<Message>([^<]*)<\/Message>/.exec(request.responseText) ?? [];
        reject(new ApiError(status, ({ problems }) => problems.storeRefused(status, sentence(why))));
      }
    };
    request.onerror = () => reject(new ApiError(0, ({ problems }) => problems.uploadBroke));
    request.onabort = () => reject(signal.reason);
    signal.addEventListener("abort", () => request.abort(), { once: true });
    request.send(body);
  });
}
