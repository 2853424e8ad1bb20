"""IRSA: a service account's token, of a real API server, gets the role of that account in the cluster's
template and no other, and the unchanged binary does its work with it."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import boto3
import botocore
import jwt
import pytest
from api_server import free_port
from conftest import ROOT
from cryptography.hazmat.primitives.asymmetric import rsa
from sts import Sts, keys_of

sys.path.insert(0, str(ROOT / "cdk/e2e"))
from gate import ACCOUNT, REGION, Gate  # noqa: E402
from template import Templates  # noqa: E402

ISSUER = "https://kubernetes.default.svc"
AUDIENCE = "sts.amazonaws.com"


def arn(service):
    return f"arn:aws:iam::{ACCOUNT}:role/tech5-dev-{service}"


@pytest.fixture(scope="module")
def services(table):
    return [service["name"] for service in table["services"]]


@pytest.fixture(scope="module")
def accounts(api_server, services):
    """Service accounts of the services, and of another namespace; a token of one of them."""
    for namespace in ("fotograma", "other"):
        api_server.kubectl("create", "namespace", namespace)
        for service in services:
            done = api_server.kubectl("create", "serviceaccount", "--namespace", namespace, service)
            assert done.returncode == 0 or "already exists" in done.stderr, done.stderr

    def token(account, namespace="fotograma", audience=AUDIENCE):
        request = {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenRequest",
            "spec": {"audiences": [audience], "expirationSeconds": 3600},
        }
        path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token"
        done = api_server.kubectl("create", "--raw", path, "-f", "-", text=json.dumps(request))
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)["status"]["token"]

    return token


@pytest.fixture(scope="module")
def aws(program, tmp_path_factory):
    """The embedded AWS, with all that the system needs; where it is, and the ids of what it has."""
    folder, port = tmp_path_factory.mktemp("aws"), free_port()
    url = f"http://127.0.0.1:{port}"
    environment = {**os.environ, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
    environment |= {"AWS_REGION": REGION, "AWS_ENDPOINT_URL": url}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [program, "local", "--aws-port", str(port), "--data-dir", folder / "data"],
            env=environment,
            stdout=log,
            stderr=log,
        )
    try:
        end = time.monotonic() + 60
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                assert process.poll() is None and time.monotonic() < end, (folder / "log").read_text()
                time.sleep(0.1)
        subprocess.run([program, "provision"], env=environment, check=True, capture_output=True)
        keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
        cognito = boto3.client("cognito-idp", endpoint_url=url, region_name=REGION, **keys)
        pool = cognito.list_user_pools(MaxResults=10)["UserPools"][0]["Id"]
        yield port, pool
    finally:
        process.terminate()
        process.wait(timeout=60)


@pytest.fixture(scope="module")
def templates(tmp_path_factory):
    """The stacks of `-c compute=both`, synthesised."""
    folder = tmp_path_factory.mktemp("templates")
    subprocess.run(["npx", "tsc"], cwd=ROOT / "cdk", check=True)
    subprocess.run(["node", "build/test/synth.js", folder], cwd=ROOT / "cdk", check=True)
    return folder / "both"


@pytest.fixture(scope="module")
def world(api_server, aws, templates, services):
    """The STS, and the gates that its roles' credentials open."""
    port, pool = aws
    pods = Templates(templates, pool, ISSUER).pods("Cluster")
    gate, roles = Gate(port), {}
    for name in services:
        trust, statements = pods[f"tech5-dev-{name}"]
        own = free_port()
        gate.open(name, statements, own)
        roles[arn(name)] = trust, own
    keys = keys_of(api_server.kubectl("get", "--raw", "/openid/v1/jwks").stdout)
    sts = Sts(ISSUER, keys, roles)
    try:
        yield sts, gate
    finally:
        sts.close()
        gate.close()


@pytest.fixture
def assume(world):
    """Asks for a role with a token, as an SDK does: the error's code, or None."""
    sts, _ = world
    unsigned = botocore.config.Config(signature_version=botocore.UNSIGNED, retries={"max_attempts": 1})
    client = boto3.client("sts", endpoint_url=sts.url, region_name=REGION, config=unsigned)

    def assume(role, token):
        try:
            told = client.assume_role_with_web_identity(
                RoleArn=role, RoleSessionName="pod", WebIdentityToken=token
            )
        except botocore.exceptions.ClientError as error:
            return error.response["Error"]["Code"]
        assert told["Credentials"]["AccessKeyId"]
        return None

    return assume


def test_each_account_gets_its_own_role_and_no_other(assume, accounts, services):
    for account in services:
        token = accounts(account)
        for role in services:
            expected = None if role == account else "AccessDenied"
            assert assume(arn(role), token) == expected, (account, role)


def test_an_account_of_that_name_elsewhere_gets_nothing(assume, accounts, services):
    for account in services:
        assert assume(arn(account), accounts(account, namespace="other")) == "AccessDenied"


def test_a_token_for_others_to_read_gets_nothing(assume, accounts):
    token = accounts("auth-service", audience="https://kubernetes.default.svc")
    assert assume(arn("auth-service"), token) == "AccessDenied"


def test_a_token_that_another_key_has_signed_is_none(assume, accounts):
    token = accounts("auth-service")
    claims = jwt.decode(token, options={"verify_signature": False})
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    forged = jwt.encode(claims, key, "RS256", {"kid": jwt.get_unverified_header(token)["kid"]})
    assert assume(arn("auth-service"), forged) == "InvalidIdentityToken"
    assert assume(arn("auth-service"), token) is None


def sweep(program, world, tmp_path, token, role):
    """The binary, as a pod with this token that was told of this role."""
    sts, _ = world
    file = tmp_path / "token"
    file.write_text(token)
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "FOTOGRAMA_"))}
    environment |= {
        "AWS_ENDPOINT_URL": sts.url,
        "AWS_REGION": REGION,
        "AWS_ROLE_ARN": role,
        "AWS_WEB_IDENTITY_TOKEN_FILE": str(file),
        "AWS_EC2_METADATA_DISABLED": "true",
        "FOTOGRAMA_TOPIC_ARN": f"arn:aws:sns:{REGION}:{ACCOUNT}:tech5-dev-video-topic",
        "FOTOGRAMA_VIDEO_QUEUE_URL": f"{sts.url}/{ACCOUNT}/tech5-dev-video-queue",
    }
    return subprocess.run(
        [program, "run", "sweep"], env=environment, capture_output=True, text=True, timeout=120
    )


def test_the_binary_works_with_the_tokens_role(program, world, accounts, tmp_path):
    _, gate = world
    done = sweep(program, world, tmp_path, accounts("video-processor"), arn("video-processor"))
    assert done.returncode == 0, done.stderr
    asked = {call.action for call in gate.calls if call.principal == "video-processor"}
    assert "dynamodb:Query" in asked
    assert gate.denied() == []


def test_the_binary_does_nothing_with_anothers_token(program, world, accounts, tmp_path):
    _, gate = world
    before = len(gate.calls)
    done = sweep(program, world, tmp_path, accounts("auth-service"), arn("video-processor"))
    assert done.returncode != 0
    assert len(gate.calls) == before


def test_the_binary_may_do_what_its_own_role_may_and_no_more(program, world, accounts, tmp_path):
    _, gate = world
    done = sweep(program, world, tmp_path, accounts("auth-service"), arn("auth-service"))
    assert done.returncode != 0
    denied = {(call.principal, call.action) for call in gate.denied()}
    assert denied == {("auth-service", "dynamodb:Query")}
