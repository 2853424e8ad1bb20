"""Fixtures of the boto3 suite.

FOTOGRAMA_ENDPOINT     runs it against whatever listens there; tests that restart the server or
                       need its own `/_local` interface are skipped
FOTOGRAMA_LOCAL_BIN    the program to start otherwise (`cargo build --example local` makes one)
"""

import json
import os
import shutil
import urllib.request
import uuid

import boto3
import pytest
from botocore.config import Config

from server import Server

# Their fixtures are used by several files.
pytest_plugins = ["pools", "queues", "topics"]

CREDENTIALS = {
    "region_name": "us-east-1",
    "aws_access_key_id": "test",
    "aws_secret_access_key": "test",
}


@pytest.fixture(scope="session")
def server():
    """The server started for this run; None when it runs against another one."""
    if os.environ.get("FOTOGRAMA_ENDPOINT"):
        yield None
        return
    program = os.environ.get("FOTOGRAMA_LOCAL_BIN")
    if not program:
        pytest.exit("set FOTOGRAMA_LOCAL_BIN or FOTOGRAMA_ENDPOINT", returncode=2)
    server = Server(program).start()
    yield server
    status = server.stop()
    shutil.rmtree(server.folder)
    assert status == 0, f"the server ended with {status}"


@pytest.fixture(scope="session")
def endpoint(server):
    return server.url if server else os.environ["FOTOGRAMA_ENDPOINT"].rstrip("/")


@pytest.fixture(scope="session")
def client(endpoint):
    """Makes a client of a service: `client("sqs")`, `client("s3", aws_secret_access_key="no")`."""

    def make(service, retries=1, **overrides):
        config = Config(
            s3={"addressing_style": "path"},
            signature_version="s3v4" if service == "s3" else None,
            retries={"total_max_attempts": retries},
            read_timeout=60,
            max_pool_connections=32,
        )
        settings = {**CREDENTIALS, "endpoint_url": endpoint, "config": config, **overrides}
        return boto3.client(service, **settings)

    return make


@pytest.fixture(scope="session")
def s3(client):
    return client("s3")


@pytest.fixture(scope="session")
def sqs(client):
    return client("sqs")


@pytest.fixture(scope="session")
def sns(client):
    return client("sns")


@pytest.fixture(scope="session")
def dynamodb(client):
    return client("dynamodb")


@pytest.fixture(scope="session")
def cognito(client):
    return client("cognito-idp")


@pytest.fixture
def unique():
    """A name that no other test uses."""
    return f"t-{uuid.uuid4().hex[:12]}"


@pytest.fixture
def restart(server):
    """Restarts the server; skips where that is not ours to do."""
    if server is None:
        pytest.skip("not our server to restart")
    return server.restart


@pytest.fixture
def local(server, endpoint):
    """Calls `/_local/…`: `local("POST", "clock", {"advance_ms": 1000})`. Undone afterwards."""
    if server is None:
        pytest.skip("only our server has /_local")

    def call(method, place, body=None):
        data = json.dumps(body).encode() if body is not None else None
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(f"{endpoint}/_local/{place}", data, headers, method=method)
        with urllib.request.urlopen(request, timeout=30) as response:
            return json.load(response)

    yield call
    call("DELETE", "clock")
    call("DELETE", "faults")


def error_code(excinfo):
    """The code of a botocore ClientError."""
    return excinfo.value.response["Error"]["Code"]


def status(excinfo):
    """The HTTP status of a botocore ClientError."""
    return excinfo.value.response["ResponseMetadata"]["HTTPStatusCode"]
