/** Which language the page speaks: as chosen, else as the browser asks. */

import { computed, effect, signal } from "@preact/signals";

import { en, type Words } from "./en.ts";
import { pt } from "./pt.ts";

export type { Words };

/** By their tags (BCP 47), as `lang` and `Intl` take them. */
export const LANGUAGES: Record<Language, Words> = { en, "pt-BR": pt };
export type Language = "en" | "pt-BR";

const KEY = "fotograma.language";

/** The first of the browser's languages that the page has. */
export function preferred(languages: readonly string[]): Language {
  for (const tag of languages) {
    const language = tag.toLowerCase().split("-")[0];
    if (language === "pt") {
      return "pt-BR";
    }
    if (language === "en") {
      return "en";
    }
  }
  return "en";
}

function chosen(): Language {
  const kept = globalThis.localStorage?.getItem(KEY);
  return kept === "en" || kept === "pt-BR" ? kept : preferred(globalThis.navigator?.languages ?? []);
}

export const language = signal<Language>(chosen());

/** The words to say things with now. */
export const words = computed(() => LANGUAGES[language.value]);

/**
 * How numbers and times are written: as the browser's own region has it where that speaks the page's
 * language (en-GB, pt-PT), else as the language has it.
 */
export const locale = computed(() => {
  const short = language.value.split("-")[0] ?? "en";
  const own = globalThis.navigator?.languages?.find((tag) => tag.toLowerCase().startsWith(short));
  return own ?? language.value;
});

export function speak(tag: Language): void {
  localStorage.setItem(KEY, tag);
  language.value = tag;
}

if (globalThis.document) {
  effect(() => {
    document.documentElement.lang = language.value;
  });
  // Another tab has chosen.
  addEventListener("storage", (event) => {
    if (event.key === KEY) {
      language.value = chosen();
    }
  });
}
