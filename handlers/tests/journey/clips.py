"""Videos made for the tests, and what their frames must look like."""

import csv
import io
import json
import subprocess

# Pictures are compared as small as this: what differs then is seen, and not the codec's noise.
SMALL = (32, 18)
SMALL_BYTES = SMALL[0] * SMALL[1] * 3


def ffmpeg(*arguments, stdin=b""):
    """Runs ffmpeg; gives what it wrote to standard output."""
    command = ["ffmpeg", "-v", "error", "-y", *map(str, arguments)]
    done = subprocess.run(command, input=stdin, capture_output=True, timeout=120)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


class Clips:
    """Makes each clip once, in a folder."""

    def __init__(self, folder):
        self.folder = folder

    def make(self, name, *arguments):
        """The file `name`, made by ffmpeg unless it is there."""
        file = self.folder / name
        if not file.exists():
            ffmpeg(*arguments, file)
        return file

    def test_card(self, seconds=3, size="320x180", hue=0):
        """Moving colours at 25 frames a second; another `hue` gives another video."""
        source = f"testsrc2=duration={seconds}:size={size}:rate=25,hue=h={hue}"
        name = f"card-{seconds}-{size}-{hue}.mp4"
        return self.make(
            name, "-f", "lavfi", "-i", source, "-pix_fmt", "yuv420p", "-preset", "ultrafast",
            "-movflags", "+faststart",
        )  # fmt: skip

    def long(self, seconds=200):
        """So many frames that something can happen meanwhile, in 720 lines."""
        piece = self.test_card(seconds=10, size="1280x720")
        return self.make(
            f"long-{seconds}.mp4", "-stream_loop", seconds // 10 - 1, "-i", piece, "-c", "copy",
        )  # fmt: skip

    def slow_ffmpeg(self, speed):
        """An ffmpeg that reads a video at `speed` times its own pace, on whatever machine."""
        program = self.write(
            f"ffmpeg-{speed}", f'#!/bin/sh\nexec ffmpeg -readrate {speed} "$@"\n'.encode()
        )
        program.chmod(0o755)
        return program

    def sound(self):
        return self.make("sound.m4a", "-f", "lavfi", "-i", "sine=duration=2")

    def cut(self):
        """A video whose index is whole and whose second half is missing."""
        whole = self.test_card(seconds=6).read_bytes()
        return self.write("cut.mp4", whole[: len(whole) // 2])

    def write(self, name, content):
        file = self.folder / name
        file.write_bytes(content)
        return file


def rows(zipped):
    """The rows of a zip's frames.csv: file, when it begins, and the moment."""
    table = csv.reader(io.StringIO(zipped.read("frames.csv").decode()))
    header, *lines = list(table)
    return header, lines


def jpegs(zipped):
    """The frames in their order, as bytes; their names must be 00001, 00002 …"""
    names = [name for name in zipped.namelist() if name != "frames.csv"]
    assert names == [f"frame_{n:05}.jpg" for n in range(1, len(names) + 1)]
    return [zipped.read(name) for name in names]


def sizes(frames):
    """The width and the height of each JPEG."""
    entries = ["-show_entries", "frame=width,height", "-of", "json"]
    command = ["ffprobe", "-v", "error", "-f", "jpeg_pipe", "-i", "-", *entries]
    done = subprocess.run(command, input=b"".join(frames), capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr.decode()
    return [(frame["width"], frame["height"]) for frame in json.loads(done.stdout)["frames"]]


def small(*source, stdin=b"", select="1"):
    """Pictures as small RGB ones, by ffmpeg."""
    filters = f"select={select},scale={SMALL[0]}:{SMALL[1]},format=rgb24"
    raw = ffmpeg(*source, "-vf", filters, "-vsync", "0", "-f", "rawvideo", "-", stdin=stdin)
    return [raw[at : at + SMALL_BYTES] for at in range(0, len(raw), SMALL_BYTES)]


def small_frames(frames):
    """JPEGs as small pictures."""
    return small("-f", "jpeg_pipe", "-i", "-", stdin=b"".join(frames))


def small_clip(file, every_frames=25):
    """Each `every_frames`th picture of a clip, small: what the frames must show."""
    return small("-i", file, select=f"'not(mod(n,{every_frames}))'")


def difference(one, other):
    """How far two lists of small pictures are apart: of each pair the mean, of all the most."""
    assert len(one) == len(other) > 0
    pairs = zip(one, other, strict=True)
    return max(sum(abs(a - b) for a, b in zip(x, y, strict=True)) / len(x) for x, y in pairs)
