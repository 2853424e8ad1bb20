"""The stacks on ministack: what AWS would be told by `cdk deploy`, behind roles that are enforced.

FOTOGRAMA_BIN, or FOTOGRAMA_ZIP: the program, or the zip of `make lambda`.
"""

import subprocess
import time

import pytest
import requests
from deployment import Deployment

PASSWORD = "Senha123@"
# How long what must happen may take, on a machine that is busy.
PATIENCE_S = 120


@pytest.fixture(scope="session")
def deployment(tmp_path_factory):
    deployment = Deployment(tmp_path_factory.mktemp("stacks"))
    try:
        deployment.deploy()
        yield deployment
    finally:
        deployment.stop()


@pytest.fixture(scope="session")
def video(tmp_path_factory):
    """Six seconds of a test picture."""
    path = tmp_path_factory.mktemp("video") / "video.mp4"
    source = "testsrc2=duration=6:size=320x240:rate=25"
    command = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", source, "-pix_fmt", "yuv420p", path]
    subprocess.run(command, check=True)
    return path.read_bytes()


class Person:
    """A user of the HTTP API."""

    def __init__(self, deployment, name, group=None):
        self.deployment, self.name = deployment, name
        cognito, pool = deployment.ministack.client("cognito-idp"), deployment.outputs["UserPoolId"]
        cognito.admin_create_user(
            UserPoolId=pool,
            Username=name,
            MessageAction="SUPPRESS",
            UserAttributes=[
                {"Name": "email", "Value": f"{name}@example.com"},
                {"Name": "email_verified", "Value": "true"},
            ],
        )
        cognito.admin_set_user_password(
            UserPoolId=pool, Username=name, Password=PASSWORD, Permanent=True
        )
        if group:
            cognito.admin_add_user_to_group(UserPoolId=pool, Username=name, GroupName=group)
        self.tokens = {}

    def call(self, method, path, token=True, **options):
        """A request to the API; `token` may be one of another's making, or None."""
        headers = {"Host": self.deployment.outputs["ApiUrl"].split("//")[1]}
        if token is True:
            token = self.tokens["access_token"]
        if token:
            headers["Authorization"] = f"Bearer {token}"
        url = self.deployment.ministack.url + path
        return requests.request(
            method, url, headers=headers, timeout=60, allow_redirects=False, **options
        )

    def log_in(self):
        credentials = {"username": self.name, "password": PASSWORD}
        answer = self.call("POST", "/auth/login", token=None, json=credentials)
        assert answer.status_code == 200, answer.text
        self.tokens = answer.json()
        return self

    def register(self, video, **options):
        """Registers a video; its id and where to put it."""
        request = {
            "filename": "video.mp4",
            "content_type": "video/mp4",
            "size": len(video),
            "every": "1s",
            **options,
        }
        answer = self.call("POST", "/uploads", json=request)
        assert answer.status_code in (200, 201), answer.text
        told = answer.json()
        return told["video_id"], told.get("upload", told)["url"]

    def wait_for(self, video_id, *statuses):
        """Waits until a video is in one of the states; the record."""

        def arrived():
            answer = self.call("GET", f"/videos/me/{video_id}")
            assert answer.status_code == 200, answer.text
            record = answer.json()
            return record if record["status"] in statuses else None

        return until(arrived, f"{video_id} is {statuses}")


def until(look, what):
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        if seen := look():
            return seen
        time.sleep(0.3)
    raise TimeoutError(what)


@pytest.fixture(scope="session")
def operator(deployment):
    return Person(deployment, "paulo", "operators").log_in()


@pytest.fixture(scope="session")
def user(deployment):
    return Person(deployment, "maria").log_in()


@pytest.fixture(scope="session")
def queue(deployment):
    """Messages of a queue by its short name: how many it holds, waiting or in hand; sends one."""
    return Queue(deployment)


class Queue:
    def __init__(self, deployment):
        self.sqs = deployment.ministack.client("sqs")

    def url(self, short):
        return self.sqs.get_queue_url(QueueName=f"tech5-dev-{short}")["QueueUrl"]

    def holds(self, short):
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        told = self.sqs.get_queue_attributes(QueueUrl=self.url(short), AttributeNames=names)
        return sum(int(told["Attributes"][name]) for name in names)

    def send(self, short, body):
        self.sqs.send_message(QueueUrl=self.url(short), MessageBody=body)
