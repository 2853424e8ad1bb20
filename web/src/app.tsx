/** The page: who is logged in decides what is seen. */

import { useEffect, useRef } from "preact/hooks";

import { Doors } from "./doors/doors.tsx";
import { FramesPage } from "./frames/page.tsx";
import type { App } from "./state/app.ts";
import { ask } from "./state/notices.ts";
import { go, route } from "./state/route.ts";
import { type Theme, theme, wear } from "./state/theme.ts";
import { title } from "./format.ts";
import { Announcement, Ask, OfflineBand, Toasts } from "./ui/parts.tsx";
import { UploadForm } from "./upload/form.tsx";
import { Videos } from "./videos/list.tsx";
import { LANGUAGES, type Language, language, speak, words } from "./words/index.ts";

export function Root({ app }: { app: App }) {
  return (
    <>
      <a class="skip" href="#main" onClick={skip}>
        {words.value.skip}
      </a>
      <Header app={app} />
      <OfflineBand />
      <main id="main" tabIndex={-1}>
        <Body app={app} />
      </main>
      <Footer mailbox={app.config.mailbox} />
      <Toasts />
      <Announcement />
      <Ask />
    </>
  );
}

/** The address says which view, so that it cannot say which element. */
function skip(event: Event) {
  event.preventDefault();
  document.getElementById("main")?.focus();
}

function Header({ app }: { app: App }) {
  const loggedIn = app.list.value !== null;
  async function logout() {
    const { uploads } = words.peek();
    const answers = { yes: words.peek().logout, no: uploads.stay };
    if (!app.uploads.underWay.peek() || (await ask(uploads.logoutQuestion, answers))) {
      await app.logout();
    }
  }
  return (
    <header>
      <div class="wide">
        <p class="brand">
          <a
            href="#"
            onClick={(event) => {
              event.preventDefault();
              go({ view: loggedIn ? "list" : "login" });
            }}
          >
            fotograma
          </a>
        </p>
        {loggedIn && (
          <p id="account">
            <span id="who">{app.username}</span>
            <button type="button" id="logout" onClick={() => void logout()}>
              {words.value.logout}
            </button>
          </p>
        )}
      </div>
    </header>
  );
}

function Body({ app }: { app: App }) {
  const list = app.list.value;
  const { view } = route.value;
  useViewTitle(app);
  if (!list) {
    // Another door is another form: nothing typed into one shows in the next.
    return <Doors app={app} key={view} />;
  }
  if (route.value.view === "frames") {
    return <FramesPage app={app} id={route.value.id} key={route.value.id} />;
  }
  return (
    <div id="videos">
      <UploadForm app={app} />
      <Videos app={app} list={list} />
    </div>
  );
}

/** The window's title, and the focus, follow what is seen. */
function useViewTitle(app: App) {
  const now = route.value;
  const id = now.view === "frames" ? now.id : "";
  const video = app.list.value?.find(id);
  const name = video ? title(video) : "";
  const loggedIn = app.list.value !== null;
  useEffect(() => {
    document.title = name ? `${words.value.frames.title(name)} · fotograma` : "fotograma";
  }, [name, language.value]);
  const first = useRef(true);
  useEffect(() => {
    if (!first.current && loggedIn) {
      scrollTo(0, 0);
      document.getElementById("main")?.focus({ preventScroll: true });
    }
    first.current = false;
  }, [id, loggedIn]);
}

function Footer({ mailbox }: { mailbox: string | undefined }) {
  const said = words.value;
  return (
    <footer>
      <div class="wide">
        <label>
          <span>{said.languageLabel}</span>
          <select id="language" value={language.value} onChange={(event) => speak(event.currentTarget.value as Language)}>
            {(Object.keys(LANGUAGES) as Language[]).map((tag) => (
              <option key={tag} value={tag} lang={tag}>
                {LANGUAGES[tag].language}
              </option>
            ))}
          </select>
        </label>
        <label>
          <span>{said.theme}</span>
          <select id="theme" value={theme.value} onChange={(event) => wear(event.currentTarget.value as Theme)}>
            {(["auto", "light", "dark"] as const).map((name) => (
              <option key={name} value={name}>
                {said.themes[name]}
              </option>
            ))}
          </select>
        </label>
        {mailbox && (
          <p>
            {said.mailOfThisMachine}{" "}
            <a class="mailbox" href={mailbox} target="_blank" rel="noopener">
              {said.mailbox}
            </a>
          </p>
        )}
      </div>
    </footer>
  );
}
