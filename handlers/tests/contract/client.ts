// What a page's author writes against the types that openapi-typescript makes: it compiles, or the document
// does not say what the page needs.
import type { components, operations, paths } from "./made/api.js";

type Video = components["schemas"]["Video"];

const upload: NonNullable<operations["upload-create"]["requestBody"]>["content"]["application/json"] = {
  filename: "holiday.mp4",
  content_type: "video/mp4",
  size: 1,
  every: "500ms",
  width: 320,
};

// @ts-expect-error A misspelt option is no option.
const misspelt: typeof upload = { ...upload, widht: 320 };

type List = paths["/videos/{user_id}"]["get"]["responses"]["200"]["content"]["application/json"];

export function ended(list: List): Video[] {
  return list.videos.filter((video) => video.status === "done" || video.status === "failed");
}

export function every(video: Video): number {
  return video.options.every_ms;
}

export { misspelt, upload };
