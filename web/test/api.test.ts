import assert from "node:assert/strict";
import { type Server, createServer } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, test } from "node:test";

import type { Session } from "../src/api/session.ts";
import type { Tokens } from "../src/api/types.ts";
import { createApi, say, sendableHeaders, SessionOver } from "../src/api/client.ts";
import { en } from "../src/words/en.ts";
import { pt } from "../src/words/pt.ts";

interface Call {
  what: string;
  token: string | undefined;
  body: unknown;
}
type Answer = { status?: number; headers?: Record<string, string>; body?: unknown };

let server: Server;
let base: string;
let seen: Call[];
let answer: (call: Call) => Answer;

/** A service on this machine: notes each request, and answers as the test says. */
beforeEach(async () => {
  seen = [];
  server = createServer(async (request, response) => {
    const chunks = await request.toArray();
    const call: Call = {
      what: `${request.method} ${request.url}`,
      token: request.headers.authorization?.replace("Bearer ", ""),
      body: chunks.length > 0 ? JSON.parse(Buffer.concat(chunks).toString()) : undefined,
    };
    seen.push(call);
    const { status = 200, headers = {}, body = "" } = answer(call);
    response.writeHead(status, headers).end(typeof body === "string" ? body : JSON.stringify(body));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterEach(() => {
  server.closeAllConnections();
  server.close();
});

function setUp(tokens: Tokens | null) {
  let kept = tokens;
  const session: Session = {
    get: () => kept,
    set(value) {
      kept = value;
    },
    clear() {
      kept = null;
    },
  };
  const overs: string[] = [];
  const services = { auth: base, uploader: base, status: base };
  return { api: createApi(services, session, () => overs.push("over")), session, overs };
}

const OLD = { access_token: "old", refresh_token: "r" };

/** Takes only the token `good`; renews as `refresh` says. */
function guarded(refresh: () => Answer) {
  return ({ what, token }: Call): Answer => {
    if (what === "POST /auth/refresh") {
      return refresh();
    }
    return token === "good" ? { body: { username: "paulo", videos: [] } } : { status: 401 };
  };
}

const calls = (what: string) => seen.filter((call) => call.what === what);

test("a refused token is renewed once for all who wait, and the refresh token is kept", async () => {
  const { api, session, overs } = setUp(OLD);
  answer = guarded(() => ({ body: { access_token: "good" } }));

  const [me, list] = await Promise.all([api.me(), api.videos(10), api.me()]);

  assert.equal(me.username, "paulo");
  assert.deepEqual(list, { videos: [], more: false });
  assert.deepEqual(calls("POST /auth/refresh").map(({ body }) => body), [{ refresh_token: "r" }]);
  assert.deepEqual(session.get(), { access_token: "good", refresh_token: "r" });
  assert.deepEqual(overs, []);
});

test("a refresh token that is refused ends the session, once", async () => {
  const { api, session, overs } = setUp(OLD);
  answer = guarded(() => ({ status: 401 }));

  const outcomes = await Promise.allSettled([api.me(), api.videos(10)]);

  for (const outcome of outcomes) {
    assert.ok(outcome.status === "rejected" && outcome.reason instanceof SessionOver);
  }
  assert.equal(session.get(), null);
  assert.deepEqual(overs, ["over"]);
});

test("a renewed token that is refused too ends the session; there is no second renewal", async () => {
  const { api, overs } = setUp(OLD);
  answer = guarded(() => ({ body: { access_token: "also bad" } }));

  await assert.rejects(api.me(), SessionOver);

  assert.equal(calls("POST /auth/refresh").length, 1);
  assert.deepEqual(overs, ["over"]);
});

test("a service that is down while renewing does not end the session", async () => {
  const { api, session, overs } = setUp(OLD);
  answer = guarded(() => ({ status: 503, body: { detail: "try again in a moment" } }));

  await assert.rejects(api.me(), { status: 503, message: "Try again in a moment." });

  assert.deepEqual(session.get(), OLD);
  assert.deepEqual(overs, []);
});

test("who logs out while a token is being renewed stays logged out", async () => {
  const { api, session } = setUp(OLD);
  answer = guarded(() => {
    session.clear();
    return { body: { access_token: "good" } };
  });

  await assert.rejects(api.me(), SessionOver);

  assert.equal(session.get(), null);
});

test("a wrong password is an error of the form, not the end of a session", async () => {
  const { api, overs } = setUp(null);
  answer = () => ({ status: 401, body: { detail: "wrong user name or password" } });

  await assert.rejects(api.login("paulo", "x"), { status: 401, message: "Wrong user name or password." });

  assert.equal(seen.length, 1);
  assert.deepEqual(overs, []);
});

test("logging out ends the session here at once, and at the provider with a token that is good", async () => {
  const { api, session } = setUp(OLD);
  answer = guarded(() => ({ body: { access_token: "good" } }));

  const leaving = api.logout();
  assert.equal(session.get(), null);
  await leaving;

  assert.deepEqual(calls("POST /auth/logout").map(({ token }) => token), ["old", "good"]);
});

test("older videos are asked for until there are as many as wanted", async () => {
  const { api } = setUp({ access_token: "good", refresh_token: "r" });
  answer = ({ what }) => {
    const page = Number(/after=p(\d)/.exec(what)?.[1] ?? 0);
    return { body: { videos: [{ video_id: `v${page}` }], next: `p${page + 1}` } };
  };

  const { videos, more } = await api.videos(3);

  assert.deepEqual(videos.map(({ video_id }) => video_id), ["v0", "v1", "v2"]);
  assert.equal(more, true);
});

test("the zip's address comes as JSON, or is where a redirect leads", async () => {
  const { api } = setUp({ access_token: "good", refresh_token: "r" });
  const zip = `${base}/store/v1.zip?signed`;
  answer = ({ what }) => (what.includes("/store/") ? { body: "zip" } : { body: { url: zip } });
  assert.equal(await api.zipAddress("v1"), zip);

  answer = ({ what }) =>
    what.includes("/store/") ? { body: "zip" } : { status: 302, headers: { location: zip } };
  assert.equal(await api.zipAddress("v1"), zip);
});

test("errors are sentences, also without a problem document and without an answer", async () => {
  const { api } = setUp({ access_token: "good", refresh_token: "r" });
  answer = () => ({ status: 502, body: "<html>bad gateway" });
  await assert.rejects(api.remove("v1"), { status: 502, message: /HTTP 502/ });

  answer = () => ({ body: "{ cut" });
  await assert.rejects(api.me(), { message: /broke off/ });

  server.closeAllConnections();
  server.close();
  await once(server, "close");
  await assert.rejects(api.me(), { status: 0, message: /no connection/ });
});

test("what goes wrong is said in the language of the day, and names no host", async () => {
  const { api } = setUp({ access_token: "good", refresh_token: "r" });
  answer = () => ({ status: 502 });
  const error = await api.me().catch((thrown: unknown) => thrown);
  assert.equal(say(error, pt), "O serviço respondeu com um erro (HTTP 502).");
  assert.equal(say(new SessionOver(), pt), pt.login.over);
  for (const words of [en, pt]) {
    assert.doesNotMatch(say(error, words), /127|host/);
  }
});

test("a page does not set the headers that belong to the browser", () => {
  const headers = {
    "Content-Length": "12",
    "content-type": "video/mp4",
    Host: "store",
    "x-amz-checksum-crc32": "AAAA",
    "Sec-Fetch-Mode": "cors",
    te: "trailers",
    "x-te": "fine",
  };
  assert.deepEqual(sendableHeaders(headers).map(([name]) => name), ["content-type", "x-amz-checksum-crc32", "x-te"]);
});
