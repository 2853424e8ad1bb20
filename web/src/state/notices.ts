/** What is said beside the things themselves: aloud to a screen reader, and in passing at the foot. */

import { signal } from "@preact/signals";

/** What a screen reader says next. */
export const announcement = signal("");

export function announce(text: string): void {
  // The same words again are said again only if they differ.
  announcement.value = announcement.peek() === text ? `${text}\u00a0` : text;
}

export interface Toast {
  id: number;
  text: string;
  action?: { label: string; act: () => void };
}

export const toasts = signal<Toast[]>([]);

const STAY_MS = 6_000;
let ids = 0;

/** Says something in passing. With an action it stays until `close` is called. */
export function toast(text: string, action?: Toast["action"]): () => void {
  ids += 1;
  const id = ids;
  const close = () => {
    toasts.value = toasts.peek().filter((other) => other.id !== id);
  };
  toasts.value = [...toasts.peek(), action ? { id, text, action } : { id, text }];
  if (!action) {
    setTimeout(close, STAY_MS);
  }
  announce(text);
  return close;
}

/** A question before what cannot be undone. */
export interface Question {
  text: string;
  yes: string;
  no: string;
  answer: (yes: boolean) => void;
}

export const question = signal<Question | null>(null);

export function ask(text: string, { yes, no }: { yes: string; no: string }): Promise<boolean> {
  return new Promise((resolve) => {
    question.value = {
      text,
      yes,
      no,
      answer(answer) {
        question.value = null;
        resolve(answer);
      },
    };
  });
}
