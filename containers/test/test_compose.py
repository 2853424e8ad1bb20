"""`docker compose up`, the README's journey by HTTP, `docker compose down --volumes`."""

import io
import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
import zipfile
from pathlib import Path

import pytest
from conftest import ROOT

PORTS = ("AWS_PORT", "AUTH_PORT", "UPLOADER_PORT", "STATUS_PORT", "NOTIFICATION_PORT")


def free_ports():
    held = [socket.socket() for _ in PORTS]
    for one in held:
        one.bind(("127.0.0.1", 0))
    ports = dict(zip(PORTS, (one.getsockname()[1] for one in held)))
    for one in held:
        one.close()
    return ports


# For images that are there already.
NOTHING_TO_BUILD = """services:
  aws: {build: !reset null, pull_policy: never}
  auth-service: {build: !reset null, pull_policy: never}
  video-processor: {build: !reset null, pull_policy: never}
"""


class System:
    def __init__(self, engine, *files):
        self.files = [flag for file in files for flag in ("--file", file)]
        self.ports = free_ports()
        self.environment = engine.environment | {k: str(v) for k, v in self.ports.items()}
        self.environment["COMPOSE_PROJECT_NAME"] = f"fotograma-{os.getpid()}"

    def compose(self, *arguments):
        program = Path(sys.executable).with_name("docker-compose")
        done = subprocess.run(
            [program, *self.files, *arguments], cwd=ROOT, env=self.environment, capture_output=True, text=True
        )
        return done.returncode, done.stdout + done.stderr

    def call(self, service, path, token=None, body=None, kind="application/json", method=None):
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.ports[service]}{path}", data=body, method=method
        )
        request.add_header("Content-Type", kind)
        if token:
            request.add_header("Authorization", f"Bearer {token}")
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.read()

    def fetch(self, url):
        """Follows a link: names below localhost are this machine's."""
        port = self.ports["AWS_PORT"]
        request = urllib.request.Request(url.replace("aws.localhost", "127.0.0.1"))
        request.add_header("Host", f"aws.localhost:{port}")
        return urllib.request.urlopen(request, timeout=60).read()


@pytest.fixture(scope="module")
def system(engine, program, images, tmp_path_factory):
    if program:
        override = tmp_path_factory.mktemp("compose") / "override.yml"
        override.write_text(NOTHING_TO_BUILD)
        system, flags = System(engine, ROOT / "docker-compose.yml", override), []
    else:
        system, flags = System(engine), ["--build"]
    status, said = system.compose("up", *flags, "--detach", "--wait", "--wait-timeout", "180")
    try:
        assert status == 0, said + system.compose("logs", "--tail", "30")[1]
        yield system
    finally:
        status, said = system.compose("down", "--volumes")
    assert status == 0, said
    left = engine.docker("ps", "--all", "--quiet", "--filter", f"name={system.environment['COMPOSE_PROJECT_NAME']}")
    assert left == ""


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


def test_a_video_becomes_frames_and_a_mail(system, tmp_path):
    video = tmp_path / "video.mp4"
    source = "testsrc2=duration=5:size=320x240:rate=25"
    command = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", source, "-pix_fmt", "yuv420p", video]
    subprocess.run(command, check=True)
    credentials = json.dumps({"username": "paulo", "password": "Senha123@"}).encode()
    token = json.loads(system.call("AUTH_PORT", "/auth/login", body=credentials))["access_token"]

    boundary = uuid.uuid4().hex
    form = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="every"\r\n\r\n1s\r\n'
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="video.mp4"\r\n'
        "Content-Type: video/mp4\r\n\r\n"
    ).encode()
    form += video.read_bytes() + f"\r\n--{boundary}--\r\n".encode()
    kind = f"multipart/form-data; boundary={boundary}"
    told = json.loads(system.call("UPLOADER_PORT", "/upload/", token, form, kind))

    path = f"/videos/me/{told['video_id']}"
    end = time.monotonic() + 120
    while (record := json.loads(system.call("STATUS_PORT", path, token)))["status"] != "done":
        assert record["status"] != "failed" and time.monotonic() < end, record
        time.sleep(0.3)

    opener = urllib.request.build_opener(NoRedirect)
    request = urllib.request.Request(f"http://127.0.0.1:{system.ports['STATUS_PORT']}{path}/download")
    request.add_header("Authorization", f"Bearer {token}")
    try:
        answer = opener.open(request, timeout=60)
    except urllib.error.HTTPError as redirect:
        answer = redirect
    frames = zipfile.ZipFile(io.BytesIO(system.fetch(answer.headers["Location"])))
    assert len([name for name in frames.namelist() if name.endswith(".jpg")]) == 5

    end = time.monotonic() + 60
    while "paulo@example.com" not in system.call("AWS_PORT", "/_local/mail").decode():
        assert time.monotonic() < end, "no mail has come"
        time.sleep(0.3)
