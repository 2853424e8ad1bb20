/** Small things that several views show. */

import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";

import { say } from "../api/client.ts";
import { sentence } from "../format.ts";
import { announcement, question, toasts } from "../state/notices.ts";
import { online } from "../state/online.ts";
import { words } from "../words/index.ts";
import { reasonIn } from "../words/reasons.ts";
import { Icon } from "./icons.tsx";

/** What went wrong, in the language of the day; its place is there before. */
export function Problem({ error, id }: { error: unknown; id?: string }) {
  return (
    <p class="problem" role="alert" id={id}>
      {error ? say(error, words.value) : ""}
    </p>
  );
}

/** What is wrong with the frames that there are. */
export function Warning({ text }: { text: string }) {
  return (
    <p class="warning">
      <Icon name="warning" />
      {sentence(reasonIn(text, words.value.tag))}
    </p>
  );
}

/** Something that a person has set going: at most once at a time, and what went wrong with it. */
export function useAttempt() {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  async function attempt(act: () => Promise<unknown>) {
    if (busy) {
      return;
    }
    setBusy(true);
    setError(null);
    try {
      await act();
    } catch (thrown) {
      setError(thrown);
    } finally {
      setBusy(false);
    }
  }
  return { busy, error, setError, attempt };
}

/** A share of 1; `null`: it goes on, nobody knows how far. */
export function Bar({ share, label, idle = false }: { share: number | null; label: string; idle?: boolean }) {
  return (
    <progress class={idle ? "idle" : ""} aria-label={label} max={1} {...(share === null ? {} : { value: share })} />
  );
}

/** Some choices of which one holds. */
export function Choices<T extends string>(props: {
  label: string;
  name: string;
  value: T;
  choices: readonly (readonly [T, string])[];
  onChoose: (value: T) => void;
}) {
  return (
    <fieldset class="choices">
      <legend class="unseen">{props.label}</legend>
      {props.choices.map(([value, text]) => (
        <label key={value}>
          <input
            type="radio"
            name={props.name}
            value={value}
            checked={value === props.value}
            onChange={() => props.onChoose(value)}
          />
          <span>{text}</span>
        </label>
      ))}
    </fieldset>
  );
}

/** Something empty, waited for or broken, in the middle of where it would be. */
export function Blank({ title, children }: { title?: string; children?: ComponentChildren }) {
  return (
    <div class="blank">
      <span class="blank-strip" aria-hidden="true">
        <i />
        <i />
        <i />
      </span>
      {title && <p class="blank-title">{title}</p>}
      {children}
    </div>
  );
}

export function Toasts() {
  return (
    <div class="toasts">
      {toasts.value.map(({ id, text, action }) => (
        <p class="toast" key={id}>
          <span>{text}</span>
          {action && (
            <button type="button" onClick={action.act}>
              {action.label}
            </button>
          )}
        </p>
      ))}
    </div>
  );
}

/** What a screen reader is told; the page's only region of that kind. */
export const Announcement = () => (
  <p class="unseen" role="status" id="announcement">
    {announcement}
  </p>
);

/** Says that there is no network, as long as there is none. */
export function OfflineBand() {
  return (
    <div role="status" id="offline">
      {!online.value && (
        <p class="band">
          <span class="wide">{words.value.offline}</span>
        </p>
      )}
    </div>
  );
}

/** Asks before what cannot be undone. */
export function Ask() {
  const dialog = useRef<HTMLDialogElement>(null);
  const asked = question.value;
  useEffect(() => {
    if (asked) {
      dialog.current?.showModal();
    } else {
      dialog.current?.close();
    }
  }, [asked]);
  return (
    <dialog id="ask" ref={dialog} aria-labelledby="ask-question" onClose={() => question.peek()?.answer(false)}>
      <p id="ask-question">{asked?.text}</p>
      <p class="actions">
        <button type="button" id="ask-no" onClick={() => asked?.answer(false)}>
          {asked?.no}
        </button>
        <button type="button" id="ask-yes" class="danger" onClick={() => asked?.answer(true)}>
          {asked?.yes}
        </button>
      </p>
    </dialog>
  );
}

/** A button of which the picture is enough where there is little room. */
export function IconButton(props: {
  icon: Parameters<typeof Icon>[0]["name"];
  text: string;
  label?: string;
  class?: string;
  disabled?: boolean;
  onClick: () => void;
}) {
  return (
    <button
      type="button"
      class={`with-icon ${props.class ?? ""}`}
      aria-label={props.label ?? props.text}
      title={props.text}
      disabled={props.disabled ?? false}
      onClick={props.onClick}
    >
      <Icon name={props.icon} />
      <span>{props.text}</span>
    </button>
  );
}
