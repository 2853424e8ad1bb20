/** Server-Sent Events, read by `fetch`: an `EventSource` sends no token. */

export interface ServerEvent {
  name: string;
  data: string;
  id: string | null;
}

/** The events of a stream, as they come. Source: HTML standard, 9.2.6. */
export async function* readEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<ServerEvent> {
  const reader = body.pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>).getReader();
  let rest = "";
  let name = "";
  let data: string[] = [];
  let id: string | null = null;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) {
        return;
      }
      const lines = (rest + value).split(/\r\n|\n|\r(?!$)/);
      rest = lines.pop()!;
      for (const line of lines) {
        if (line === "") {
          if (data.length > 0) {
            yield { name: name || "message", data: data.join("\n"), id };
          }
          name = "";
          data = [];
          continue;
        }
        const colon = line.indexOf(":");
        const field = colon < 0 ? line : line.slice(0, colon);
        const text = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
        if (field === "event") {
          name = text;
        } else if (field === "data") {
          data.push(text);
        } else if (field === "id") {
          id = text;
        }
      }
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}
