"""S3: objects, lists, conditions, copies."""

import hashlib
import threading

import pytest
from botocore.exceptions import ClientError
from conftest import error_code, status


@pytest.fixture
def bucket(s3, unique):
    s3.create_bucket(Bucket=unique)
    return unique


def test_an_object_comes_back_as_it_was_put(s3, bucket):
    put = s3.put_object(
        Bucket=bucket,
        Key="a b/é+.txt",
        Body=b"hello",
        ContentType="text/plain",
        ContentDisposition='attachment; filename="x.txt"',
        CacheControl="no-store",
        Metadata={"camera": "left"},
    )
    got = s3.get_object(Bucket=bucket, Key="a b/é+.txt")
    assert got["Body"].read() == b"hello"
    assert got["ETag"] == put["ETag"] == f'"{hashlib.md5(b"hello").hexdigest()}"'
    assert got["ContentType"] == "text/plain"
    assert got["ContentDisposition"] == 'attachment; filename="x.txt"'
    assert got["CacheControl"] == "no-store"
    assert got["Metadata"] == {"camera": "left"}
    head = s3.head_object(Bucket=bucket, Key="a b/é+.txt")
    assert (head["ContentLength"], head["ETag"]) == (5, put["ETag"])


def test_a_missing_object_and_a_missing_bucket_are_told_apart(s3, bucket, unique):
    with pytest.raises(ClientError) as no_key:
        s3.get_object(Bucket=bucket, Key="é none")
    assert (error_code(no_key), status(no_key)) == ("NoSuchKey", 404)
    assert no_key.value.response["Error"]["Key"] == "é none"
    with pytest.raises(ClientError) as no_bucket:
        s3.put_object(Bucket=f"{unique}-none", Key="k", Body=b"")
    assert (error_code(no_bucket), status(no_bucket)) == ("NoSuchBucket", 404)
    assert no_bucket.value.response["Error"]["BucketName"] == f"{unique}-none"
    with pytest.raises(ClientError) as no_head:
        s3.head_object(Bucket=bucket, Key="none")
    assert status(no_head) == 404


def test_objects_survive_a_restart(s3, bucket, restart):
    body = bytes(range(256)) * 4096
    s3.put_object(Bucket=bucket, Key="k", Body=body, Metadata={"a": "1"})
    upload = s3.create_multipart_upload(Bucket=bucket, Key="m")["UploadId"]
    part = s3.upload_part(Bucket=bucket, Key="m", UploadId=upload, PartNumber=1, Body=b"part")
    restart()
    got = s3.get_object(Bucket=bucket, Key="k")
    assert (got["Body"].read(), got["Metadata"]) == (body, {"a": "1"})
    s3.complete_multipart_upload(
        Bucket=bucket,
        Key="m",
        UploadId=upload,
        MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]},
    )
    assert s3.get_object(Bucket=bucket, Key="m")["Body"].read() == b"part"


def test_delete_one_and_many(s3, bucket):
    for key in ("a", "b", "c"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"x")
    s3.delete_object(Bucket=bucket, Key="a")
    s3.delete_object(Bucket=bucket, Key="a")
    wanted = {"Objects": [{"Key": "b"}, {"Key": "never"}, {"Key": "c"}]}
    deleted = s3.delete_objects(Bucket=bucket, Delete=wanted)["Deleted"]
    assert sorted(d["Key"] for d in deleted) == ["b", "c", "never"]
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0
    s3.delete_bucket(Bucket=bucket)
    with pytest.raises(ClientError) as gone:
        s3.list_objects_v2(Bucket=bucket)
    assert error_code(gone) == "NoSuchBucket"


def test_deleting_many_needs_a_digest(s3, bucket):
    def strip(request, **_):
        for name in [name for name in request.headers if "checksum" in name or "md5" in name.lower()]:
            del request.headers[name]

    s3.put_object(Bucket=bucket, Key="a", Body=b"x")
    s3.meta.events.register("before-sign.s3.DeleteObjects", strip)
    with pytest.raises(ClientError) as missing:
        s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "a"}]})
    assert (error_code(missing), status(missing)) == ("InvalidRequest", 400)
    s3.meta.events.unregister("before-sign.s3.DeleteObjects", strip)
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 1


def test_a_bucket_with_objects_is_not_deleted(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    with pytest.raises(ClientError) as full:
        s3.delete_bucket(Bucket=bucket)
    assert (error_code(full), status(full)) == ("BucketNotEmpty", 409)
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"x"


@pytest.mark.parametrize(
    ("asked", "bytes_", "told"),
    [
        ("bytes=0-3", b"0123", "bytes 0-3/10"),
        ("bytes=7-", b"789", "bytes 7-9/10"),
        ("bytes=-2", b"89", "bytes 8-9/10"),
        ("bytes=-99", b"0123456789", "bytes 0-9/10"),
        ("bytes=8-99", b"89", "bytes 8-9/10"),
    ],
)
def test_ranges(s3, bucket, asked, bytes_, told):
    s3.put_object(Bucket=bucket, Key="k", Body=b"0123456789")
    got = s3.get_object(Bucket=bucket, Key="k", Range=asked)
    assert got["ResponseMetadata"]["HTTPStatusCode"] == 206
    assert (got["Body"].read(), got["ContentRange"]) == (bytes_, told)


@pytest.mark.parametrize("asked", ["bytes=10-", "bytes=10-12", "bytes=-0"])
def test_a_range_past_the_end_is_416(s3, bucket, asked):
    s3.put_object(Bucket=bucket, Key="k", Body=b"0123456789")
    with pytest.raises(ClientError) as refused:
        s3.get_object(Bucket=bucket, Key="k", Range=asked)
    assert (error_code(refused), status(refused)) == ("InvalidRange", 416)
    error = refused.value.response["Error"]
    assert (error["RangeRequested"], error["ActualObjectSize"]) == (asked, "10")


def test_lists_have_prefix_delimiter_and_pages(s3, bucket):
    keys = [f"{letter}/{n:02}" for letter in "abc" for n in range(7)] + ["root", "a", "ümlaut x"]
    for key in keys:
        s3.put_object(Bucket=bucket, Key=key, Body=b"")
    pages = s3.get_paginator("list_objects_v2").paginate(
        Bucket=bucket, PaginationConfig={"PageSize": 4}
    )
    listed = [item["Key"] for page in pages for item in page.get("Contents", [])]
    assert listed == sorted(keys, key=str.encode)
    found = []
    arguments = {"Bucket": bucket, "Delimiter": "/", "MaxKeys": 2}
    while True:
        page = s3.list_objects_v2(**arguments)
        assert page["KeyCount"] <= 2
        found += [item["Key"] for item in page.get("Contents", [])]
        found += [prefix["Prefix"] for prefix in page.get("CommonPrefixes", [])]
        if not page["IsTruncated"]:
            break
        arguments["ContinuationToken"] = page["NextContinuationToken"]
    assert found == ["a", "a/", "b/", "c/", "root", "ümlaut x"]
    under = s3.list_objects_v2(Bucket=bucket, Prefix="b/0", StartAfter="b/03")
    assert [item["Key"] for item in under["Contents"]] == ["b/04", "b/05", "b/06"]


def test_a_made_up_continuation_token_is_refused(s3, bucket):
    with pytest.raises(ClientError) as refused:
        s3.list_objects_v2(Bucket=bucket, ContinuationToken="!!!")
    assert error_code(refused) == "InvalidArgument"


def test_a_key_may_be_the_prefix_of_another(s3, bucket):
    s3.put_object(Bucket=bucket, Key="f", Body=b"1")
    s3.put_object(Bucket=bucket, Key="f/x", Body=b"2")
    s3.put_object(Bucket=bucket, Key="f/", Body=b"3")
    assert [s3.get_object(Bucket=bucket, Key=k)["Body"].read() for k in ("f", "f/x", "f/")] == [
        b"1",
        b"2",
        b"3",
    ]


def test_conditional_reads(s3, bucket):
    etag = s3.put_object(Bucket=bucket, Key="k", Body=b"x")["ETag"]
    assert s3.get_object(Bucket=bucket, Key="k", IfMatch=etag)["Body"].read() == b"x"
    with pytest.raises(ClientError) as changed:
        s3.get_object(Bucket=bucket, Key="k", IfMatch='"0"')
    assert (error_code(changed), status(changed)) == ("PreconditionFailed", 412)
    with pytest.raises(ClientError) as same:
        s3.get_object(Bucket=bucket, Key="k", IfNoneMatch=etag)
    assert status(same) == 304
    modified = s3.head_object(Bucket=bucket, Key="k")["LastModified"]
    with pytest.raises(ClientError) as old:
        s3.get_object(Bucket=bucket, Key="k", IfModifiedSince=modified)
    assert status(old) == 304


def test_conditional_writes(s3, bucket):
    etag = s3.put_object(Bucket=bucket, Key="k", Body=b"1", IfNoneMatch="*")["ETag"]
    with pytest.raises(ClientError) as there:
        s3.put_object(Bucket=bucket, Key="k", Body=b"2", IfNoneMatch="*")
    assert (error_code(there), status(there)) == ("PreconditionFailed", 412)
    s3.put_object(Bucket=bucket, Key="k", Body=b"3", IfMatch=etag)
    with pytest.raises(ClientError) as stale:
        s3.put_object(Bucket=bucket, Key="k", Body=b"4", IfMatch=etag)
    assert error_code(stale) == "PreconditionFailed"
    with pytest.raises(ClientError) as absent:
        s3.put_object(Bucket=bucket, Key="other", Body=b"5", IfMatch=etag)
    assert (error_code(absent), status(absent)) == ("NoSuchKey", 404)
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"3"


def test_of_many_first_writers_one_wins(s3, bucket):
    outcomes = []

    def write(n):
        try:
            s3.put_object(Bucket=bucket, Key="k", Body=str(n), IfNoneMatch="*")
            outcomes.append(n)
        except ClientError as error:
            assert error.response["Error"]["Code"] in ("PreconditionFailed", "ConditionalRequestConflict")

    threads = [threading.Thread(target=write, args=(n,)) for n in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(outcomes) == 1
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == str(outcomes[0]).encode()


def test_a_body_may_be_read_while_it_is_replaced(s3, bucket):
    old, new = b"o" * 3_000_000, b"n" * 3_000_000
    s3.put_object(Bucket=bucket, Key="k", Body=old)
    got = s3.get_object(Bucket=bucket, Key="k")["Body"]
    start = got.read(10)
    s3.put_object(Bucket=bucket, Key="k", Body=new)
    assert start + got.read() == old
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == new


def test_copy(s3, bucket):
    s3.put_object(Bucket=bucket, Key="a b+c", Body=b"x" * 100, Metadata={"m": "1"}, ContentType="a/b")
    source = {"Bucket": bucket, "Key": "a b+c"}
    copied = s3.copy_object(Bucket=bucket, Key="copy", CopySource=source)["CopyObjectResult"]
    s3.delete_object(Bucket=bucket, Key="a b+c")
    got = s3.get_object(Bucket=bucket, Key="copy")
    assert (got["Body"].read(), got["Metadata"], got["ContentType"]) == (b"x" * 100, {"m": "1"}, "a/b")
    assert got["ETag"] == copied["ETag"]
    again = {"Bucket": bucket, "Key": "copy"}
    with pytest.raises(ClientError) as itself:
        s3.copy_object(Bucket=bucket, Key="copy", CopySource=again)
    assert error_code(itself) == "InvalidRequest"
    s3.copy_object(
        Bucket=bucket, Key="copy", CopySource=again, MetadataDirective="REPLACE", Metadata={"m": "2"}
    )
    assert s3.head_object(Bucket=bucket, Key="copy")["Metadata"] == {"m": "2"}
    assert s3.get_object(Bucket=bucket, Key="copy")["Body"].read() == b"x" * 100
    with pytest.raises(ClientError) as condition:
        s3.copy_object(Bucket=bucket, Key="z", CopySource=again, CopySourceIfMatch='"0"')
    assert error_code(condition) == "PreconditionFailed"
    with pytest.raises(ClientError) as absent:
        s3.copy_object(Bucket=bucket, Key="z", CopySource={"Bucket": bucket, "Key": "none"})
    assert error_code(absent) == "NoSuchKey"


def test_buckets_are_listed_and_made_twice_without_harm(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    s3.create_bucket(Bucket=bucket)
    assert bucket in [b["Name"] for b in s3.list_buckets()["Buckets"]]
    assert s3.head_object(Bucket=bucket, Key="k")["ContentLength"] == 1
    s3.head_bucket(Bucket=bucket)
    assert s3.get_bucket_location(Bucket=bucket)["LocationConstraint"] is None


@pytest.mark.parametrize("name", ["UPPER", "a", "192.168.0.1", "has_underscore"])
def test_bad_bucket_names_are_refused(client, name):
    s3 = client("s3")
    # boto3 checks names itself; the server must not rely on it.
    s3.meta.events.unregister("before-parameter-build.s3", None)
    with pytest.raises(ClientError) as refused:
        s3.create_bucket(Bucket=name)
    assert error_code(refused) == "InvalidBucketName"


def test_what_is_not_served_is_refused_by_name(s3, bucket):
    for call in (
        lambda: s3.put_object_tagging(Bucket=bucket, Key="k", Tagging={"TagSet": []}),
        lambda: s3.put_object(Bucket=bucket, Key="k", Body=b"", Tagging="a=b"),
        lambda: s3.put_object(Bucket=bucket, Key="k", Body=b"", StorageClass="GLACIER"),
        lambda: s3.get_object(Bucket=bucket, Key="k", VersionId="1"),
    ):
        with pytest.raises(ClientError) as refused:
            call()
        assert (error_code(refused), status(refused)) == ("NotImplemented", 501)


def test_user_metadata_has_a_limit(s3, bucket):
    with pytest.raises(ClientError) as refused:
        s3.put_object(Bucket=bucket, Key="k", Body=b"", Metadata={"m": "x" * 2100})
    assert error_code(refused) == "MetadataTooLarge"
