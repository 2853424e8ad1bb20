/**
 * The page: who is logged in decides what is seen. Wires the forms and the list to the services.
 */

import { createApi, sessionIn, SessionOver } from "./api.js";
import { $, ask, onSubmit, setText } from "./dom.js";
import { bytes, everyMs } from "./format.js";
import { openUploads } from "./upload.js";
import { openList } from "./videos.js";

const VIEWS = ["login", "signup", "confirm", "videos", "broken"];

/** Reads where the services are; addresses may be relative to the page. */
async function readConfig() {
  const response = await fetch("config.json", { cache: "no-store" });
  if (!response.ok) {
    throw new Error(`config.json could not be read (HTTP ${response.status}).`);
  }
  const config = await response.json();
  for (const name of ["auth", "uploader", "status"]) {
    if (typeof config[name] !== "string") {
      throw new Error(`config.json does not say where "${name}" is.`);
    }
    config[name] = new URL(config[name], document.baseURI).href.replace(/\/+$/, "");
  }
  return config;
}

function show(view) {
  for (const name of VIEWS) {
    $(name).hidden = name !== view;
  }
  for (const problem of document.querySelectorAll("form .problem")) {
    setText(problem, "");
  }
}

/** The forms before a session: log in, sign up, confirm. `onLogin` is called when one begins. */
function wireDoors(api, config, onLogin) {
  /** What a new user has just chosen, so that confirming also logs in. */
  let chosen = null;

  async function login(username, password) {
    try {
      await api.login(username, password);
    } catch (error) {
      if (error.status === 403) {
        // Registered, but the code from the mail has not been given yet.
        chosen = { username, password };
        goTo("confirm", error.message);
        return;
      }
      throw error;
    }
    chosen = null;
    for (const field of document.querySelectorAll("input[type=password]")) {
      field.value = field.defaultValue;
    }
    onLogin();
  }

  function goTo(view, message = "") {
    history.replaceState(null, "", `#${view}`);
    open(view);
    setText($(view).querySelector(".problem"), message);
  }

  function open(view = location.hash.slice(1)) {
    const name = ["signup", "confirm"].includes(view) ? view : "login";
    show(name);
    if (name === "confirm" && chosen) {
      $("confirm-username").value = chosen.username;
    }
    const fields = [...$(name).querySelectorAll("input")];
    (fields.find((field) => field.value === "") ?? fields[0]).focus();
  }

  onSubmit($("login-form"), ({ username, password }) => login(username.value, password.value));

  onSubmit($("signup-form"), async ({ username, password, email }) => {
    await api.signup(username.value, password.value, email.value);
    chosen = { username: username.value, password: password.value };
    goTo("confirm");
  });

  onSubmit($("confirm-form"), async ({ username, code }) => {
    await api.confirm(username.value, code.value.trim());
    code.value = "";
    if (chosen?.username === username.value) {
      await login(chosen.username, chosen.password);
    } else {
      $("login-username").value = username.value;
      goTo("login");
    }
  });

  if (config.demo) {
    for (const name of ["username", "password"]) {
      // The default, so that it is there again after a log-out.
      $(`login-${name}`).defaultValue = config.demo[name];
    }
    $("demo").hidden = false;
  }
  if (config.mailbox) {
    for (const link of document.querySelectorAll("a.mailbox")) {
      link.href = config.mailbox;
    }
    for (const place of document.querySelectorAll(".has-mailbox")) {
      place.hidden = false;
    }
  }
  window.addEventListener("hashchange", () => {
    if (!api.loggedIn()) {
      open();
    }
  });
  return { open, goTo };
}

/** The upload form: files come by its field, or dropped on it; `onChosen` gets them and the interval. */
function wireUploadForm(onChosen) {
  const form = $("upload-form");
  const input = $("file");

  function tell() {
    const files = [...input.files];
    const size = bytes(files.reduce((sum, file) => sum + file.size, 0));
    const what = files.length === 1 ? files[0].name : `${files.length} videos`;
    form.classList.toggle("chosen", files.length > 0);
    setText($("chosen"), files.length > 0 ? `${what}, ${size}` : "");
    setText(form.querySelector(".problem"), "");
  }

  input.addEventListener("change", tell);
  // A file dropped beside the form would make the browser leave the page.
  for (const name of ["dragover", "drop"]) {
    window.addEventListener(name, (event) => event.preventDefault());
  }
  form.addEventListener("dragover", () => form.classList.add("dropping"));
  for (const name of ["dragleave", "drop"]) {
    form.addEventListener(name, () => form.classList.remove("dropping"));
  }
  form.addEventListener("drop", (event) => {
    if (event.dataTransfer.files.length > 0) {
      input.files = event.dataTransfer.files;
      tell();
    }
  });

  onSubmit(form, async ({ every, unit }) => {
    if (input.files.length === 0) {
      throw Object.assign(new Error("Choose a video first."), { field: input });
    }
    try {
      onChosen([...input.files], everyMs(every.value, unit.value));
    } catch (error) {
      throw Object.assign(error, { field: every });
    }
    input.value = "";
    tell();
  });
}

/** What a logged-in user has before them, until `close`. */
function openWorkshop(api) {
  const uploads = openUploads(api, ({ video }) => (video ? list.learn(video) : list.render()));
  const list = openList(api, uploads.has);
  $("account").hidden = false;
  setText($("who"), "");
  api.me().then(
    ({ username }) => setText($("who"), username),
    // The name is an ornament; what is wrong shows where it matters.
    () => {},
  );
  show("videos");
  return {
    uploads,
    async close() {
      $("account").hidden = true;
      await uploads.close();
      list.close();
    },
  };
}

async function main() {
  let config;
  try {
    config = await readConfig();
  } catch (error) {
    setText($("broken-reason"), error.message);
    show("broken");
    return;
  }

  let workshop = null;
  const api = createApi(config, sessionIn(sessionStorage), async () => {
    await leave();
    doors.goTo("login", new SessionOver().message);
  });
  const doors = wireDoors(api, config, () => {
    enter();
    $("videos-title").focus();
  });
  wireUploadForm((files, ms) => files.forEach((file) => workshop.uploads.add(file, ms)));

  function enter() {
    history.replaceState(null, "", location.pathname + location.search);
    workshop = openWorkshop(api);
  }

  async function leave() {
    const left = workshop;
    workshop = null;
    await left?.close();
  }

  $("logout").addEventListener("click", async () => {
    const question = "A video is still being uploaded. Log out and stop the upload?";
    const answers = { yes: "Log out", no: "Stay" };
    if (workshop.uploads.underWay() && !(await ask(question, answers))) {
      return;
    }
    await leave();
    // The tokens are dropped here in any case; telling the provider may fail.
    api.logout().catch(() => {});
    doors.goTo("login");
  });

  if (api.loggedIn()) {
    enter();
  } else {
    doors.open();
  }
}

main();
