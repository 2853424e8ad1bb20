"""What other tools make of the document, and what the running system makes of what it says."""

import importlib
import os
import re
import subprocess
import sys
import time

import pytest
import requests

from people import PASSWORD, User
from waiting import until

SECONDS = int(os.environ.get("CONTRACT_SECONDS", "180"))


def ran(*command, cwd, seconds=120):
    done = subprocess.run(
        [str(word) for word in command], cwd=cwd, capture_output=True, text=True, timeout=seconds
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_the_document_is_clean(here, document):
    ran("npx", "--no-install", "redocly", "lint", "--config", "redocly.yaml", document, cwd=here)


def test_a_pages_author_can_write_against_its_types(here, document):
    ran("npx", "--no-install", "openapi-typescript", document, "-o", "made/api.d.ts", cwd=here)
    ran("npx", "--no-install", "tsc", "--project", "tsconfig.json", cwd=here)


@pytest.fixture(scope="module")
def client(document, tmp_path_factory):
    """A client as `openapi-python-client` makes it."""
    folder = tmp_path_factory.mktemp("client")
    generator = [sys.executable, "-m", "openapi_python_client", "generate", "--path", document]
    ran(*generator, "--output-path", folder / "made", "--meta", "none", cwd=folder)
    sys.path.insert(0, str(folder))
    yield lambda path: importlib.import_module(f"made.{path}")
    sys.path.remove(str(folder))


def test_a_generated_client_does_the_journey(client, gateway, system, clips):
    """Signs up, logs in, uploads, waits, downloads and deletes, by generated code alone."""
    person = User(system)
    models = client("models")
    bare = client("client").Client(base_url=gateway.url)

    def call(name, *arguments, using=bare, **options):
        answer = client(f"api.{name}").sync_detailed(*arguments, client=using, **options)
        assert answer.status_code < 300, answer.content
        return answer.parsed

    signup = models.Signup(username=person.name, password=PASSWORD, email=person.email)
    assert call("auth.auth_signup", body=signup).confirmed is False
    code = models.Confirmation(username=person.name, code=person.mailed_code())
    call("auth.auth_confirm", body=code)
    tokens = call("auth.auth_login", body=models.Login(username=person.name, password=PASSWORD))
    mine = client("client").AuthenticatedClient(base_url=gateway.url, token=tokens.access_token)

    clip = clips.test_card()
    wanted = models.NewUpload(
        filename=clip.name, content_type="video/mp4", size=clip.stat().st_size, every="500ms"
    )
    target = call("uploads.upload_create", body=wanted, using=mine)
    headers = target.headers.additional_properties
    with clip.open("rb") as body:
        put = requests.put(target.url, data=body, headers=headers, timeout=60)
    assert put.status_code == 200, put.text
    # A body that need not be there.
    call("uploads.upload_complete", target.video_id, using=mine, body=models.Complete())

    def done():
        video = call("videos.video_get", "me", target.video_id, using=mine)
        return video if video.status in ("done", "failed") else None

    video = until(done, "an end of the video")
    assert (video.status, video.options.every_ms, video.reason) == ("done", 500, None)
    listed = call("videos.video_list", "me", using=mine, status=[models.Status.DONE], q=clip.name[:4])
    assert [found.video_id for found in listed.videos] == [target.video_id]
    call("videos.video_delete", "me", target.video_id, using=mine)
    assert call("videos.video_list", "me", using=mine).videos == []


def test_the_system_does_what_the_document_says(here, document, gateway, operator, clips):
    """Cases made up from the document, with all checks; none may find the system other than it says."""
    # Something to be found.
    operator.until_ended(operator.upload(clips.test_card()))
    began = time.monotonic()
    report = ran(
        sys.executable,
        "-m",
        "schemathesis.cli",
        "--config-file",
        here / "schemathesis.toml",
        "run",
        document,
        "--url",
        gateway.url,
        "--header",
        f"Authorization: Bearer {operator.tokens['access_token']}",
        "--max-time",
        str(SECONDS),
        cwd=here,
        seconds=SECONDS + 240,
    )
    cases = re.search(r"([\d,]+) generated", report)
    print(f"{cases and cases.group(0)} in {time.monotonic() - began:.0f} s")
