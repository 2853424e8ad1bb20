#!/usr/bin/env python3
"""Prints how fast the engine is, against the ways that others take, as a table for BENCHMARKS.md.

Usage: bench.py EXTRACT [--clips FOLDER] [--rounds N] [--ffmpeg PATH] [--only WORD] [VIDEO...]

EXTRACT is the engine's example of that name, built for release. Videos given are measured too.
"""

import argparse
import functools
import importlib.util
import os
import shutil
import subprocess
import tempfile

from clips import Clips
from runs import MEMORY, Ways, interleaved


def table(title, columns):
    print(f"\n{title}\n\n| {' | '.join(columns)} |\n|{'---|' * len(columns)}", flush=True)


def row(*cells):
    print("|", " | ".join(str(cell) for cell in cells), "|", flush=True)


def megabytes(count):
    return f"{count / 2**20:.0f} MiB"


def against_others(ways, clip, rounds):
    """The everyday job: one frame a second."""
    columns = ["way", "wall s", "CPU s", "times the engine"]
    table("Every 1 s, 2 s between keyframes, 1080p30, 10 minutes", columns)
    contest = {
        "the engine": lambda: ways.engine(clip, 1),
        "decoding only, 2 threads": lambda: ways.decode(clip),
        "ffmpeg to files, then zip": lambda: ways.files(clip, 1),
    }
    if importlib.util.find_spec("cv2"):
        contest["OpenCV loop with zipfile"] = lambda: ways.opencv(clip, 1)
    found = interleaved(rounds, contest)
    engine = found["the engine"]
    for name, run in found.items():
        times = f"{run.wall / engine.wall:.2f} wall, {run.cpu / engine.cpu:.2f} CPU"
        row(name, f"{run.wall:.1f}", f"{run.cpu:.1f}", times)


def against_seekers(ways, cases, rounds):
    """What a user would take instead, for each clip; `–` where it is not installed."""
    others = {
        "PyAV": "av",
        "OpenCV, seeking": "cv2",
    }
    names = [*others, "ffmpeg -ss", "ffmpeg, keyframes only", "decoding, 2 threads"]
    columns = ["clip", "every", "the engine: wall s, CPU s", *names]
    table("Against seeking by others (wall, CPU; the engine is 1)", columns)
    for name, make, intervals in cases:
        clip = make()
        for every in intervals:
            contest = {"engine": functools.partial(ways.engine, clip, every)}
            for other, module in others.items():
                if importlib.util.find_spec(module):
                    contest[other] = functools.partial(ways.script, module, clip, every)
            contest["ffmpeg -ss"] = functools.partial(ways.seeks, clip, every)
            contest["ffmpeg, keyframes only"] = functools.partial(ways.keyframes, clip, every)
            contest["decoding, 2 threads"] = functools.partial(ways.decode, clip)
            found = interleaved(rounds, contest)
            engine = found["engine"]
            times = [
                f"{found[other].wall / engine.wall:.2f}, {found[other].cpu / engine.cpu:.2f}"
                if other in found
                else "–"
                for other in names
            ]
            row(name, f"{every} s", f"{engine.wall:.1f}, {engine.cpu:.1f}", *times)


def seeking_cases(clips):
    """Name, clip, and the intervals in seconds."""
    usual = (1, 10, 10.1)
    yield "H.264, 2 s", lambda: clips.h264(60), usual
    yield "H.264, 10 s", lambda: clips.h264(300), usual
    yield "OBS mkv", clips.obs, usual
    yield "MPEG-TS, 2 s", clips.ts, (10.1,)
    yield "HEVC", lambda: clips.hevc(False), usual
    yield "VP9 WebM, 2 s", clips.vp9, usual
    yield "AV1 WebM, 2 s", clips.av1, usual
    yield "4K H.264, 30 s", clips.uhd, (1, 10.1)
    yield "torchcodec's contest", clips.contest, (12,)


def against_decoding(ways, cases, rounds):
    """Bytes and time against a full decode."""
    columns = ["clip", "every", "mode", "strategy", "bytes read", "requests", "frames"]
    columns += ["wall", "CPU", "CPU of a decode", "right", "memory", "on disk"]
    table("Against decoding all (wall and CPU: share of decoding with 2 threads)", columns)
    for name, make, jobs in cases:
        clip = make()
        contest = {job: functools.partial(ways.engine, clip, *job) for job in jobs}
        contest["decode"] = functools.partial(ways.decode, clip)
        found = interleaved(rounds, contest)
        decode = found.pop("decode")
        for (every, mode), engine in found.items():
            facts = engine.facts
            exact = mode == "exact"
            same = "/".join(map(str, ways.on_screen(clip, engine, every))) if exact else "–"
            row(
                name, f"{every} s", mode, facts["strategy"].replace("_", " "),
                f"{facts['bytes_read'] / facts['source_bytes']:.1%}", facts["requests"],
                facts["frames"],
                f"{engine.wall / decode.wall:.2f}", f"{engine.cpu / decode.cpu:.3f}",
                f"{decode.cpu / engine.cpu:.1f} times", same, megabytes(facts["peak_memory"]),
                engine.written,
            )


def growth(ways, clips, rounds):
    """Longer videos, as many seconds apart."""
    table("Growth, every 10.1 s", ["minutes", "frames", "bytes read", "wall s", "CPU s", "memory"])
    lengths = {minutes: clips.h264(60, minutes) for minutes in (10, 30, 120)}
    contest = {
        minutes: functools.partial(ways.engine, clip, 10.1) for minutes, clip in lengths.items()
    }
    for minutes, run in interleaved(rounds, contest).items():
        facts = run.facts
        row(
            minutes, facts["frames"], f"{facts['bytes_read'] / facts['source_bytes']:.1%}",
            f"{run.wall:.1f}", f"{run.cpu:.1f}", megabytes(facts["peak_memory"]),
        )


def cases(clips, videos):
    """Name, clip (made when it is asked for), and the intervals and modes of each."""
    # 10 s is a multiple of the distance of keyframes, where the wanted frames are keyframes
    # themselves; 10.1 s is not.
    short = [(1, "exact"), (10, "exact"), (10.1, "exact"), (10.1, "keyframe")]
    yield "H.264, 2 s", lambda: clips.h264(60), short
    yield "H.264, 2 s, index at the end", lambda: clips.h264(60, front=False), short[2:3]
    yield "H.264, 2 s, fragmented", clips.fragmented, short[:1] + short[2:3]
    yield "H.264, 10 s", lambda: clips.h264(300), [(10.1, "exact"), (60.7, "exact")]
    usual = [(1, "exact"), (10.1, "exact")]
    yield "phone: no B-frames, 1 s", clips.phone, usual
    yield "HEVC, closed groups", lambda: clips.hevc(False), usual
    yield "HEVC, open groups", lambda: clips.hevc(True), usual
    with_keyframes = [*usual, (1, "keyframe")]
    yield "OBS mkv", clips.obs, [*with_keyframes, (10, "exact")]
    yield "MPEG-TS, 2 s", clips.ts, usual
    yield "VP9 WebM, 2 s", clips.vp9, with_keyframes
    yield "AV1 WebM, 2 s", clips.av1, with_keyframes
    yield "4K H.264, 30 s", clips.uhd, usual
    yield "torchcodec's contest", clips.contest, [(12, "exact")]
    for video in videos:
        path = os.path.abspath(video)
        yield os.path.basename(video), lambda path=path: path, usual


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("extract")
    parser.add_argument("--clips", default=os.path.join(tempfile.gettempdir(), "fotograma-clips"))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--ffmpeg", default=shutil.which("ffmpeg"))
    parser.add_argument("--only", default="", help="clips whose name has this in it")
    parser.add_argument("videos", nargs="*")
    given = parser.parse_intermixed_args()
    clips = Clips(given.clips)
    version = subprocess.run([given.ffmpeg, "-version"], capture_output=True, text=True, check=True)
    print(f"{version.stdout.splitlines()[0]}; {os.cpu_count()} cores; medians of {given.rounds}")
    # Zips in memory: what is then written to disk is written by the way.
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        ways = Ways(os.path.abspath(given.extract), folder, given.ffmpeg)
        if not given.only:
            against_others(ways, clips.h264(60), given.rounds)
        chosen = [case for case in cases(clips, given.videos) if given.only in case[0]]
        against_decoding(ways, chosen, given.rounds)
        seeking = [case for case in seeking_cases(clips) if given.only in case[0]]
        against_seekers(ways, seeking, given.rounds)
        if not given.only:
            growth(ways, clips, given.rounds)


if __name__ == "__main__":
    main()
