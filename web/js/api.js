/**
 * The services as functions: one for each thing that the page asks of them.
 *
 * An access token lives an hour. When one is refused, it is renewed once with the refresh token,
 * by one request however many wait for it, and the call is made again.
 */

import { sentence } from "./format.js";

const PATIENCE_MS = 30_000;

/** A call that was not granted: `status` is HTTP's, 0 when nothing answered; the message is for people. */
export class ApiError extends Error {
  name = "ApiError";

  constructor(status, message, options) {
    super(message, options);
    this.status = status;
  }
}

/** The user has to log in again. */
export class SessionOver extends ApiError {
  name = "SessionOver";

  constructor() {
    super(401, "Your session has ended. Please log in again.");
  }
}

/** Keeps the tokens for as long as the tab lives; `storage` is a Web Storage. */
export function sessionIn(storage) {
  const KEY = "fotograma.session";
  return {
    get: () => JSON.parse(storage.getItem(KEY) ?? "null"),
    set: (tokens) => storage.setItem(KEY, JSON.stringify(tokens)),
    clear: () => storage.removeItem(KEY),
  };
}

/**
 * @param {{auth: string, uploader: string, status: string}} services addresses without a slash at the end
 * @param {{get: Function, set: Function, clear: Function}} session where the tokens are
 * @param {() => void} onSessionOver called when a session ended by itself
 */
export function createApi(services, session, onSessionOver = () => {}) {
  let renewal = null;

  /** Renews the tokens, unless they have been renewed or dropped since `stale` was read. */
  function renew(stale) {
    if (session.get()?.access_token !== stale.access_token) {
      return Promise.resolve();
    }
    renewal ??= refresh(stale).finally(() => {
      renewal = null;
    });
    return renewal;
  }

  function refreshed({ refresh_token }) {
    return send(services.auth, "POST", "/auth/refresh", { body: { refresh_token } }).then(json);
  }

  async function refresh(stale) {
    try {
      const fresh = await refreshed(stale);
      // Logged out meanwhile: what was renewed must not come back.
      if (session.get()) {
        // Where the provider keeps the old refresh token, it gives none.
        session.set({ ...stale, ...fresh });
      }
    } catch (error) {
      // A service that is down for a moment is no reason to throw the user out.
      if (error.status >= 400 && error.status < 500 && error.status !== 429) {
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
  async function call(base, method, path, options = {}) {
    for (const last of [false, true]) {
      const tokens = session.get();
      if (!tokens) {
        throw new SessionOver();
      }
      try {
        return await send(base, method, path, { ...options, token: tokens.access_token });
      } catch (error) {
        if (error.status !== 401) {
          throw error;
        }
        if (last) {
          end();
          throw new SessionOver();
        }
        await renew(tokens);
      }
    }
  }

  const video = (id) => `/videos/me/${encodeURIComponent(id)}`;

  return {
    /** Whether somebody is logged in, as far as the page knows. */
    loggedIn: () => session.get() !== null,

    async login(username, password) {
      const body = { username, password };
      const tokens = await send(services.auth, "POST", "/auth/login", { body }).then(json);
      session.set({ access_token: tokens.access_token, refresh_token: tokens.refresh_token });
    },

    signup: (username, password, email) =>
      send(services.auth, "POST", "/auth/signup", { body: { username, password, email } }),

    confirm: (username, code) =>
      send(services.auth, "POST", "/auth/confirm", { body: { username, code } }),

    /** Ends the session: here at once, and then at the provider. */
    async logout() {
      const tokens = session.get();
      session.clear();
      const leave = ({ access_token: token }) =>
        send(services.auth, "POST", "/auth/logout", { token });
      try {
        await leave(tokens);
      } catch (error) {
        if (error.status !== 401) {
          throw error;
        }
        // Only a token that is still good ends the session of its refresh token.
        await leave(await refreshed(tokens));
      }
    },

    me: () => call(services.auth, "GET", "/auth/me").then(json),

    /** Registers a video: its id, and where and how to put its file. */
    createUpload: (file, everyMs) =>
      call(services.uploader, "POST", "/uploads", {
        body: {
          filename: file.name,
          // A browser that does not know the type says "".
          content_type: file.type || "application/octet-stream",
          size: file.size,
          every: `${everyMs}ms`,
        },
      }).then(json),

    /** Says that the file is there, or with `retry` that a failed video shall be tried again. */
    complete: (id, retry = false) =>
      call(services.uploader, "POST", `/uploads/${encodeURIComponent(id)}/complete`, {
        body: { retry },
      }).then(json),

    /** The `limit` newest videos, by as many requests as it takes, and whether there are more. */
    async videos(limit) {
      const PAGE = 50;
      const videos = [];
      let next = null;
      do {
        const after = next ? `&after=${encodeURIComponent(next)}` : "";
        const page = await call(
          services.status,
          "GET",
          `/videos/me?limit=${PAGE}${after}`,
        ).then(json);
        videos.push(...page.videos);
        next = page.next;
      } while (next && videos.length < limit);
      return { videos, more: Boolean(next) };
    },

    /**
     * Where the zip can be had without a token, for a while.
     *
     * A page cannot read where a redirect leads, only where it ended: should the service not
     * answer with the address as JSON, the redirect is followed, and the zip is not read.
     */
    async zipAddress(id) {
      const response = await call(services.status, "GET", `${video(id)}/download`);
      if (response.redirected) {
        await response.body?.cancel();
        return response.url;
      }
      return (await json(response)).url;
    },

    remove: (id) => call(services.status, "DELETE", video(id)),
  };
}

/** Sends one request; gives its response if it was granted. */
async function send(base, method, path, { body, token } = {}) {
  const headers = { accept: "application/json" };
  if (token) {
    headers.authorization = `Bearer ${token}`;
  }
  if (body !== undefined) {
    headers["content-type"] = "application/json";
  }
  let response;
  try {
    response = await fetch(base + path, {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      cache: "no-store",
      credentials: "omit",
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
  } catch (cause) {
    const message =
      cause.name === "TimeoutError"
        ? `${new URL(base).host} did not answer in time. Please try again.`
        : `${new URL(base).host} cannot be reached. Please check your connection.`;
    throw new ApiError(0, message, { cause });
  }
  if (!response.ok) {
    throw new ApiError(response.status, await detail(response));
  }
  return response;
}

async function json(response) {
  try {
    return await response.json();
  } catch (cause) {
    throw new ApiError(0, "The answer broke off. Please try again.", { cause });
  }
}

/** The sentence in a problem document (RFC 9457), or what can be said without one. */
async function detail(response) {
  const problem = await response.json().catch(() => null);
  if (typeof problem?.detail === "string" && problem.detail.trim() !== "") {
    return sentence(problem.detail);
  }
  return `The service answered with an error (HTTP ${response.status}).`;
}

/** Headers that a browser sets itself (Fetch standard, "forbidden request-header"). */
const FORBIDDEN =
  /^(accept-charset|accept-encoding|access-control-request-.*|connection|content-length|cookie2?|date|dnt|expect|host|keep-alive|origin|referer|set-cookie|te|trailer|transfer-encoding|upgrade|via|proxy-.*|sec-.*)$/i;

/** Those of the signed headers that a page may set; the browser sends the others by itself. */
export function sendableHeaders(headers) {
  return Object.entries(headers).filter(([name]) => !FORBIDDEN.test(name));
}

/**
 * Puts a file where `target` says. XMLHttpRequest, because `fetch` does not tell how much has left.
 */
export function putFile(target, file, { signal, onProgress }) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open(target.method, target.url);
    for (const [name, value] of sendableHeaders(target.headers)) {
      request.setRequestHeader(name, value);
    }
    request.upload.onprogress = (event) => onProgress(event.loaded);
    request.onload = () => {
      if (request.status >= 200 && request.status < 300) {
        resolve();
      } else {
        reject(new ApiError(request.status, refusal(request)));
      }
    };
    request.onerror = () => {
      const message = "The connection broke before the whole file had arrived. Please try again.";
      reject(new ApiError(0, message));
    };
    request.onabort = () => reject(signal.reason);
    signal.addEventListener("abort", () => request.abort());
    request.send(file);
  });
}

/** S3 says why in XML. */
function refusal(request) {
  const [, why = ""] = /<Message>([^<]*)<\/Message>/.exec(request.responseText) ?? [];
  return `The store did not take the file (HTTP ${request.status}). ${sentence(why)}`.trim();
}
