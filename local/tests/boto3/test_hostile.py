"""Hostile input: nothing panics, nothing leaves the data folder, every refusal has AWS's shape."""

import json
import random
import xml.etree.ElementTree as ElementTree
from urllib.parse import quote

import pytest
from botocore.exceptions import ClientError
from conftest import error_code, status
from raw import exchange, send, signed

KEYS = {
    "up": "../up",
    "up and up": "a/../../../../../../../../tmp/fotograma-escape",
    "absolute": "//etc/passwd",
    "dots": "..",
    "dot": ".",
    "control": "a\x01\x1f\x7fb",
    "newline": "a\r\nb: c",
    "backslash": "..\\..\\x",
    "longest": "k" * 1024,
    "longest in UTF-8": "é" * 512,
    "xml": "<a>&\"'</a>]]>",
    "percent": "%2e%2e%2f%00",
    "spaces": "  a  b  ",
    "emoji": "🎞️/ñ",
    "not xml": "a\ufffe\uffffb",
    "quotes for SQL": "'; DROP TABLE s3_object; --",
}


@pytest.fixture
def bucket(s3, unique):
    s3.create_bucket(Bucket=unique)
    return unique


@pytest.fixture(autouse=True)
def alive(endpoint):
    """After every test the server still answers."""
    yield
    assert send(f"{endpoint}/")[0] in (200, 403)


def is_s3_error(body):
    return ElementTree.fromstring(body).find("Code") is not None


@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS.keys())
def test_any_key_is_just_a_name(s3, bucket, key, unique, server):
    other = f"{unique}-b"
    s3.create_bucket(Bucket=other)
    s3.put_object(Bucket=bucket, Key=key, Body=b"mine")
    assert s3.get_object(Bucket=bucket, Key=key)["Body"].read() == b"mine"
    listed = s3.list_objects_v2(Bucket=bucket)
    assert [item["Key"] for item in listed["Contents"]] == [key]
    assert s3.list_objects_v2(Bucket=other)["KeyCount"] == 0
    if server:
        names = {path.name for path in server.folder.iterdir()}
        assert {n for n in names if not n.startswith(("state.db", "dynamodb.db"))} <= {"blobs", "lock"}
    s3.delete_object(Bucket=bucket, Key=key)
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0


def test_a_key_of_1025_bytes_is_too_long(s3, bucket):
    for key in ("k" * 1025, "é" * 513):
        with pytest.raises(ClientError) as refused:
            s3.put_object(Bucket=bucket, Key=key, Body=b"")
        assert (error_code(refused), status(refused)) == ("KeyTooLongError", 400)
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0


@pytest.mark.parametrize("path", ["/%", "/%zz", "/b/%ff%fe", "/..%2f..%2fetc", "//", "/b/%00"])
def test_bad_addresses(endpoint, path):
    code, _, body = send(endpoint + path)
    assert 400 <= code < 500 and is_s3_error(body)


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "AWS4-HMAC-SHA256",
        "AWS4-HMAC-SHA256 Credential=test, SignedHeaders=host, Signature=00",
        "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/s3/aws4_request,SignedHeaders=,Signature=",
        "AWS4-HMAC-SHA256 " + "Credential=" * 500,
        "Basic dGVzdDp0ZXN0",
        "AWS test:c2lnbmF0dXJl",
        "Bearer x",
        "\u00e9\u00ff",
    ],
)
@pytest.mark.parametrize("target", [None, "AmazonSQS.ListQueues", "DynamoDB_20120810.ListTables"])
def test_bad_authorization(endpoint, authorization, target):
    headers = {"Authorization": authorization.encode("latin-1")}
    if target:
        headers["X-Amz-Target"] = target
        code, _, body = send(endpoint + "/", "POST", b"{}", headers)
        assert "__type" in json.loads(body)
    else:
        code, _, body = send(endpoint + "/", headers=headers)
        assert is_s3_error(body)
    assert 400 <= code < 500 or code == 501


TARGETS = {
    "AmazonSQS.SendMessage": "sqs",
    "AmazonSQS.ReceiveMessage": "sqs",
    "DynamoDB_20120810.PutItem": "dynamodb",
    "AWSCognitoIdentityProviderService.AdminCreateUser": "cognito-idp",
}
BODIES = [
    b"",
    b"{",
    b"[]",
    b"null",
    b'"x"',
    b"{}",
    b"\xff\xfe",
    b'{"QueueUrl":5}',
    b'{"QueueUrl":{"a":[]}}',
    b'{"TableName":["t"]}',
    b"[" * 10_000,
    b'{"a":' * 5_000,
    b'{"QueueUrl":"x","MessageBody":"' + b"y" * 2_000_000 + b'"}',
]


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("body", BODIES, ids=range(len(BODIES)))
def test_bad_json(endpoint, target, body):
    headers = {"X-Amz-Target": target, "Content-Type": "application/x-amz-json-1.0"}
    code, _, answer = signed(endpoint + "/", "POST", body, headers, TARGETS[target])
    assert 400 <= code < 500, answer
    assert "__type" in json.loads(answer)


@pytest.mark.parametrize("operation", ["Nonsense", "", "../x", "List Queues"])
def test_unknown_operations_are_named(endpoint, operation):
    for prefix, service in (("AmazonSQS", "sqs"), ("AWSCognitoIdentityProviderService", "cognito-idp")):
        headers = {"X-Amz-Target": f"{prefix}.{operation}"}
        code, _, answer = signed(endpoint + "/", "POST", b"{}", headers, service)
        assert code == 400 and "UnknownOperation" in json.loads(answer)["__type"]
    form = f"Action={quote(operation)}&Version=2010-03-31".encode()
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    for service in ("sns", "sts"):
        code, _, answer = signed(endpoint + "/", "POST", form, headers, service)
        assert code == 400
        assert b"<Code>InvalidAction</Code>" in answer
        ElementTree.fromstring(answer)


def test_services_that_are_not_here_are_named(client):
    for service, call in (("kms", "list_keys"), ("iam", "list_users"), ("lambda", "list_functions")):
        with pytest.raises(ClientError) as refused:
            getattr(client(service), call)()
        assert service in str(refused.value) or "not served" in str(refused.value)


def test_a_key_of_one_service_does_not_open_another(endpoint):
    headers = {"X-Amz-Target": "AmazonSQS.ListQueues"}
    code, _, answer = signed(endpoint + "/", "POST", b"{}", headers, "dynamodb")
    assert code == 400 and json.loads(answer)["__type"] == "InvalidSignatureException"


def test_a_body_that_is_not_the_signed_one(endpoint, bucket, s3):
    import hashlib

    from botocore.auth import S3SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    url = f"{endpoint}/{bucket}/k"
    request = AWSRequest("PUT", url, data=b"signed")
    S3SigV4Auth(Credentials("test", "test"), "s3", "us-east-1").add_auth(request)
    assert request.headers["X-Amz-Content-SHA256"] == hashlib.sha256(b"signed").hexdigest()
    code, _, body = send(url, "PUT", b"forged", dict(request.headers.items()))
    assert code == 400 and b"XAmzContentSHA256Mismatch" in body
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0


def test_a_body_cut_short_leaves_nothing(s3, endpoint, bucket, server):
    url = s3.generate_presigned_url("put_object", {"Bucket": bucket, "Key": "k"})
    target = url.removeprefix(endpoint)
    host = endpoint.removeprefix("http://")
    head = f"PUT {target} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 1000000\r\n\r\n"
    exchange(endpoint, head.encode() + b"x" * 400_000)
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0
    if server:
        rows = {path.name for path in (server.folder / "blobs").iterdir()}
        s3.put_object(Bucket=bucket, Key="k", Body=b"x")
        assert len({p.name for p in (server.folder / "blobs").iterdir()} - rows) == 1


@pytest.mark.parametrize(
    "data",
    [
        b"\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET / HTTP/1.1\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nA: " + b"a" * 200_000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\n" + b"".join(b"h%d: v\r\n" % n for n in range(2000)) + b"\r\n",
        b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    ],
    ids=range(11),
)
def test_malformed_http(endpoint, data):
    answer = exchange(endpoint, data)
    assert answer == b"" or answer.startswith((b"HTTP/1.1 4", b"HTTP/1.1 501"))


def test_fuzzed_requests(endpoint, bucket):
    """Requests that are right but for a few bytes, and always the same ones."""
    chance = random.Random(7)
    host = endpoint.removeprefix("http://").encode()
    seeds = [
        b"GET /%s/k?list-type=2&prefix=a HTTP/1.1\r\nHost: %s\r\nRange: bytes=0-1\r\n\r\n",
        b"PUT /%s/k HTTP/1.1\r\nHost: %s\r\nContent-Length: 3\r\nx-amz-content-sha256: x\r\n\r\nabc",
        b"POST /%s?delete HTTP/1.1\r\nHost: %s\r\nContent-Length: 9\r\n\r\n<Delete/>",
        b"POST /%s HTTP/1.1\r\nHost: %s\r\nX-Amz-Target: AmazonSQS.SendMessage\r\n"
        b"Content-Length: 2\r\n\r\n{}",
    ]
    for _ in range(300):
        data = bytearray(chance.choice(seeds) % (bucket.encode(), host))
        for _ in range(chance.randint(1, 6)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        answer = exchange(endpoint, bytes(data))
        assert not answer.startswith(b"HTTP/1.1 500"), bytes(data)


XML = [
    b"",
    b"<",
    b"<Delete>",
    b"<Delete></Delete>",
    b"<Delete><Object></Object></Delete>",
    b"<!DOCTYPE a [<!ENTITY x \"y\"><!ENTITY z SYSTEM \"file:///etc/passwd\">]>"
    b"<Delete><Object><Key>&z;</Key></Object></Delete>",
    b"\x00\x01\x02",
    b"<Delete>" + b"<Object><Key>k</Key></Object>" * 1001 + b"</Delete>",
    b"<a>" * 5000,
]


@pytest.mark.parametrize("body", XML, ids=range(len(XML)))
def test_bad_xml(endpoint, bucket, body):
    for query in ("delete", "cors=", "notification=", "uploadId=x"):
        method = "PUT" if query in ("cors=", "notification=") else "POST"
        place = f"/{bucket}/k" if query == "uploadId=x" else f"/{bucket}"
        code, _, answer = signed(f"{endpoint}{place}?{query}", method, body)
        assert 400 <= code < 500, (query, answer)
        assert is_s3_error(answer)
