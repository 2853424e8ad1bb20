"""`fotograma extract`: the engine alone, on files and objects."""

import io
import json
import signal
import subprocess
import zipfile

import pytest

from clips import difference, jpegs, rows, sizes, small_clip, small_frames
from system import BUCKET, children, clean_environment, is_alive
from waiting import until


def test_frames_of_a_file(fotograma, clips, tmp_path):
    file = clips.test_card(seconds=4)
    done = fotograma("extract", file, "-o", "frames.zip")
    assert (done.returncode, done.stdout) == (0, "")
    assert "4 pictures in frames.zip" in done.stderr
    with zipfile.ZipFile(tmp_path / "frames.zip") as zipped:
        assert zipped.testzip() is None
        frames = jpegs(zipped)
        assert rows(zipped)[1] == [
            [f"frame_{n + 1:05}.jpg", f"{n}.000", f"{n}.000"] for n in range(4)
        ]
    assert sizes(frames) == [(320, 180)] * 4
    assert difference(small_frames(frames), small_clip(file)) < 4


@pytest.mark.parametrize("every", [40, 80, 120, 200, 400, 600])
def test_a_moment_that_has_a_frame_gets_that_frame(fotograma, clips, tmp_path, every):
    """25 frames a second: each of these intervals ends where a frame begins."""
    done = fotograma(
        "extract", clips.test_card(seconds=4), "-o", "frames.zip", "--every", f"{every}ms"
    )
    assert done.returncode == 0, done.stderr
    with zipfile.ZipFile(tmp_path / "frames.zip") as zipped:
        moments = [(seconds, at) for _, seconds, at in rows(zipped)[1]]
    assert moments == [(f"{at / 1000:.3f}",) * 2 for at in range(0, 4000, every)]


def test_what_is_there_is_not_overwritten(fotograma, clips, tmp_path):
    output = tmp_path / "frames.zip"
    output.write_bytes(b"mine")
    done = fotograma("extract", clips.test_card(), "-o", "frames.zip")
    assert (done.returncode, output.read_bytes()) == (1, b"mine")
    assert "--force" in done.stderr
    assert fotograma("extract", clips.test_card(), "-o", "frames.zip", "--force").returncode == 0
    assert zipfile.is_zipfile(output)


def test_a_zip_down_a_pipe(fotograma, clips, tmp_path):
    piped = fotograma("extract", clips.test_card(), "-o", "-", text=False)
    assert piped.returncode == 0
    fotograma("extract", clips.test_card(), "-o", "frames.zip")
    with zipfile.ZipFile(io.BytesIO(piped.stdout)) as zipped:
        assert len(jpegs(zipped)) == 3
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"frames.zip"}


def test_json_for_programs(fotograma, clips, tmp_path):
    done = fotograma("extract", clips.test_card(), "-o", "frames.zip", "--json", "--every", "200ms")
    told = json.loads(done.stdout)
    assert told["frames"] == 15
    assert told["bytes_written"] == (tmp_path / "frames.zip").stat().st_size
    both = fotograma("extract", clips.test_card(), "-o", "-", "--json")
    assert (both.returncode, both.stdout) == (2, "")


def test_ways_to_choose(fotograma, clips, tmp_path):
    flags = ["--every", "1s", "--from", "1s", "--to", "3s", "--width", "160", "--format", "png"]
    done = fotograma("extract", clips.test_card(seconds=4), "-o", "frames.zip", *flags)
    assert done.returncode == 0, done.stderr
    with zipfile.ZipFile(tmp_path / "frames.zip") as zipped:
        assert zipped.namelist()[0] == "frame_00001.png"
        assert zipped.read("frame_00001.png").startswith(b"\x89PNG")
        seconds = [float(at) for _, _, at in rows(zipped)[1]]
    assert seconds == [1.0, 2.0]


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("text.mp4", b"This is a text.\n" * 100, "not a video in a format we know"),
        ("empty.mp4", b"", "The file is empty."),
    ],
)
def test_what_is_no_video_is_said(fotograma, tmp_path, name, content, sentence):
    (tmp_path / name).write_bytes(content)
    done = fotograma("extract", name, "-o", "frames.zip")
    assert (done.returncode, done.stdout) == (1, "")
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("fotograma: ") and sentence in last
    assert {path.name for path in tmp_path.iterdir()} == {name}


def test_more_that_cannot_be(fotograma, clips, tmp_path):
    cases = [
        ([tmp_path / "missing.mp4"], "missing.mp4"),
        ([clips.sound()], "only sound"),
        ([clips.test_card(), "--every", "40ms", "--max-frames", "5"], "more than 5 frames"),
        ([clips.cut(), "--strict"], "damaged or incomplete"),
    ]
    for arguments, words in cases:
        done = fotograma("extract", "-o", "frames.zip", *arguments)
        assert done.returncode == 1, arguments
        assert words in done.stderr
        assert list(tmp_path.iterdir()) == []
    assert fotograma("extract", clips.test_card()).returncode == 2
    assert fotograma("extract", clips.test_card(), "-o", "x.zip", "--every", "0s").returncode == 2


def test_a_poster_a_storyboard_and_a_contact_sheet_lie_beside_the_zip(fotograma, clips, tmp_path):
    wanted = ["--poster", "--storyboard", "--contact-sheet"]
    done = fotograma("extract", clips.cut(), "-o", "my frames.zip", "--strict", *wanted)
    assert (done.returncode, list(tmp_path.iterdir())) == (1, [])
    done = fotograma("extract", clips.test_card(), "-o", "my frames.zip", *wanted)
    assert done.returncode == 0, done.stderr
    ends = ["contact-sheet.jpg", "poster.jpg", "storyboard.jpg", "storyboard.vtt", "zip"]
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"my frames.{end}" for end in ends]
    with zipfile.ZipFile(tmp_path / "my frames.zip") as zipped:
        images = [zipped.read(name) for name in zipped.namelist()]
    assert (tmp_path / "my frames.poster.jpg").read_bytes() in images
    cues = (tmp_path / "my frames.storyboard.vtt").read_text()
    assert "\nmy%20frames.storyboard.jpg#xywh=0,0,160," in cues
    again = fotograma("extract", clips.test_card(), "-o", "other.zip", "--poster")
    assert again.returncode == 0, again.stderr
    again = fotograma("extract", clips.test_card(), "-o", "other.zip", "--poster")
    assert again.returncode == 1 and "--force" in again.stderr
    assert fotograma("extract", clips.test_card(), "-o", "-", "--poster").returncode == 2


def test_a_damaged_video_gives_what_it_has(fotograma, clips, tmp_path):
    done = fotograma("extract", clips.cut(), "-o", "frames.zip")
    assert done.returncode == 0
    assert "warning" in done.stderr
    with zipfile.ZipFile(tmp_path / "frames.zip") as zipped:
        assert 1 <= len(jpegs(zipped)) < 6


def test_an_interruption_leaves_no_half_file(program, clips, tmp_path):
    command = [program, "extract", clips.long(), "-o", "frames.zip", "--every", "40ms"]
    with subprocess.Popen(
        command, cwd=tmp_path, stderr=subprocess.PIPE, env=clean_environment(), text=True
    ) as process:
        helpers = until(lambda: children(process.pid), "ffmpeg at work")
        until(lambda: any(file.stat().st_size for file in tmp_path.iterdir()), "the first bytes")
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "interrupted" in stderr
    assert list(tmp_path.iterdir()) == []
    until(lambda: not any(map(is_alive, helpers)), "the end of ffmpeg")


def test_an_object_in_the_bucket(fotograma, clips, system, tmp_path):
    file = clips.test_card(seconds=4)
    system.aws("s3").upload_file(str(file), BUCKET, "anywhere/card.mp4")
    keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": "us-east-1"}
    there = {"AWS_ENDPOINT_URL": system.aws_url, **keys}
    video = f"s3://{BUCKET}/anywhere/card.mp4"
    done = fotograma("extract", video, "-o", "frames.zip", **there)
    assert done.returncode == 0, done.stderr
    with zipfile.ZipFile(tmp_path / "frames.zip") as zipped:
        assert difference(small_frames(jpegs(zipped)), small_clip(file)) < 4
    missing = fotograma("extract", f"{video}.no", "-o", "other.zip", **there)
    assert missing.returncode == 1
    assert "is not there" in missing.stderr
