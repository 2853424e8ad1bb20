import "./style.css";

import { render } from "preact";

import { Root } from "./app.tsx";
import { readConfig } from "./config.ts";
import { openApp } from "./state/app.ts";
import { words } from "./words/index.ts";

const root = document.getElementById("root")!;

try {
  const app = openApp(await readConfig());
  render(<Root app={app} />, root);
} catch (error) {
  render(
    <main>
      <section id="broken" class="card door">
        <h1>{words.value.broken.title}</h1>
        <p>
          {words.value.broken.text} {error instanceof Error ? error.message : ""}
        </p>
      </section>
    </main>,
    root,
  );
}
