"""Uploading a video, watching it, fetching its frames, and deleting it."""

import hashlib
import subprocess
import zipfile

import pytest
import requests

from clips import difference, jpegs, rows, small_clip, small_frames
from people import User, good, refused
from system import BUCKET
from waiting import until

MIB = 1024 * 1024


def put(announced, body, **headers):
    """A PUT to the announced address, with some headers changed."""
    headers = {**announced["headers"], **{k.replace("_", "-"): v for k, v in headers.items()}}
    return requests.put(announced["url"], data=body, headers=headers, timeout=60)


def test_only_what_was_announced_can_be_put(user, clips):
    video = clips.test_card().read_bytes()
    announced = good(user.register(len(video)), 201)
    assert announced["method"] == "PUT"
    headers = {name.lower(): value for name, value in announced["headers"].items()}
    assert headers["content-type"] == "video/mp4"
    video_id = announced["video_id"]

    longer = put(announced, video + b"x", content_length=str(len(video) + 1))
    shorter = put(announced, video[:-1], content_length=str(len(video) - 1))
    other_type = put({**announced, "headers": {**headers, "content-type": "text/html"}}, video)
    assert [longer.status_code, shorter.status_code, other_type.status_code] == [403, 403, 403]

    refused(user.complete(video_id), 409)
    assert user.video(video_id)["status"] == "awaiting_upload"
    assert put(announced, video).status_code == 200
    assert good(user.complete(video_id), 202)["video_id"] == video_id
    assert user.until_ended(video_id)["status"] == "done"


def test_saying_twice_that_it_is_there_changes_nothing(user, clips):
    video_id = user.upload(clips.test_card())
    good(user.complete(video_id), 202)
    done = user.until_ended(video_id)
    assert good(user.complete(video_id), 202)["status"] == "done"
    until(lambda: not user.system.waiting("video-queue"), "an empty queue")
    assert len(user.until_mailed()) == 1
    assert user.video(video_id)["created_at"] == done["created_at"]


def test_a_file_that_nobody_says_is_there_is_found(new_system, clips):
    user = User(new_system().start()).join()
    video = clips.test_card().read_bytes()
    announced = good(user.register(len(video)), 201)
    assert put(announced, video).status_code == 200
    # The news of an upload waits a while for the client to be the first to tell.
    user.system.advance_clock(20)
    assert user.until_ended(announced["video_id"])["status"] == "done"


def test_a_large_form_takes_no_more_memory(new_system, tmp_path):
    user = User(new_system().start()).join()
    file = tmp_path / "large.mp4"
    file.write_bytes(b"This is not a video. " * 1000)
    peaks = []
    for size in (100 * MIB, 300 * MIB):
        with file.open("r+b") as large:
            large.truncate(size)
        user.system.forget_peak_rss()
        send_form(user, file)
        newest = user.videos()["videos"][0]
        assert (newest["size"], newest["filename"]) == (size, "large.mp4")
        ended = user.until_ended(newest["video_id"])
        assert ended["status"] == "failed"
        assert "not a video" in ended["reason"]
        peaks.append(user.system.peak_rss_mib())
    # What the embedded AWS and the buffers of the parts take, they take for both.
    assert peaks[1] - peaks[0] < 60, peaks


def send_form(user, file):
    """A form upload by curl, which streams the file."""
    answer = subprocess.run(
        [
            "curl", "-sS", "--fail-with-body", "-F", f"file=@{file}",
            "-H", f"Authorization: Bearer {user.tokens['access_token']}",
            user.system.url("video-uploader") + "/upload/",
        ],
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert answer.returncode == 0, answer.stdout + answer.stderr


def form(user, content, **fields):
    """A form upload of `content`."""
    files = {"file": ("video.mp4", content)}
    return user.call("POST", "video-uploader", "/upload/", files=files, data=fields)


def test_a_form_says_every(user, clips):
    video = clips.test_card().read_bytes()
    video_id = good(form(user, video, every="500ms"), 202)["video_id"]
    done = user.until_ended(video_id)
    assert (done["status"], done["frames"], done["options"]["every_ms"]) == ("done", 6, 500)
    header, lines = rows(user.frames(video_id))
    assert header == ["file", "seconds", "at"]
    # Of 25 frames a second the 13th, on screen from 0.48 s to 0.52 s, is the one at 0.5 s.
    assert [(seconds, at) for _, seconds, at in lines] == [
        ("0.000", "0.000"),
        ("0.480", "0.500"),
        ("1.000", "1.000"),
        ("1.480", "1.500"),
        ("2.000", "2.000"),
        ("2.480", "2.500"),
    ]


def test_forms_that_are_refused_leave_nothing_behind(user, clips):
    video = clips.test_card().read_bytes()
    refused(form(user, video, every="often"), 400)
    refused(form(user, b""), 400)
    refused(user.call("POST", "video-uploader", "/upload/", data={"every": "1s"}), 415)
    refused(user.call("POST", "video-uploader", "/upload/", files={"every": (None, "1s")}), 400)
    two = [("file", ("a.mp4", video)), ("file", ("b.mp4", video))]
    refused(user.call("POST", "video-uploader", "/upload/", files=two), 400)
    assert user.videos()["videos"] == []
    left = user.system.aws("s3").list_objects_v2(Bucket=BUCKET, Prefix=f"uploads/{user.id}/")
    assert left["KeyCount"] == 0


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"size": 0}, 400),
        ({"size": -1}, 400),
        ({"size": 6 * 1024**3}, 413),
        ({"every": "0s"}, 400),
        ({"every": "often"}, 400),
        ({"filename": "/"}, 400),
        ({"content_type": "video"}, 400),
    ],
)
def test_uploads_that_cannot_be_are_refused(user, change, status):
    refused(user.register(**{"size": 10, **change}), status)
    assert user.videos()["videos"] == []


def test_two_jobs_at_once_do_not_share_a_frame(user, clips):
    files = [clips.test_card(seconds=5), clips.test_card(seconds=5, hue=120)]
    ids = [user.upload(file) for file in files]
    for video_id in ids:
        assert user.until_ended(video_id)["frames"] == 5
    frames = [jpegs(user.frames(video_id)) for video_id in ids]
    hashes = [{hashlib.sha256(frame).digest() for frame in each} for each in frames]
    assert [len(each) for each in hashes] == [5, 5]
    assert not hashes[0] & hashes[1]

    shown, true = [small_frames(each) for each in frames], [small_clip(file) for file in files]
    assert difference(shown[0], true[0]) < 4
    assert difference(shown[1], true[1]) < 4
    assert difference(shown[0], true[1]) > 20


def test_the_service_gives_the_frames_that_the_engine_gives(user, clips, fotograma, tmp_path):
    file = clips.test_card(seconds=4)
    video_id = user.upload(file)
    assert user.until_ended(video_id)["status"] == "done"
    assert fotograma("extract", file, "-o", "frames.zip").returncode == 0
    with zipfile.ZipFile(tmp_path / "frames.zip") as zipped:
        assert jpegs(zipped) == jpegs(user.frames(video_id))


def test_a_failed_video_can_be_tried_again(user, clips):
    announced = good(user.register(1000), 201)
    video_id, key = announced["video_id"], f"uploads/{user.id}/{announced['video_id']}"
    assert put(announced, b"no video" * 125).status_code == 200
    good(user.complete(video_id), 202)
    failed = user.until_ended(video_id)
    assert (failed["status"], failed["frames"]) == ("failed", 0)
    assert good(user.complete(video_id), 202)["status"] == "failed"

    # The same file again fails again, and says so again.
    assert good(user.complete(video_id, retry=True), 202)["status"] in ("queued", "processing")
    mails = user.until_mailed(2)
    assert user.until_ended(video_id)["reason"] == failed["reason"]
    assert all(failed["reason"] in mail["text"] for mail in mails)

    # A retry takes the file that is there now.
    video = clips.test_card().read_bytes()
    user.system.aws("s3").put_object(Bucket=BUCKET, Key=key, Body=video)
    good(user.complete(video_id, retry=True), 202)
    user.until_mailed(3)
    done = user.until_ended(video_id)
    assert (done["status"], done["reason"]) == ("done", None)


def test_a_deleted_video_is_gone(user, clips):
    video_id = user.upload(clips.test_card())
    assert user.until_ended(video_id)["status"] == "done"
    link = user.ask(video_id, "/download").headers["location"]
    assert requests.get(link, timeout=60).status_code == 200

    assert user.ask(video_id, method="DELETE").status_code == 204
    assert user.ask(video_id, method="DELETE").status_code == 204
    refused(user.ask(video_id), 404)
    refused(user.ask(video_id, "/download"), 404)
    refused(user.complete(video_id, retry=True), 404)
    assert user.videos()["videos"] == []
    assert requests.get(link, timeout=60).status_code == 404
    for prefix in ("uploads", "frames"):
        left = user.system.aws("s3").list_objects_v2(Bucket=BUCKET, Prefix=f"{prefix}/{user.id}/")
        assert left["KeyCount"] == 0


def test_a_video_deleted_at_work_does_not_come_back(user, clips):
    video_id = user.upload(clips.long(), every="40ms")
    until(lambda: user.video(video_id)["frames"], "the first frames")
    assert user.ask(video_id, method="DELETE").status_code == 204
    until(lambda: not user.system.waiting("video-queue"), "an empty queue")
    refused(user.ask(video_id), 404)
    left = user.system.aws("s3").list_objects_v2(Bucket=BUCKET, Prefix=f"frames/{user.id}/")
    assert left["KeyCount"] == 0


def test_videos_are_listed_newest_first_in_pages(user):
    made = [good(user.register(10, filename=f"{n}.mp4"), 201)["video_id"] for n in range(5)]
    everything = user.videos()
    assert [video["video_id"] for video in everything["videos"]] == made[::-1]
    assert everything["next"] is None

    pages, after = [], None
    while True:
        page = user.videos(limit=2, **({"after": after} if after else {}))
        pages.append([video["video_id"] for video in page["videos"]])
        after = page["next"]
        if not after:
            break
    assert [len(page) for page in pages if page] == [2, 2, 1]
    assert [video_id for page in pages for video_id in page] == made[::-1]

    for query in ("limit=0", "limit=101", "limit=two", "after=nonsense"):
        refused(user.call("GET", "status-service", f"/videos/me?{query}"), 400)


def test_a_file_name_is_data_only(user, clips):
    name = '../../férias "<b>1</b>".mp4'
    video_id = user.upload(clips.test_card(), filename=name)
    done = user.until_ended(video_id)
    assert (done["status"], done["filename"]) == ("done", 'b>".mp4')
    answer = requests.get(user.ask(video_id, "/download").headers["location"], timeout=60)
    assert answer.headers["content-disposition"].startswith("attachment;")
    mail = user.until_mailed()[0]
    # Quoted, and so that no mail program makes a link of it.
    assert '"b>\'.\u2060mp4"' in mail["text"]
    assert "b&gt;&#39;.\u2060mp4" in mail["html"] and done["filename"] not in mail["html"]


def test_a_page_may_ask_where_the_zip_is(user, clips):
    video_id = user.upload(clips.test_card())
    user.until_ended(video_id)
    link = good(user.ask(video_id, "/download", headers={"Accept": "application/json"}))
    assert link["filename"] == "video.zip"
    assert requests.get(link["url"], timeout=60).content == user.download(video_id)
