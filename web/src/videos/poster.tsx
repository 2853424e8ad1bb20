/** The picture at a row's beginning. */

import { Icon } from "../ui/icons.tsx";

export function Poster({ picture, title }: { picture: string | null; title: string }) {
  return (
    <div class="poster" aria-hidden="true" data-title={title}>
      {picture ? <img src={picture} alt="" decoding="async" /> : <Icon name="film" />}
    </div>
  );
}
