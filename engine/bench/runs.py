"""Running and measuring the ways to get at frames."""

import bisect
import csv
import json
import math
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from dataclasses import dataclass, field
from fractions import Fraction

import numpy

# Where nothing is written to a disk, if there is such a place.
MEMORY = "/dev/shm" if os.path.isdir("/dev/shm") else None


# How a user of each library would get at the frames at some moments: by seeking, and decoding from
# there on.
SCRIPTS = {
    "av": """
import json, sys, zipfile, av
container = av.open(sys.argv[1])
stream = container.streams.video[0]
stream.thread_type = "AUTO"
with zipfile.ZipFile(sys.argv[2], "w") as out:
    for moment in json.loads(sys.argv[3]):
        container.seek(int(moment / stream.time_base) + (stream.start_time or 0), stream=stream)
        found = None
        for frame in container.decode(stream):
            begins = frame.time - (stream.start_time or 0) * stream.time_base
            if found is not None and begins > moment:
                break
            found = frame
        if found is None:
            continue
        encoder = av.CodecContext.create("mjpeg", "w")
        encoder.width, encoder.height = found.width, found.height
        encoder.pix_fmt, encoder.time_base = "yuvj420p", stream.time_base
        encoder.options = {"qscale": "3"}
        encoder.qmin = encoder.qmax = 3
        picture = found.reformat(format="yuvj420p")
        packets = list(encoder.encode(picture)) + list(encoder.encode(None))
        out.writestr(f"{moment:.3f}.jpg", b"".join(bytes(packet) for packet in packets))
""",
    "cv2": """
import json, sys, zipfile, cv2
video = cv2.VideoCapture(sys.argv[1])
with zipfile.ZipFile(sys.argv[2], "w") as out:
    for moment in json.loads(sys.argv[3]):
        video.set(cv2.CAP_PROP_POS_MSEC, moment * 1000)
        there, picture = video.read()
        if there:
            image = cv2.imencode(".jpg", picture)[1]
            out.writestr(f"{moment:.3f}.jpg", image.tobytes())
""",
}


@dataclass
class Run:
    """What one run took: seconds by the clock, processor seconds of all processes, and facts."""

    wall: float
    cpu: float
    # Bytes that went to a disk.
    written: int = 0
    facts: dict = field(default_factory=dict)


def measure(words, **more):
    """Runs a command, and all that it starts."""
    begun = time.monotonic()
    with tempfile.TemporaryFile(dir=MEMORY) as out:
        child = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=out, **more)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        wall = time.monotonic() - begun
        if child.returncode:
            sys.exit(f"{words} ended with {child.returncode}")
        out.seek(0)
        return Run(wall, usage.ru_utime + usage.ru_stime, usage.ru_oublock * 512), out.read()


class Ways:
    """The ways to get at the frames of a clip."""

    def __init__(self, extract, folder, ffmpeg):
        self.extract, self.folder, self.ffmpeg = extract, folder, ffmpeg
        path = f"{os.path.dirname(ffmpeg)}:{os.environ['PATH']}"
        # The empty folder that each ffmpeg works in is no file, but an entry in a directory.
        self.env = {**os.environ, "PATH": path, "TMPDIR": folder}
        self.references = {}

    def engine(self, clip, every, mode="exact"):
        """The engine, as if the clip lay in an object store."""
        options = json.dumps({"every_ms": int(every * 1000), "mode": mode})
        zip_path = os.path.join(self.folder, f"{mode}-{every}.zip")
        words = [self.extract, "--served", clip, zip_path, options]
        run, out = measure(words, env=self.env, cwd=self.folder)
        run.facts = json.loads(out)
        run.facts["zip"] = zip_path
        return run

    def decode(self, clip):
        """Decoding only, with two threads: the floor of all that decode everything."""
        words = [self.ffmpeg, "-v", "error", "-nostdin", "-threads", "2", "-i", clip]
        return measure([*words, "-map", "0:V:0", "-f", "null", "-"])[0]

    def files(self, clip, every):
        """One ffmpeg to files, then a zip of the files."""
        folder = tempfile.mkdtemp(dir=self.folder)
        words = [self.ffmpeg, "-v", "error", "-nostdin", "-i", clip, "-vf", f"fps=1/{every}"]
        first, _ = measure([*words, "-q:v", "3", os.path.join(folder, "frame_%05d.jpg")])
        script = "import shutil, sys; shutil.make_archive(sys.argv[1], 'zip', sys.argv[1])"
        second, _ = measure([sys.executable, "-c", script, folder])
        shutil.rmtree(folder)
        os.remove(folder + ".zip")
        return Run(first.wall + second.wall, first.cpu + second.cpu)

    def opencv(self, clip, every):
        """What most do: a loop that decodes and converts each frame, and a deflated zip."""
        script = (
            "import sys, cv2, zipfile\n"
            "video = cv2.VideoCapture(sys.argv[1])\n"
            "step = round(video.get(cv2.CAP_PROP_FPS) * float(sys.argv[2]))\n"
            "with zipfile.ZipFile(sys.argv[3], 'w', zipfile.ZIP_DEFLATED) as out:\n"
            "    n = 0\n"
            "    while True:\n"
            "        there, picture = video.read()\n"
            "        if not there: break\n"
            "        if n % step == 0:\n"
            "            out.writestr(f'frame_{n}.jpg', cv2.imencode('.jpg', picture)[1].tobytes())\n"
            "        n += 1\n"
        )
        zip_path = os.path.join(self.folder, "opencv.zip")
        return measure([sys.executable, "-c", script, clip, str(every), zip_path])[0]

    def moments(self, clip, every):
        """The moments at which frames are wanted, in seconds."""
        words = ["ffprobe", "-v", "error", "-show_entries", "format=duration", "-of", "json", clip]
        length = float(json.loads(measure(words)[1])["format"]["duration"])
        return [number * every for number in range(math.ceil(length / every))]

    def seeks(self, clip, every):
        """One `ffmpeg -ss` for each frame, after the other, then a zip."""
        total = Run(0, 0)
        zip_path = os.path.join(self.folder, "seeks.zip")
        with zipfile.ZipFile(zip_path, "w") as out:
            for moment in self.moments(clip, every):
                words = [self.ffmpeg, "-v", "error", "-nostdin", "-ss", f"{moment:.3f}", "-i", clip]
                words += ["-frames:v", "1", "-q:v", "3", "-f", "image2pipe", "-"]
                run, image = measure(words)
                total.wall, total.cpu = total.wall + run.wall, total.cpu + run.cpu
                out.writestr(f"{moment:.3f}.jpg", image)
        return total

    def keyframes(self, clip, _every):
        """`ffmpeg -skip_frame nokey` into files."""
        folder = tempfile.mkdtemp(dir=self.folder)
        words = [self.ffmpeg, "-v", "error", "-nostdin", "-skip_frame", "nokey", "-i", clip]
        words += ["-map", "0:V:0", "-fps_mode", "passthrough", "-q:v", "3"]
        run, _ = measure([*words, os.path.join(folder, "%05d.jpg")])
        shutil.rmtree(folder)
        return run

    def script(self, name, clip, every):
        """A script of another library that seeks for each frame, and writes JPEGs into a zip."""
        moments = json.dumps(self.moments(clip, every))
        zip_path = os.path.join(self.folder, f"{name}.zip")
        return measure([sys.executable, "-c", SCRIPTS[name], clip, zip_path, moments])[0]

    def on_screen(self, clip, run, every):
        """How many moments of a run show the frame that a full decode has then, and how many there are.

        What is compared are small grey pictures: of the frames near the moment, the one on screen
        then must be the most alike.
        """
        times, pictures = self.reference(clip)
        with zipfile.ZipFile(run.facts["zip"]) as found:
            rows = list(csv.DictReader(found.read("frames.csv").decode().splitlines()))
            names = list(dict.fromkeys(row["file"] for row in rows))
            images = b"".join(found.read(name) for name in names)
        images = dict(zip(names, self.small(["-f", "image2pipe", "-i", "-"], images), strict=True))
        interval = Fraction(str(every))
        moments = math.ceil(self.length(clip) / interval)
        right = 0
        for number, row in enumerate(rows):
            wanted = max(bisect.bisect_right(times, number * interval) - 1, 0)
            near = range(max(wanted - 3, 0), min(wanted + 4, len(pictures)))
            unlike = {at: abs(pictures[at] - images[row["file"]]).mean() for at in near}
            right += min(unlike, key=unlike.get) == wanted
        return right, moments

    def reference(self, clip):
        """The times of all frames of a clip, exact, and small pictures of a full decode."""
        if clip not in self.references:
            times = sorted(self.packets(clip))
            pictures = self.small(["-threads", "2", "-i", clip, "-map", "0:V:0"])
            if len(times) != len(pictures):
                sys.exit(f"{clip} has {len(times)} times and {len(pictures)} pictures")
            # One clip at a time: ten minutes take 180 MB.
            self.references = {clip: (times, pictures)}
        return self.references[clip]

    def packets(self, clip):
        """When each packet's frame is shown, in seconds on the player's clock."""
        entries = "packet=pts:stream=time_base:format=start_time"
        words = ["ffprobe", "-v", "error", "-select_streams", "V:0", "-show_entries", entries]
        found = json.loads(measure([*words, "-of", "json", clip])[1])
        base = Fraction(found["streams"][0]["time_base"])
        times = [packet["pts"] * base for packet in found["packets"]]
        # An mp4 has a zero of its own; a transport stream begins with its pictures, as ffmpeg
        # has it, and others with the first of their streams.
        zero = {".mp4": 0, ".ts": min(times)}.get(
            os.path.splitext(clip)[1], Fraction(found["format"]["start_time"])
        )
        return [time - zero for time in times]

    def length(self, clip):
        """Seconds to the end of the last frame: these clips have frames of one length."""
        times, _ = self.reference(clip)
        return times[-1] + (times[-1] - times[0]) / (len(times) - 1)

    def small(self, source, given=None):
        """All pictures of a source, decoded by ffmpeg and scaled to a few grey points."""
        width, height = 96, 54
        words = [self.ffmpeg, "-v", "error", *source, "-fps_mode", "passthrough"]
        words += ["-vf", f"scale={width}:{height}:flags=area,format=gray", "-f", "rawvideo", "-"]
        done = subprocess.run(words, input=given, capture_output=True, check=True)
        points = numpy.frombuffer(done.stdout, numpy.uint8)
        return points.reshape(-1, height * width).astype(numpy.int16)


def interleaved(rounds, ways):
    """The median run of each way, the ways taking turns."""
    runs = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            runs[name].append(way())
    return {name: median(found) for name, found in runs.items()}


def median(runs):
    wall = statistics.median(run.wall for run in runs)
    cpu = statistics.median(run.cpu for run in runs)
    return Run(wall, cpu, max(run.written for run in runs), runs[-1].facts)
