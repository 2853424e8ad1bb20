"""`fotograma dev` as a process: its state, its end, its neighbours, its mistakes."""

import socket

import pytest
import requests

from clips import jpegs
from people import DEMO, User, good, refused
from system import BUCKET, NotStarted, is_alive
from waiting import until

# A job of five seconds, so that much can happen meanwhile.
SECONDS, SPEED = 50, 10


@pytest.fixture
def at_work(new_system, clips, tmp_path):
    """A system with kept state, and a user whose video it is at work on."""

    def make(*flags, **environment):
        environment["FOTOGRAMA_FFMPEG"] = str(clips.slow_ffmpeg(SPEED))
        system = new_system(*flags, data_dir=tmp_path / "state", **environment).start()
        user = User(system).join()
        video_id = user.upload(clips.test_card(SECONDS), every="20ms")
        until(lambda: user.video(video_id)["frames"], "the first frames")
        video = user.video(video_id)
        assert video["status"] == "processing"
        assert 0 < video["frames"] < SECONDS * 25
        return user, video_id

    return make


def check_done_once(user, video_id):
    """Done in the end, with all frames, one mail, and nothing left over."""
    done = user.until_ended(video_id)
    assert (done["status"], done["reason"]) == ("done", None)
    assert done["frames"] == SECONDS * 25
    assert len(jpegs(user.frames(video_id))) == done["frames"]
    user.until_mailed()
    until(lambda: not user.system.waiting(), "empty queues")
    assert ["ready" in mail["subject"] for mail in user.until_mailed()] == [True]


def test_state_survives_a_restart(new_system, clips, tmp_path):
    system = new_system(data_dir=tmp_path / "state").start()
    user = User(system).join()
    video_id = user.upload(clips.test_card())
    mails = user.until_mailed()
    until(lambda: not system.waiting(), "empty queues")
    done, zipped = user.video(video_id), user.download(video_id)
    link = user.ask(video_id, "/download").headers["location"]

    system.stop()
    system.start()
    assert user.me()["user_id"] == user.id
    assert good(user.auth("refresh", refresh_token=user.tokens["refresh_token"]))["access_token"]
    assert user.video(video_id) == done
    assert user.download(video_id) == zipped
    assert user.until_mailed() == mails
    assert requests.get(link, timeout=30).content == zipped
    assert User(system, user.name, user.password).log_in().id == user.id
    refused(user.sign_up(), 409)


def test_nothing_is_kept_without_a_folder(new_system, tmp_path):
    system = new_system().start()
    user = User(system).join()
    system.stop()
    system.start()
    refused(user.call("GET", "auth-service", "/auth/me"), 401)
    assert not (tmp_path / ".fotograma").exists()


@pytest.mark.parametrize("lease", ["3s", "20s"])
def test_a_job_survives_a_kill(at_work, lease):
    """Also when its message is back long before the killed attempt's lease is over."""
    user, video_id = at_work(FOTOGRAMA_LEASE=lease, FOTOGRAMA_VISIBILITY="3s")
    helpers = user.system.children()
    assert helpers, "ffmpeg is a child"
    user.system.kill()
    until(lambda: not any(map(is_alive, helpers)), "the end of ffmpeg")

    user.system.start()
    check_done_once(user, video_id)


def test_a_job_survives_an_end_in_order(at_work):
    # With the usual lease: what was given back in order need not wait for its end.
    user, video_id = at_work("--grace", "1s")
    helpers = user.system.children()
    user.system.stop()
    assert not any(map(is_alive, helpers))

    user.system.start()
    check_done_once(user, video_id)
    s3 = user.system.aws("s3")
    assert s3.list_multipart_uploads(Bucket=BUCKET).get("Uploads", []) == []


def test_within_the_grace_a_job_comes_to_its_end(at_work):
    user, video_id = at_work("--grace", "50s")
    user.system.stop()
    user.system.start()
    assert user.video(video_id)["status"] == "done"
    check_done_once(user, video_id)


def test_two_systems_side_by_side(new_system, clips, tmp_path):
    systems = [new_system(data_dir=tmp_path / name).start() for name in ("one", "other")]
    users = [User(system, *DEMO).log_in() for system in systems]
    video_id = users[0].upload(clips.test_card())
    assert users[0].until_ended(video_id)["status"] == "done"
    assert users[0].until_mailed()
    assert users[1].videos()["videos"] == []
    assert systems[1].mail(users[1].email) == []


@pytest.mark.parametrize("which", ["page", "service", "aws"])
def test_a_taken_port_is_said(new_system, which):
    system = new_system()
    port = {"page": system.base - 1, "service": system.base + 2, "aws": system.aws_port}[which]
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        with pytest.raises(NotStarted) as failure:
            system.start()
    assert failure.value.status == 1
    assert str(port) in failure.value.stderr
    assert "in use" in failure.value.stderr
    assert len(failure.value.stderr.strip().splitlines()) == 1, failure.value.stderr


def test_a_folder_is_used_by_one_system_at_a_time(new_system, tmp_path):
    new_system(data_dir=tmp_path / "state").start()
    with pytest.raises(NotStarted) as failure:
        new_system(data_dir=tmp_path / "state").start()
    assert failure.value.status == 1
    assert "state" in failure.value.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["dev", "--nonsense"],
        ["dev", "--http-port-base", "many"],
        ["dev", "--aws-port", "70000"],
        ["dev", "--grace", "soon"],
        ["dev", "--ephemeral", "--data-dir", "state"],
        ["nonsense"],
        [],
    ],
)
def test_bad_usage_is_status_2(fotograma, arguments):
    done = fotograma(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Usage" in done.stderr or "For more information" in done.stderr


def test_the_page_and_the_documents_are_served(system, user):
    page = requests.get(system.page_url, timeout=30)
    assert page.status_code == 200
    assert "text/html" in page.headers["content-type"]
    for service, path in (("auth-service", "/auth/login"), ("video-uploader", "/uploads")):
        document = good(user.call("GET", service, "/openapi.json", token=""))
        assert path in document["paths"]
        for probe in ("/livez", "/readyz"):
            assert user.call("GET", service, probe, token="").text == "ok\n"
