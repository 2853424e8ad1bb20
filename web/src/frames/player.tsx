/** The video itself, beside its frames and in step with them. */

import { useEffect, useMemo, useState } from "preact/hooks";

import type { Video } from "../api/types.ts";
import { title } from "../format.ts";
import type { App } from "../state/app.ts";
import { words } from "../words/index.ts";

interface PlayerProps {
  app: App;
  video: Video;
  player: { current: HTMLVideoElement | null };
  /** Where to begin, in seconds. */
  begin: number;
  /** Told of where the video is, as it plays. */
  onTime: (seconds: number) => void;
}

export function Player({ app, video, player, begin, onTime }: PlayerProps) {
  const said = words.value.frames;
  const name = title(video);
  const [file, setFile] = useState(app.files.get(video.video_id) ?? null);
  const [problem, setProblem] = useState<"cannotPlay" | "otherVideo" | null>(null);
  const address = useMemo(() => (file ? URL.createObjectURL(file) : null), [file]);
  useEffect(
    () => () => {
      if (address) {
        URL.revokeObjectURL(address);
      }
    },
    [address],
  );

  // `timeupdate` comes four times a second; a player knows each frame that it shows.
  useEffect(() => {
    const element = player.current;
    if (!element?.requestVideoFrameCallback) {
      return;
    }
    let handle = 0;
    const shown = (_: number, { mediaTime }: VideoFrameCallbackMetadata) => {
      if (!element.paused) {
        onTime(mediaTime);
      }
      handle = element.requestVideoFrameCallback(shown);
    };
    handle = element.requestVideoFrameCallback(shown);
    return () => element.cancelVideoFrameCallback(handle);
  }, [address, onTime]);

  return (
    <aside class="player">
      {address && problem !== "cannotPlay" ? (
        <video
          ref={player}
          src={address}
          controls
          playsInline
          preload="auto"
          aria-label={said.videoLabel(name)}
          onLoadedMetadata={(event) => {
            event.currentTarget.currentTime = begin;
          }}
          onTimeUpdate={(event) => {
            if (!event.currentTarget.paused) {
              onTime(event.currentTarget.currentTime);
            }
          }}
          onError={() => setProblem("cannotPlay")}
        />
      ) : (
        <div class="blank">
          <p>{problem === "cannotPlay" ? said.cannotPlay : said.chooseVideo}</p>
          {problem === "otherVideo" && (
            <p class="problem" role="alert">
              {said.otherVideo}
            </p>
          )}
          {problem !== "cannotPlay" && (
            <label class="button">
              {said.chooseVideoButton}
              <input
                type="file"
                class="unseen"
                accept="video/*"
                onChange={(event) => {
                  const chosen = event.currentTarget.files?.[0];
                  if (!chosen) {
                    return;
                  }
                  const other = video.size != null && chosen.size !== video.size;
                  setProblem(other ? "otherVideo" : null);
                  if (!other) {
                    app.files.set(video.video_id, chosen);
                    setFile(chosen);
                  }
                }}
              />
            </label>
          )}
        </div>
      )}
    </aside>
  );
}
