"""What is sent: many small jobs of several shapes, some of them twice, and poison among them."""

import io
import json
import random
import subprocess
import zipfile
from dataclasses import dataclass
from pathlib import Path

USER = "soak"
INTERVALS = [1000, 500, 250]
TWICE = 0.2
POISON = 0.05

# Small videos in the containers and codecs that people send: name and how ffmpeg makes it.
SOUND = [
    "-f", "lavfi", "-i", "testsrc2=duration=1.5:size=64x48:rate=10",
    "-f", "lavfi", "-i", "sine=duration=1.5", "-shortest",
]  # fmt: skip
SHAPES = {
    "plain.mp4": ["-g", "5", "-movflags", "+faststart"],
    "index-last.mp4": ["-g", "15"],
    "fragmented.mp4": ["-g", "5", "-movflags", "+frag_keyframe+empty_moov"],
    "b-frames.mkv": ["-bf", "2"],
    "mpeg4.avi": ["-c:v", "mpeg4"],
}
# What can never give a frame, and a word of the reason that the user must be told.
BROKEN = {
    "text.mp4": "not a video",
    "empty.mp4": "empty",
    "sound.m4a": "no video in it",
}


@dataclass
class Job:
    """One job, and how it must end: with these frames, or with these words."""

    video_id: str
    every_ms: int
    clip: Path
    frames: list | None
    reason: str | None

    @property
    def key(self):
        return f"uploads/{USER}/{self.video_id}"

    @property
    def email(self):
        return f"{self.video_id}@example.com"

    def message(self):
        job = {"video_id": self.video_id, "user_id": USER, "email": self.email}
        return json.dumps({**job, "every_ms": self.every_ms})


class Parcel:
    """All that a run sends, the same for the same seed."""

    def __init__(self, program, folder, jobs, seed):
        self.random = random.Random(seed)
        clips = [(clip, None) for clip in make_clips(folder)]
        broken = list(make_broken(folder).items())
        expected = {}
        self.jobs = []
        for number in range(jobs):
            # One in twenty has nothing to give.
            clip, reason = self.random.choice(broken if number % 20 == 7 else clips)
            every_ms = self.random.choice(INTERVALS)
            if reason is None and (clip, every_ms) not in expected:
                expected[clip, every_ms] = alone(program, clip, every_ms)
            frames = expected.get((clip, every_ms)) if reason is None else None
            self.jobs.append(Job(f"v{number:05}", every_ms, clip, frames, reason))
        self.twice = self.random.sample(self.jobs, int(jobs * TWICE))
        self.poison = [self.poisonous(number) for number in range(int(jobs * POISON))]

    def poisonous(self, number):
        """A message that is no job; no two are the same."""
        kinds = [
            f"not json {number}",
            json.dumps({"number": number}),
            json.dumps({"video_id": f"../../{number}", "user_id": USER}),
            json.dumps({"video_id": f"p{number}", "user_id": USER, "every_ms": 0}),
            json.dumps({"video_id": f"p{number}", "user_id": USER, "key": "uploads/other/v"}),
        ]
        return kinds[number % len(kinds)]

    def messages(self):
        """The bodies, well mixed."""
        bodies = [job.message() for job in self.jobs + self.twice] + self.poison
        self.random.shuffle(bodies)
        return bodies


def make_clips(folder):
    """The whole ones."""
    for name, options in SHAPES.items():
        ffmpeg(*SOUND, "-pix_fmt", "yuv420p", *options, folder / name)
    return [folder / name for name in SHAPES]


def make_broken(folder):
    """The others, each with a word of its reason."""
    (folder / "text.mp4").write_bytes(b"This is a text.\n" * 20)
    (folder / "empty.mp4").write_bytes(b"")
    ffmpeg("-f", "lavfi", "-i", "sine=duration=1", folder / "sound.m4a")
    return {folder / name: reason for name, reason in BROKEN.items()}


def ffmpeg(*arguments):
    subprocess.run(["ffmpeg", "-v", "error", "-y", *map(str, arguments)], check=True, timeout=120)


def alone(program, clip, every_ms):
    """The frames that the program makes of a clip when nothing disturbs it."""
    zipped = clip.parent / f"{clip.name}-{every_ms}.zip"
    command = [program, "extract", clip, "-o", zipped, "--every", f"{every_ms}ms"]
    subprocess.run(command, check=True, timeout=120, capture_output=True)
    return contents(zipped.read_bytes())


def contents(zipped):
    """The names and checksums in a zip that is whole; none of one that is not."""
    try:
        archive = zipfile.ZipFile(io.BytesIO(zipped))
        if archive.testzip() is not None:
            return None
    except zipfile.BadZipFile:
        return None
    return [(entry.filename, entry.CRC) for entry in archive.infolist()]
