"""The dev overlay on a real node. Run by .ci/cluster, in namespaces of its own.

FOTOGRAMA_BIN           the program; `cargo build` makes it
FOTOGRAMA_KUBERNETES    the folder of Kubernetes's programs: k8s/test/build.sh
"""

import io
import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
import zipfile
from pathlib import Path

import boto3
import images
import pytest
import yaml
from cluster import Cluster

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "test"))
from api_server import lowered  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
NAMESPACE = "fotograma"


@pytest.fixture(scope="session")
def cluster(tmp_path_factory):
    programs, binary = (os.environ.get(f"FOTOGRAMA_{name}") for name in ("KUBERNETES", "BIN"))
    if not programs:
        pytest.skip("FOTOGRAMA_KUBERNETES names no folder of programs: see k8s/test/build.sh")
    archives = images.make(tmp_path_factory.mktemp("images"), binary)
    with Cluster(Path(programs), tmp_path_factory.mktemp("node")) as cluster:
        cluster.join(archives)
        for path in archives:
            path.unlink()
        yield cluster
        # The node ends its pods itself, before it is ended.
        cluster.kubectl("delete", "namespace", NAMESPACE, "--wait=false")


@pytest.fixture(scope="session")
def overlay():
    """The dev overlay, as `make k8s-render` shows it."""
    command = ["kubectl", "kustomize", ROOT / "k8s/overlays/dev"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@pytest.fixture(scope="session")
def system(cluster, overlay):
    """The overlay, applied as it is, and all of it there."""
    began = time.monotonic()
    namespace = [d for d in yaml.safe_load_all(overlay) if d["kind"] == "Namespace"]
    cluster.do("apply", "--server-side", "-f", "-", text=yaml.safe_dump_all(namespace))
    cluster.do("apply", "--server-side", "-f", "-", text=lowered(overlay))
    system = System(cluster)
    try:
        cluster.do(
            *("wait", "deployment", "--all", "--for=condition=Available"),
            *("--namespace", NAMESPACE, "--timeout=180s"),
        )
        cluster.do(
            *("wait", "job/provision", "--for=condition=Complete"),
            *("--namespace", NAMESPACE, "--timeout=180s"),
        )
    except AssertionError:
        print(cluster.do("describe", "pods", "--namespace", NAMESPACE))
        raise
    print(f"all deployments available after {time.monotonic() - began:.0f} s")
    return system


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


class System:
    """The services, at the addresses that the cluster gives them."""

    def __init__(self, cluster):
        self.cluster = cluster

    def url(self, service):
        told = self.cluster.get("service", service, "--namespace", NAMESPACE)["spec"]
        return f"http://{told['clusterIP']}:{told['ports'][0]['port']}"

    def call(self, service, path, token=None, body=None, kind="application/json", method=None):
        """A request to a service; the answer, whatever its status."""
        url = self.url(service) + path
        request = urllib.request.Request(url, data=body, method=method)
        request.add_header("Content-Type", kind)
        if service == "aws":
            request.add_header("Host", "aws:4566")
        if token:
            request.add_header("Authorization", f"Bearer {token}")
        try:
            return urllib.request.build_opener(NoRedirect).open(request, timeout=60)
        except urllib.error.HTTPError as answer:
            if answer.code >= 400:
                raise AssertionError(f"{path}: {answer.code} {answer.read().decode()}") from answer
            return answer

    def log_in(self):
        credentials = json.dumps({"username": "paulo", "password": "Senha123@"}).encode()
        answer = self.call("auth-service", "/auth/login", body=credentials)
        return json.load(answer)["access_token"]

    def upload(self, token, video, every="1s"):
        """Sends a video as a form; its id."""
        boundary = uuid.uuid4().hex
        form = (
            f'--{boundary}\r\nContent-Disposition: form-data; name="every"\r\n\r\n{every}\r\n'
            f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="video.mp4"\r\n'
            "Content-Type: video/mp4\r\n\r\n"
        ).encode()
        form += video.read_bytes() + f"\r\n--{boundary}--\r\n".encode()
        kind = f"multipart/form-data; boundary={boundary}"
        return json.load(self.call("video-uploader", "/upload/", token, form, kind))["video_id"]

    def record(self, token, video_id):
        return json.load(self.call("status-service", f"/videos/me/{video_id}", token))

    def wait_for(self, token, video_id, *statuses, patience_s=180):
        def look():
            record = self.record(token, video_id)
            assert record["status"] != "failed" or "failed" in statuses, record
            return record if record["status"] in statuses else None

        return self.cluster.until(look, f"{video_id} is {statuses}", patience_s)

    def frames(self, token, video_id):
        """The names of the pictures in a video's zip, followed as a browser would."""
        answer = self.call("status-service", f"/videos/me/{video_id}/download", token)
        path = answer.headers["Location"].removeprefix("http://aws:4566")
        names = zipfile.ZipFile(io.BytesIO(self.call("aws", path).read())).namelist()
        return [name for name in names if name.endswith(".jpg")]

    def stored(self, video_id):
        """The record in the table, with what no API tells."""
        keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
        table = boto3.client("dynamodb", endpoint_url=self.url("aws"), region_name="us-east-1", **keys)
        key = {"video_id": {"S": video_id}}
        return table.get_item(TableName="tech5-dev-video-status", Key=key)["Item"]

    def pods(self, app):
        pods = self.cluster.get("pods", "--namespace", NAMESPACE, "--selector", f"app={app}")
        return pods["items"]


@pytest.fixture(scope="session")
def token(system):
    return system.log_in()


def clip(path, seconds, size):
    source = f"testsrc2=duration={seconds}:size={size}:rate=25"
    command = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", source, "-pix_fmt", "yuv420p"]
    subprocess.run([*command, "-preset", "ultrafast", path], check=True)
    return path


@pytest.fixture(scope="session")
def video(tmp_path_factory):
    """Five seconds."""
    return clip(tmp_path_factory.mktemp("video") / "video.mp4", 5, "320x240")


@pytest.fixture(scope="session")
def long_video(tmp_path_factory):
    """A minute, all of whose 1,500 pictures take some seconds to make."""
    return clip(tmp_path_factory.mktemp("video") / "long.mp4", 60, "1280x720")
