"""What pages in a developer's browser may do, what a machine's other users can read, and whose keys count."""

import json
import subprocess
from urllib.parse import urlencode, urlsplit

import boto3
import pytest
from botocore.exceptions import ClientError
from conftest import CREDENTIALS, error_code
from pools import PASSWORD
from raw import send, signed
from server import Server

PAGE = {"Origin": "http://evil.example"}
JSON = {"Content-Type": "application/json"}


@pytest.fixture(autouse=True)
def ours(server):
    if server is None:
        pytest.skip("others let pages in")


def test_a_page_changes_nothing_under_local(endpoint, local):
    fault = json.dumps({"kind": "error", "service": "sts"}).encode()
    for headers, wanted in [
        ({**JSON, **PAGE}, 403),
        ({**JSON, "Sec-Fetch-Site": "cross-site"}, 403),
        # A page may send these to any address without asking.
        ({"Content-Type": "text/plain"}, 415),
        ({"Content-Type": "application/x-www-form-urlencoded"}, 415),
        ({**JSON, "Origin": endpoint}, 200),
    ]:
        assert send(f"{endpoint}/_local/faults", "POST", fault, headers)[0] == wanted, headers
    assert len(local("GET", "faults")) == 1
    for place in ("faults", "clock", "mail"):
        assert send(f"{endpoint}/_local/{place}", "DELETE", headers=PAGE)[0] == 403
    preflight = {**PAGE, "Access-Control-Request-Method": "POST"}
    status, headers, _ = send(f"{endpoint}/_local/faults", "OPTIONS", headers=preflight)
    assert status == 403 and "access-control-allow-origin" not in headers


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.nip.io:4566", "localhost.evil.example"])
def test_a_name_that_a_stranger_can_register_is_not_answered_to(endpoint, host):
    for path in ("/_local/mail", "/", "/bucket/key"):
        status, _, body = send(endpoint + path, headers={"Host": host})
        assert status == 403 and host.split(":")[0].encode() in body


def test_names_of_this_machine_and_of_containers_are_answered_to(endpoint):
    port = urlsplit(endpoint).port
    for name in ("localhost", "aws", "bucket.localhost", "aws.default.svc.cluster.local"):
        assert send(f"{endpoint}/_local/health", headers={"Host": f"{name}:{port}"})[0] == 200


def test_a_page_calls_cognito_and_no_other_service(endpoint, cognito, pool, app, ana):
    preflight = {**PAGE, "Access-Control-Request-Method": "POST"}
    assert send(endpoint + "/", "OPTIONS", headers=preflight)[1]["access-control-allow-origin"] == "*"
    target = {"X-Amz-Target": "AWSCognitoIdentityProviderService.InitiateAuth", **PAGE}
    login = {
        "ClientId": app, "AuthFlow": "USER_PASSWORD_AUTH",
        "AuthParameters": {"USERNAME": ana, "PASSWORD": PASSWORD},
    }
    status, headers, _ = send(endpoint + "/", "POST", json.dumps(login).encode(), target)
    assert (status, headers["access-control-allow-origin"]) == (200, "*")
    for service, operation, body in [
        ("cognito-idp", "AWSCognitoIdentityProviderService.ListUserPools", b'{"MaxResults": 1}'),
        ("dynamodb", "DynamoDB_20120810.ListTables", b"{}"),
        ("sqs", "AmazonSQS.ListQueues", b"{}"),
    ]:
        call = {"X-Amz-Target": operation, "Content-Type": "application/x-amz-json-1.0"}
        assert signed(endpoint + "/", "POST", body, call, service)[0] == 200
        status, headers, body = signed(endpoint + "/", "POST", body, {**call, **PAGE}, service)
        assert status == 403 and b"AccessDenied" in body
    form = urlencode({"Action": "ListTopics"}).encode()
    call = {"Content-Type": "application/x-www-form-urlencoded"}
    assert signed(endpoint + "/", "POST", form, call, "sns")[0] == 200
    status, headers, _ = signed(endpoint + "/", "POST", form, {**call, **PAGE}, "sns")
    assert status == 403 and "access-control-allow-origin" not in headers


def test_a_page_writes_only_where_the_buckets_rules_let_it(s3, endpoint, unique):
    s3.create_bucket(Bucket=unique)
    put = s3.generate_presigned_url("put_object", {"Bucket": unique, "Key": "k"})
    assert send(put, "PUT", b"x", PAGE)[0] == 403
    assert "Contents" not in s3.list_objects_v2(Bucket=unique)
    rule = {"AllowedMethods": ["PUT"], "AllowedOrigins": ["http://evil.example"]}
    s3.put_bucket_cors(Bucket=unique, CORSConfiguration={"CORSRules": [rule]})
    assert send(put, "PUT", b"x", PAGE)[0] == 200


def test_the_folder_is_closed_to_other_users(s3, dynamodb, server, unique):
    s3.create_bucket(Bucket=unique)
    s3.put_object(Bucket=unique, Key="k", Body=b"secret")
    dynamodb.list_tables()
    open_to_others = {
        str(path): oct(path.stat().st_mode)
        for path in [server.folder, *server.folder.rglob("*")]
        if path.stat().st_mode & 0o777 != (0o700 if path.is_dir() else 0o600)
    }
    assert open_to_others == {}


def test_only_the_keys_of_ones_own_count(server, tmp_path):
    command = [server.program, "--access-key", "AKIAOWN", "--secret-key", "own", "--data-dir", str(tmp_path)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        url = process.stdout.readline().strip()
        own = {**CREDENTIALS, "aws_access_key_id": "AKIAOWN", "aws_secret_access_key": "own"}
        for service, ask in (("s3", "list_buckets"), ("sqs", "list_queues"), ("dynamodb", "list_tables")):
            getattr(boto3.client(service, endpoint_url=url, **own), ask)()
            with pytest.raises(ClientError) as refused:
                getattr(boto3.client(service, endpoint_url=url, **CREDENTIALS), ask)()
            assert error_code(refused) in {"InvalidAccessKeyId", "UnrecognizedClientException", "InvalidClientTokenId"}
    finally:
        process.terminate()
        assert process.wait(timeout=30) == 0
        process.stdout.close()


def test_a_folder_of_a_newer_program_is_refused_by_name(server, tmp_path):
    import sqlite3

    first = Server(server.program, tmp_path).start()
    first.stop()
    with sqlite3.connect(tmp_path / "state.db") as state:
        state.execute("PRAGMA user_version = 99")
    state.close()
    refused = subprocess.run(
        [server.program, "--data-dir", str(tmp_path)], capture_output=True, text=True, timeout=30
    )
    assert refused.returncode == 1
    assert "99" in refused.stderr and "newer program" in refused.stderr
