"""S3: checksums, declared and computed."""

import base64
import hashlib
import zlib

import pytest
from botocore.exceptions import ClientError

from conftest import error_code, status


@pytest.fixture
def bucket(s3, unique):
    s3.create_bucket(Bucket=unique)
    return unique


def test_a_wrong_checksum_leaves_nothing(s3, bucket):
    wrong = base64.b64encode(zlib.crc32(b"other").to_bytes(4, "big")).decode()
    with pytest.raises(ClientError) as refused:
        s3.put_object(Bucket=bucket, Key="k", Body=b"x", ChecksumCRC32=wrong)
    assert (error_code(refused), status(refused)) == ("BadDigest", 400)
    with pytest.raises(ClientError) as md5:
        digest = base64.b64encode(hashlib.md5(b"other").digest()).decode()
        s3.put_object(Bucket=bucket, Key="k", Body=b"x", ContentMD5=digest)
    assert error_code(md5) == "BadDigest"
    with pytest.raises(ClientError) as malformed:
        s3.put_object(Bucket=bucket, Key="k", Body=b"x", ContentMD5="bm90IG1kNQ==")
    assert error_code(malformed) == "InvalidDigest"
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0


@pytest.mark.parametrize(
    ("algorithm", "digest"),
    [
        ("SHA256", hashlib.sha256(b"abc").digest()),
        ("SHA1", hashlib.sha1(b"abc").digest()),
        ("CRC32", zlib.crc32(b"abc").to_bytes(4, "big")),
    ],
)
def test_checksums_are_kept_and_told(s3, bucket, algorithm, digest):
    field = f"Checksum{algorithm}"
    expected = base64.b64encode(digest).decode()
    put = s3.put_object(Bucket=bucket, Key="k", Body=b"abc", ChecksumAlgorithm=algorithm)
    assert put[field] == expected
    head = s3.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert (head[field], head["ChecksumType"]) == (expected, "FULL_OBJECT")


def test_overwriting_replaces_the_checksum(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"one", ChecksumAlgorithm="SHA256")
    s3.put_object(Bucket=bucket, Key="k", Body=b"two", ChecksumAlgorithm="CRC32")
    head = s3.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert "ChecksumSHA256" not in head
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"two"
