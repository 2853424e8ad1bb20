/**
 * Small dealings with the page: words, bars, forms, questions, and doing something again while
 * somebody looks. Texts go in as texts, never as HTML.
 */

export const $ = (id) => document.getElementById(id);

/** A copy of a template's one element. */
export const copyOf = (id) => $(id).content.firstElementChild.cloneNode(true);

/** Writes a text only where it differs, so that a selection and a screen reader are left in peace. */
export function setText(element, text) {
  if (element.textContent !== text) {
    element.textContent = text;
  }
}

/** Shows a share of the bar's `max`; `null` is "going on, nobody knows how far". */
export function setBar(bar, value) {
  if (value === null) {
    bar.removeAttribute("value");
  } else {
    bar.value = value;
  }
}

/** Has a screen reader say something. */
export function announce(text) {
  setText($("announcement"), text);
}

/** Asks before what cannot be undone; true if the person agrees. */
export function ask(question, { yes, no }) {
  const dialog = $("ask");
  setText($("ask-question"), question);
  setText($("ask-yes"), yes);
  setText($("ask-no"), no);
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
  });
}

/**
 * Does something for an element, once at a time; what it throws is shown in the element's
 * `.problem`. An error that names a `field` brings the person there.
 */
export async function attempt(element, act) {
  if (element.getAttribute("aria-busy") === "true") {
    return;
  }
  const problem = element.querySelector(".problem");
  setText(problem, "");
  element.setAttribute("aria-busy", "true");
  try {
    await act();
  } catch (error) {
    setText(problem, error.message);
    error.field?.focus();
  } finally {
    element.setAttribute("aria-busy", "false");
  }
}

/** Has `send` take a form's fields when it is sent. */
export function onSubmit(form, send) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    attempt(form, () => send(form.elements));
  });
}

/** Saves what is at an address that answers with an attachment, so that the page stays. */
export function download(address) {
  const link = document.createElement("a");
  link.href = address;
  link.download = "";
  link.click();
}

/**
 * Calls `load` again and again, `delay()` milliseconds after it has ended, never twice at a time;
 * not while the page is hidden, and at once when it is seen again. `load` must not throw.
 *
 * @returns {{now: () => void, stop: () => void}} `now` asks for a round that begins after the call
 */
export function keepFresh(load, delay) {
  let timer = null;
  let running = false;
  let wanted = false;
  let stopped = false;

  async function now() {
    clearTimeout(timer);
    wanted = true;
    if (running) {
      return;
    }
    running = true;
    while (wanted && !stopped) {
      wanted = false;
      await load();
    }
    running = false;
    if (!stopped && !document.hidden) {
      timer = setTimeout(now, delay());
    }
  }

  function onVisibility() {
    clearTimeout(timer);
    if (!document.hidden) {
      now();
    }
  }

  document.addEventListener("visibilitychange", onVisibility);
  now();
  return {
    now,
    stop() {
      stopped = true;
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", onVisibility);
    },
  };
}
