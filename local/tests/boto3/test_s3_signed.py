"""S3: who is let in. Presigned addresses, expiry, tampering, CORS."""

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from conftest import error_code, status
from raw import send


@pytest.fixture
def bucket(s3, unique):
    s3.create_bucket(Bucket=unique)
    s3.put_object(Bucket=unique, Key="k", Body=b"secret")
    return unique


def presign(s3, operation, **arguments):
    seconds = arguments.pop("seconds", 60)
    return s3.generate_presigned_url(operation, arguments, ExpiresIn=seconds)


def test_presigned_get_and_head(s3, bucket):
    url = presign(s3, "get_object", Bucket=bucket, Key="k", ResponseContentType="text/x")
    code, headers, body = send(url)
    assert (code, body, headers["content-type"]) == (200, b"secret", "text/x")
    code, headers, body = send(presign(s3, "head_object", Bucket=bucket, Key="k"), "HEAD")
    assert (code, headers["content-length"], body) == (200, "6", b"")


def test_a_presigned_put_holds_to_what_was_signed(s3, bucket):
    signed = {"ContentType": "video/mp4", "ContentLength": 4}
    url = presign(s3, "put_object", Bucket=bucket, Key="up", **signed)
    good = {"Content-Type": "video/mp4"}
    assert send(url, "PUT", b"12345", good)[0] == 403, "a longer body"
    assert send(url, "PUT", b"123", good)[0] == 403, "a shorter body"
    assert send(url, "PUT", b"1234", {"Content-Type": "text/html"})[0] == 403, "another type"
    assert send(url, "PUT", b"1234")[0] == 403, "no type"
    code, headers, _ = send(url, "PUT", b"1234", good)
    assert code == 200 and headers["etag"]
    assert s3.head_object(Bucket=bucket, Key="up")["ContentType"] == "video/mp4"


def test_a_presigned_part(s3, bucket):
    upload = s3.create_multipart_upload(Bucket=bucket, Key="m")["UploadId"]
    url = presign(s3, "upload_part", Bucket=bucket, Key="m", UploadId=upload, PartNumber=1)
    code, headers, _ = send(url, "PUT", b"part")
    assert code == 200
    s3.complete_multipart_upload(
        Bucket=bucket,
        Key="m",
        UploadId=upload,
        MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": headers["etag"]}]},
    )
    assert s3.get_object(Bucket=bucket, Key="m")["Body"].read() == b"part"


def test_tampering_is_refused(s3, client, bucket, endpoint):
    s3.put_object(Bucket=bucket, Key="other", Body=b"other")
    url = presign(s3, "get_object", Bucket=bucket, Key="k")
    for bad in (
        url.replace(f"{bucket}/k", f"{bucket}/other"),
        url.replace("X-Amz-Expires=60", "X-Amz-Expires=61"),
        url[:-1] + ("0" if url[-1] != "0" else "1"),
        url + "&response-content-type=text/html",
        url.replace("test%2F", "else%2F"),
        f"{endpoint}/{bucket}/k",
    ):
        code, _, body = send(bad)
        assert code == 403 and b"secret" not in body and b"<Code>" in body, bad
        assert b"<Message>" in body
    assert send(url, "PUT", b"x")[0] == 403
    assert send(url, "DELETE")[0] == 403
    stranger = client("s3", aws_access_key_id="else")
    with pytest.raises(ClientError) as unknown:
        stranger.list_buckets()
    assert (error_code(unknown), status(unknown)) == ("InvalidAccessKeyId", 403)
    liar = client("s3", aws_secret_access_key="else")
    with pytest.raises(ClientError) as mismatch:
        liar.get_object(Bucket=bucket, Key="k")
    assert (error_code(mismatch), status(mismatch)) == ("SignatureDoesNotMatch", 403)
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"secret"


def test_a_presigned_put_cannot_be_made_into_something_else(s3, bucket):
    url = presign(s3, "put_object", Bucket=bucket, Key="up")
    for header, value in (
        ("x-amz-copy-source", f"/{bucket}/k"),
        ("x-amz-meta-owner", "me"),
        ("x-amz-storage-class", "GLACIER"),
    ):
        code, _, body = send(url, "PUT", b"x", {header: value})
        assert code == 403 and b"not signed" in body
    assert [item["Key"] for item in s3.list_objects_v2(Bucket=bucket)["Contents"]] == ["k"]


def test_a_presigned_address_lives_a_week_at_most(s3, bucket):
    assert send(presign(s3, "get_object", Bucket=bucket, Key="k", seconds=604_800))[0] == 200
    code, _, body = send(presign(s3, "get_object", Bucket=bucket, Key="k", seconds=604_801))
    assert code == 400 and b"AuthorizationQueryParametersError" in body


def test_a_presigned_address_expires(s3, bucket, local):
    url = presign(s3, "get_object", Bucket=bucket, Key="k", seconds=60)
    local("POST", "clock", {"advance_ms": 58_000})
    assert send(url)[0] == 200
    local("POST", "clock", {"advance_ms": 4_000})
    code, _, body = send(url)
    assert code == 403 and b"Request has expired" in body


def test_the_older_presigned_form_holds_too(client, bucket, local):
    """Signature Version 2, which boto3 makes in us-east-1 unless it is told otherwise."""
    older = client("s3", config=Config(signature_version="s3"))
    url = presign(older, "get_object", Bucket=bucket, Key="k", seconds=60)
    assert "AWSAccessKeyId=" in url
    assert send(url)[0] == 200
    assert send(url.replace(f"{bucket}/k", f"{bucket}/other"))[0] == 403
    typed = presign(older, "put_object", Bucket=bucket, Key="up", ContentType="text/plain")
    assert send(typed, "PUT", b"x", {"Content-Type": "text/html"})[0] == 403
    assert send(typed, "PUT", b"x", {"Content-Type": "text/plain", "x-amz-meta-owner": "me"})[0] == 403
    assert send(typed, "PUT", b"x", {"Content-Type": "text/plain"})[0] == 200
    local("POST", "clock", {"advance_ms": 62_000})
    code, _, body = send(url)
    assert code == 403 and b"Request has expired" in body


ORIGIN = {"Origin": "http://page.example"}


def preflight(endpoint, bucket, method, headers=""):
    asked = {**ORIGIN, "Access-Control-Request-Method": method}
    if headers:
        asked["Access-Control-Request-Headers"] = headers
    return send(f"{endpoint}/{bucket}/k", "OPTIONS", headers=asked)


def test_without_rules_no_page_is_let_in(endpoint, bucket):
    code, _, body = preflight(endpoint, bucket, "PUT")
    assert code == 403 and b"CORSResponse" in body


def test_cors_rules_decide(s3, endpoint, bucket):
    s3.put_bucket_cors(
        Bucket=bucket,
        CORSConfiguration={
            "CORSRules": [
                {
                    "AllowedOrigins": ["http://*.example"],
                    "AllowedMethods": ["PUT", "GET"],
                    "AllowedHeaders": ["content-*"],
                    "ExposeHeaders": ["ETag"],
                    "MaxAgeSeconds": 60,
                }
            ]
        },
    )
    code, headers, _ = preflight(endpoint, bucket, "PUT", "content-type, content-md5")
    assert code == 200
    assert headers["access-control-allow-origin"] == "http://page.example"
    assert "PUT" in headers["access-control-allow-methods"]
    assert headers["access-control-allow-headers"] == "content-type, content-md5"
    assert headers["access-control-max-age"] == "60"
    assert preflight(endpoint, bucket, "DELETE")[0] == 403
    assert preflight(endpoint, bucket, "PUT", "x-evil")[0] == 403
    url = presign(s3, "get_object", Bucket=bucket, Key="k")
    _, headers, _ = send(url, headers=ORIGIN)
    assert headers["access-control-expose-headers"] == "ETag"
    code, headers, _ = send(url.replace("/k?", "/none?"), headers=ORIGIN)
    assert code == 403 and headers["access-control-allow-origin"] == "http://page.example"
    assert s3.get_bucket_cors(Bucket=bucket)["CORSRules"][0]["MaxAgeSeconds"] == 60
    s3.delete_bucket_cors(Bucket=bucket)
    with pytest.raises(ClientError) as none:
        s3.get_bucket_cors(Bucket=bucket)
    assert (error_code(none), status(none)) == ("NoSuchCORSConfiguration", 404)
