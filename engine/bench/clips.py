"""The clips that the benchmark runs on, made by ffmpeg once and kept."""

import os
import subprocess
from pathlib import Path

# Pictures that move everywhere, with the noise of a camera, at a phone's bit rate.
PICTURES = (
    "testsrc2=size={size}:rate=30:duration={seconds},"
    "rotate=0.3*sin(t):fillcolor=gray,noise=alls=4:allf=t"
)
X264 = "-c:v libx264 -preset veryfast -b:v 2400k -maxrate 4M -bufsize 8M -sc_threshold 0"
X265 = "-c:v libx265 -preset ultrafast -b:v 2400k -x265-params log-level=error:keyint=60"
VP9 = "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -row-mt 1 -b:v 2400k"


def ffmpeg(*words):
    subprocess.run(["ffmpeg", "-v", "error", "-nostdin", "-y", *words], check=True)


def encode(path, size, seconds, words):
    """A clip encoded from moving pictures, unless it is there already."""
    if not path.exists():
        part = path.with_name("part-" + path.name)
        pictures = PICTURES.format(size=size, seconds=seconds)
        ffmpeg("-f", "lavfi", "-i", pictures, "-pix_fmt", "yuv420p", *words.split(), part)
        os.replace(part, path)
    return path


def repeat(source, path, times, *words):
    """The same pictures again and again, without encoding them again."""
    if not path.exists():
        part = path.with_name("part-" + path.name)
        ffmpeg("-stream_loop", str(times - 1), "-i", source, "-c", "copy", *words, part)
        os.replace(part, path)
    return path


class Clips:
    """Clips in a folder, made when they are first asked for."""

    FRONT = ("-movflags", "+faststart")

    def __init__(self, folder):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)

    def h264(self, gop, minutes=10, front=True):
        """1080p30 H.264 with `gop` frames between keyframes."""
        words = f"{X264} -g {gop} -keyint_min {gop}"
        minute = encode(self.folder / f"minute-{gop}.mp4", "1920x1080", 60, words)
        name = f"h264-{gop}-{minutes}min-{'front' if front else 'end'}.mp4"
        return repeat(minute, self.folder / name, minutes, *(self.FRONT if front else ()))

    def fragmented(self):
        """The same in fragments of a keyframe distance, with the index that ffmpeg writes."""
        minute = self.h264(60, 1)
        words = ("-movflags", "frag_keyframe+empty_moov+default_base_moof")
        return repeat(minute, self.folder / "fragmented-5min.mp4", 5, *words)

    def phone(self):
        """As phones record: no B-frames, a keyframe each second."""
        words = f"{X264} -bf 0 -g 30 -keyint_min 30"
        minute = encode(self.folder / "phone-minute.mp4", "1920x1080", 60, words)
        return repeat(minute, self.folder / "phone-5min.mp4", 5)

    def hevc(self, open_gop):
        """HEVC, whose keyframes are not all clean starts if `open_gop`."""
        kind = "open" if open_gop else "closed"
        words = f"{X265}:open-gop={int(open_gop)} -tag:v hvc1"
        minute = encode(self.folder / f"hevc-{kind}-minute.mp4", "1920x1080", 60, words)
        return repeat(minute, self.folder / f"hevc-{kind}-5min.mp4", 5)

    def vp9(self):
        """A WebM with a keyframe every two seconds."""
        minute = encode(self.folder / "vp9-minute.webm", "1920x1080", 60, f"{VP9} -g 60")
        return repeat(minute, self.folder / "vp9-5min.webm", 5)

    def obs(self):
        """As OBS records: Matroska with a keyframe every 250 frames, and sound."""
        minute = self.folder / "obs-minute.mkv"
        if not minute.exists():
            video = encode(
                self.folder / "obs-video.mp4", "1920x1080", 60, f"{X264} -g 250 -keyint_min 250"
            )
            part = minute.with_name("part-" + minute.name)
            sound = ("-f", "lavfi", "-i", "sine=frequency=440:duration=60")
            ffmpeg("-i", video, *sound, "-c:v", "copy", "-c:a", "aac", part)
            os.replace(part, minute)
        return repeat(minute, self.folder / "obs-10min.mkv", 10)

    def ts(self):
        """The same pictures as H.264 with 2 s between keyframes, in a transport stream."""
        return repeat(self.h264(60, 1), self.folder / "ts-10min.ts", 10)

    def av1(self):
        """A WebM of AV1 with a keyframe every two seconds."""
        words = "-c:v libsvtav1 -preset 10 -b:v 2400k -g 60"
        minute = encode(self.folder / "av1-minute.webm", "1920x1080", 60, words)
        return repeat(minute, self.folder / "av1-5min.webm", 5)

    def contest(self):
        """The clip of torchcodec's own contest: 120 s of 1080p60, 600 frames between keyframes."""
        words = f"{X264} -r 60 -g 600 -keyint_min 600"
        minute = encode(self.folder / "contest-minute.mp4", "1920x1080", 60, words)
        return repeat(minute, self.folder / "contest.mp4", 2)

    def uhd(self):
        """4K for half a minute."""
        words = "-c:v libx264 -preset ultrafast -b:v 20M -g 60"
        return encode(self.folder / "uhd.mp4", "3840x2160", 30, words)
