"""The dev overlay on a real node: what a person sees of it, and that nothing is lost when pods come and go."""

import collections
import http.client
import os
import signal
import threading
import time
import urllib.parse
from pathlib import Path

import pytest
from conftest import NAMESPACE

PROCESSOR = "deployment/video-processor"


def test_a_video_becomes_frames_and_a_mail(system, token, video):
    video_id = system.upload(token, video)
    system.wait_for(token, video_id, "done")
    assert len(system.frames(token, video_id)) == 5
    mail = lambda: b"paulo@example.com" in system.call("aws", "/_local/mail").read()  # noqa: E731
    system.cluster.until(mail, "a mail has come")


def test_what_a_pod_has_is_little_and_enough(system):
    for pod in system.cluster.get("pods", "--namespace", NAMESPACE)["items"]:
        for status in pod["status"].get("containerStatuses", []):
            terminated = status["lastState"].get("terminated", {})
            assert terminated.get("reason") != "OOMKilled", pod["metadata"]["name"]


class Load:
    """Asks a service for a list again and again, until it is told to stop."""

    def __init__(self, url, token, keep):
        self.host = urllib.parse.urlsplit(url).netloc
        self.headers = {"Authorization": f"Bearer {token}"}
        self.keep = keep
        self.answers = collections.Counter()
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        connection = None
        while not self.stopping.wait(0.01):
            connection = connection or http.client.HTTPConnection(self.host, timeout=10)
            try:
                connection.request("GET", "/videos/me?limit=1", headers=self.headers)
                answer = connection.getresponse()
                answer.read()
                self.answers[answer.status] += 1
                closing = answer.getheader("Connection") == "close"
            except (OSError, http.client.HTTPException) as error:
                self.answers[repr(error)] += 1
                closing = True
            if closing or not self.keep:
                connection.close()
                connection = None

    def stop(self):
        self.stopping.set()
        self.thread.join()
        return self.answers


def test_a_rollout_under_load_fails_no_request(system, token):
    before = {pod["metadata"]["name"] for pod in system.pods("status-service")}
    url = system.url("status-service")
    loads = [Load(url, token, keep) for keep in (True, True, False, False)]
    try:
        for _ in range(2):
            target = "deployment/status-service"
            system.cluster.do("rollout", "restart", target, "--namespace", NAMESPACE)
            system.cluster.do(
                *("rollout", "status", target, "--namespace", NAMESPACE, "--timeout=180s")
            )
        gone = lambda: len(system.pods("status-service")) == 1  # noqa: E731
        system.cluster.until(gone, "the old pods are gone")
    finally:
        answers = sum((load.stop() for load in loads), collections.Counter())
    print(dict(answers))
    assert set(answers) == {200} and answers[200] > 200
    assert before.isdisjoint(pod["metadata"]["name"] for pod in system.pods("status-service"))


def processors():
    """The processes of the processor's pods, which this test's own namespace shows."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().split(b"\0")
        except OSError:
            continue
        if words[:3] == [b"/fotograma", b"work", b"video-processor"]:
            yield int(path.parent.name)


def begin(system, token, video):
    """A job that is under way: some of it is done, and not all."""
    video_id = system.upload(token, video, every="40ms")

    def busy():
        record = system.record(token, video_id)
        assert record["status"] in ("queued", "processing"), record
        return record["status"] == "processing" and record.get("progress", 0) > 0

    system.cluster.until(busy, "the job has begun")
    return video_id


def test_a_job_whose_processor_is_killed_is_done_by_the_next(system, token, long_video):
    video_id = begin(system, token, long_video)
    began = time.monotonic()
    (pid,) = processors()
    os.kill(pid, signal.SIGKILL)
    system.wait_for(token, video_id, "done", patience_s=300)
    print(f"done {time.monotonic() - began:.0f} s after the kill")
    assert len(system.frames(token, video_id)) == 1500
    assert len(system.stored(video_id)["unreleased_attempts"]["L"]) == 1


def test_a_busy_processor_that_is_scaled_away_ends_its_job_first(system, token, long_video):
    video_id = begin(system, token, long_video)
    system.cluster.do("scale", PROCESSOR, "--replicas=0", "--namespace", NAMESPACE)
    try:
        system.wait_for(token, video_id, "done")
        assert "unreleased_attempts" not in system.stored(video_id)
        system.cluster.until(lambda: not system.pods("video-processor"), "the pod is gone")
    finally:
        system.cluster.do("scale", PROCESSOR, "--replicas=1", "--namespace", NAMESPACE)
    system.cluster.do(
        *("wait", PROCESSOR, "--for=condition=Available"),
        *("--namespace", NAMESPACE, "--timeout=180s"),
    )


# As in the overlay, but without ffmpeg; the node has no processor left for a second one of these.
WITHOUT_FFMPEG = """{"spec": {"template": {"spec": {"containers": [{
  "name": "fotograma", "image": "fotograma/services:latest", "resources": {"requests": {"cpu": "100m"}}
}]}}}}"""


def test_a_processor_without_ffmpeg_is_never_ready_and_fails_no_job(system, token, video):
    old = {pod["metadata"]["name"] for pod in system.pods("video-processor")}
    system.cluster.do("patch", PROCESSOR, "--namespace", NAMESPACE, "--patch", WITHOUT_FFMPEG)

    def tried():
        """The new pod's container, once it has ended again and again."""
        new = [pod for pod in system.pods("video-processor") if pod["metadata"]["name"] not in old]
        for pod in new:
            for status in pod["status"].get("containerStatuses", []):
                assert not status["ready"], status
                if status["restartCount"] >= 2:
                    return status
        return None

    try:
        status = system.cluster.until(tried, "it has been started three times")
        assert (status["lastState"].get("terminated") or status["state"]["terminated"])["exitCode"] == 1
        video_id = system.upload(token, video)
        system.wait_for(token, video_id, "done")
        ready = system.cluster.get(PROCESSOR, "--namespace", NAMESPACE)["status"]
        assert ready["readyReplicas"] == 1
    finally:
        system.cluster.do("rollout", "undo", PROCESSOR, "--namespace", NAMESPACE)
