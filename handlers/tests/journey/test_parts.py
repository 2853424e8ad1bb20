"""Long files come in parts: cut off, resumed, abandoned."""

import socket
from urllib.parse import urlsplit

import pytest
import requests

from people import User, good, refused
from system import BUCKET
from waiting import until

MIB = 1024 * 1024
PART = 8 * MIB


@pytest.fixture
def user(new_system):
    """A user of a system that asks for parts from a MiB on."""
    return User(new_system(FOTOGRAMA_UPLOAD_PARTS_ABOVE=str(MIB)).start()).join()


@pytest.fixture
def film(clips):
    """A video of two parts and a half: behind its frames is a box that players skip."""
    frames = clips.test_card().read_bytes()
    padding = 2 * PART + PART // 2 - len(frames)
    return frames + padding.to_bytes(4, "big") + b"free" + bytes(padding - 8)


def begin(user, film):
    announced = good(user.register(len(film)), 201)
    assert announced["method"] == "PARTS"
    assert (announced["part_size"], announced["part_count"]) == (PART, 3)
    assert "url" not in announced
    return announced["video_id"]


def parts(user, video_id, method="GET", **options):
    return user.call(method, "video-uploader", f"/uploads/{video_id}/parts", **options)


def addresses(user, video_id, *numbers):
    wanted = {"parts": [{"part": number} for number in numbers]}
    return good(parts(user, video_id, "POST", json=wanted))["parts"]


def bytes_of(film, target):
    begin = (target["part"] - 1) * PART
    part = film[begin : begin + PART]
    assert len(part) == target["size"]
    return part


def put(film, target):
    """Sends a part whole; gives its entity tag."""
    body = bytes_of(film, target)
    answer = requests.put(target["url"], data=body, headers=target["headers"], timeout=60)
    assert answer.status_code == 200, answer.text
    return answer.headers["etag"]


def cut_off(film, target):
    """Sends half of a part, and is gone."""
    url, half = urlsplit(target["url"]), bytes_of(film, target)[: PART // 2]
    headers = "".join(f"{name}: {value}\r\n" for name, value in target["headers"].items())
    head = f"PUT {url.path}?{url.query} HTTP/1.1\r\nHost: {url.netloc}\r\n{headers}\r\n"
    with socket.create_connection((url.hostname, url.port)) as connection:
        connection.sendall(head.encode() + half)


def there(user, video_id):
    return [part["part"] for part in good(parts(user, video_id))["parts"]]


def test_an_upload_that_was_cut_off_goes_on_where_it_was(user, film):
    video_id = begin(user, film)
    first, second, _ = addresses(user, video_id, 1, 2, 3)
    etag = put(film, first)
    cut_off(film, second)
    problem = refused(user.complete(video_id), 409)
    assert "2 are missing (2, 3)" in problem["detail"]

    # Another machine knows the video's id and has the file, and that is all.
    elsewhere = User(user.system, user.name, user.password, user.email).log_in()
    known = good(parts(elsewhere, video_id))
    assert known["parts"] == [{"part": 1, "size": PART, "etag": etag}]
    missing = {1, 2, 3} - set(there(elsewhere, video_id))
    assert missing == {2, 3}
    # No byte is sent twice but those of the part that was on its way.
    for target in addresses(elsewhere, video_id, *sorted(missing)):
        put(film, target)
    assert there(elsewhere, video_id) == [1, 2, 3]

    assert good(elsewhere.complete(video_id), 202)["size"] == len(film)
    good(elsewhere.complete(video_id), 202)
    refused(parts(elsewhere, video_id), 409)
    assert elsewhere.until_ended(video_id)["status"] == "done"
    assert len(elsewhere.frames(video_id).namelist()) == 4


def test_a_part_that_is_not_the_one_that_was_named_is_not_taken(user, film):
    video_id = begin(user, film)
    targets = addresses(user, video_id, 1, 2, 3)
    etags = [put(film, target) for target in targets]
    named = [{"part": n, "etag": etag} for n, etag in enumerate(etags, 1)]
    other = [*named[:2], {"part": 3, "etag": named[0]["etag"]}]
    assert "part 3" in refused(user.complete(video_id, parts=other), 409)["detail"]
    good(user.complete(video_id, parts=named), 202)


def test_an_upload_that_is_abandoned_leaves_nothing(user, film):
    video_id = begin(user, film)
    [target] = addresses(user, video_id, 2)
    put(film, target)
    s3 = user.system.aws("s3")
    assert len(s3.list_multipart_uploads(Bucket=BUCKET).get("Uploads", [])) == 1
    for _ in range(2):
        gone = user.call("DELETE", "video-uploader", f"/uploads/{video_id}")
        assert gone.status_code == 204
    assert s3.list_multipart_uploads(Bucket=BUCKET).get("Uploads", []) == []
    refused(user.ask(video_id), 404)
    assert user.videos()["videos"] == []


def test_what_is_not_finished_in_time_is_swept_away(user, film, fotograma):
    video_id = begin(user, film)
    [target] = addresses(user, video_id, 1)
    put(film, target)
    s3 = user.system.aws("s3")

    def swept():
        flags = ("--endpoint-url", user.system.aws_url, "--sweep-uploads-after", "1s")
        keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
        done = fotograma("run", "sweep", *flags, **keys)
        assert done.returncode == 0, done.stderr
        return "Uploads" not in s3.list_multipart_uploads(Bucket=BUCKET)

    until(swept, "an end of it")
    assert user.video(video_id)["reason"] == "its file was not uploaded in time"


def test_parts_are_their_owners_alone(user, film):
    video_id = begin(user, film)
    stranger = User(user.system).join()
    refused(parts(stranger, video_id), 404)
    refused(parts(stranger, video_id, "POST", json={"parts": [{"part": 1}]}), 404)
    refused(stranger.call("DELETE", "video-uploader", f"/uploads/{video_id}"), 404)
    for wanted in ({"parts": []}, {"parts": [{"part": 4}]}, {"parts": [{"part": 0}]}):
        refused(parts(user, video_id, "POST", json=wanted), 400)
