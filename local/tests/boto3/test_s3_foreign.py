"""S3: what asks for another operation than the plain one is never taken for the plain one."""

from datetime import datetime

import pytest
from botocore.exceptions import ClientError
from conftest import error_code
from raw import send, signed


@pytest.fixture
def bucket(s3, unique):
    s3.create_bucket(Bucket=unique)
    return unique


@pytest.mark.parametrize(
    "method, query",
    [
        ("PUT", "renameObject"),
        ("PUT", "encryption"),
        ("PUT", "annotation&annotationName=n"),
        ("DELETE", "annotation&annotationName=n"),
        ("GET", "annotation&annotationName=n"),
        ("PUT", "cors"),
        ("DELETE", "ofNextYear"),
    ],
)
def test_an_object_is_not_touched_by_what_is_unknown(s3, bucket, endpoint, method, query):
    s3.put_object(Bucket=bucket, Key="a", Body=b"kept")
    status, _, body = signed(f"{endpoint}/{bucket}/a?{query}", method, b"<x/>" if method == "PUT" else b"")
    assert status == 501 and b"NotImplemented" in body
    assert s3.get_object(Bucket=bucket, Key="a")["Body"].read() == b"kept"


@pytest.mark.parametrize("query", ["metadataConfiguration", "abac", "versioning"])
def test_a_bucket_is_not_deleted_by_what_is_unknown(s3, bucket, endpoint, query):
    status, _, _ = signed(f"{endpoint}/{bucket}?{query}", "DELETE")
    assert status == 501
    s3.head_bucket(Bucket=bucket)


def test_a_copy_holds_to_its_conditions(s3, bucket, endpoint):
    for key in ("from", "to"):
        s3.put_object(Bucket=bucket, Key=key, Body=key.encode())
    for name, value in [("If-None-Match", "*"), ("If-Match", '"00"')]:
        headers = {"x-amz-copy-source": f"{bucket}/from", name: value}
        status, _, body = signed(f"{endpoint}/{bucket}/to", "PUT", headers=headers)
        assert status == 412 and b"PreconditionFailed" in body
    assert s3.get_object(Bucket=bucket, Key="to")["Body"].read() == b"to"
    tag = s3.head_object(Bucket=bucket, Key="to")["ETag"]
    headers = {"x-amz-copy-source": f"{bucket}/from", "If-Match": tag}
    assert signed(f"{endpoint}/{bucket}/to", "PUT", headers=headers)[0] == 200


def test_of_many_objects_only_those_that_can_be_are_deleted(s3, bucket):
    for key in ("a", "b"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"x")
    objects = [
        {"Key": "a", "VersionId": "0123"},
        {"Key": "a", "Size": 2},
        {"Key": "a", "ETag": '"00"'},
        {"Key": "b"},
    ]
    told = s3.delete_objects(Bucket=bucket, Delete={"Objects": objects})
    codes = ["NotImplemented", "NotImplemented", "PreconditionFailed"]
    assert [error["Code"] for error in told["Errors"]] == codes
    assert [key["Key"] for key in s3.list_objects_v2(Bucket=bucket)["Contents"]] == ["a"]


def test_an_upload_is_not_aborted_on_a_condition_that_is_not_asked(s3, bucket):
    begun = {"Bucket": bucket, "Key": "a"}
    begun["UploadId"] = s3.create_multipart_upload(**begun)["UploadId"]
    with pytest.raises(ClientError) as refused:
        s3.abort_multipart_upload(**begun, IfMatchInitiatedTime=datetime(2020, 1, 1))
    assert error_code(refused) == "NotImplemented"
    assert s3.list_parts(**begun)["UploadId"] == begun["UploadId"]


def test_no_object_has_tags(s3, bucket):
    s3.put_object(Bucket=bucket, Key="a", Body=b"x")
    assert s3.get_object_tagging(Bucket=bucket, Key="a")["TagSet"] == []
    with pytest.raises(ClientError) as refused:
        s3.get_object_tagging(Bucket=bucket, Key="b")
    assert error_code(refused) == "NoSuchKey"


def test_a_cut_signature_does_not_match(s3, bucket):
    s3.put_object(Bucket=bucket, Key="a", Body=b"x")
    url = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "a"})
    assert send(url)[0] == 200
    for changed in (url[:-1], url + "0", url[:-2] + "zz"):
        status, _, body = send(changed)
        assert status == 403 and b"SignatureDoesNotMatch" in body


def test_a_bucket_is_not_made_with_what_is_not_kept(s3, unique):
    for more, code in [
        ({"ObjectOwnership": "ObjectWriter"}, "NotImplemented"),
        ({"GrantRead": "id=1"}, "NotImplemented"),
        (
            {"CreateBucketConfiguration": {"LocationConstraint": "mars-1"}},
            "InvalidLocationConstraint",
        ),
    ]:
        with pytest.raises(ClientError) as refused:
            s3.create_bucket(Bucket=unique, **more)
        assert error_code(refused) == code


def test_cors_rules_have_limits(s3, bucket):
    rule = {"AllowedMethods": ["GET"], "AllowedOrigins": ["*"]}
    for rules in ([rule] * 101, [rule | {"AllowedHeaders": ["x-*-*"]}]):
        with pytest.raises(ClientError) as refused:
            s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": rules})
        assert error_code(refused) == "InvalidRequest"


def test_who_began_an_upload_is_told(s3, bucket):
    begun = s3.create_multipart_upload(Bucket=bucket, Key="a")["UploadId"]
    [upload] = s3.list_multipart_uploads(Bucket=bucket)["Uploads"]
    assert upload["Initiator"]["ID"] == upload["Owner"]["ID"]
    parts = s3.list_parts(Bucket=bucket, Key="a", UploadId=begun)
    assert parts["Initiator"]["ID"] == parts["Owner"]["ID"]
