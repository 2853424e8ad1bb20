"""S3: multipart uploads."""

import base64
import hashlib
import io
import zlib

import pytest
from boto3.s3.transfer import TransferConfig
from botocore.exceptions import ClientError
from conftest import error_code, status

MIB = 1 << 20


@pytest.fixture
def bucket(s3, unique):
    s3.create_bucket(Bucket=unique)
    return unique


@pytest.fixture
def upload(s3, bucket):
    """Begins an upload of the key `m` and gives its calls with the address filled in."""

    class Upload:
        def __init__(self):
            begun = s3.create_multipart_upload(Bucket=bucket, Key="m", Metadata={"m": "1"})
            self.address = {"Bucket": bucket, "Key": "m", "UploadId": begun["UploadId"]}

        def part(self, number, body, **more):
            put = s3.upload_part(**self.address, PartNumber=number, Body=body, **more)
            return {"PartNumber": number, "ETag": put["ETag"]}

        def complete(self, parts, **more):
            return s3.complete_multipart_upload(
                **self.address, MultipartUpload={"Parts": parts}, **more
            )

        def abort(self):
            s3.abort_multipart_upload(**self.address)

        def parts(self, **more):
            return s3.list_parts(**self.address, **more)

    return Upload()


def test_parts_in_any_order_make_one_object(s3, bucket, upload):
    second = upload.part(7, b"b" * 10)
    upload.part(2, b"never this")
    first = upload.part(2, b"a" * 5 * MIB)
    unused = upload.part(9, b"unused")
    listed = upload.parts()["Parts"]
    assert [p["PartNumber"] for p in listed] == [2, 7, 9]
    assert [p["ETag"] for p in listed] == [first["ETag"], second["ETag"], unused["ETag"]]
    made = upload.complete([first, second])
    got = s3.get_object(Bucket=bucket, Key="m")
    body = got["Body"].read()
    assert body == b"a" * 5 * MIB + b"b" * 10
    digests = b"".join(hashlib.md5(p).digest() for p in (b"a" * 5 * MIB, b"b" * 10))
    assert made["ETag"] == got["ETag"] == f'"{hashlib.md5(digests).hexdigest()}-2"'
    assert got["Metadata"] == {"m": "1"}
    across = s3.get_object(Bucket=bucket, Key="m", Range=f"bytes={5 * MIB - 2}-{5 * MIB + 1}")
    assert across["Body"].read() == b"aabb"
    with pytest.raises(ClientError) as over:
        upload.parts()
    assert error_code(over) == "NoSuchUpload"


def test_completing_twice_answers_the_same(s3, upload):
    parts = [upload.part(1, b"x")]
    assert upload.complete(parts)["ETag"] == upload.complete(parts)["ETag"]


def test_what_does_not_fit_is_refused_and_can_be_mended(s3, bucket, upload):
    one, two = upload.part(1, b"small"), upload.part(2, b"x")
    for parts, code in (
        ([one, two], "EntityTooSmall"),
        ([two, one], "InvalidPartOrder"),
        ([{"PartNumber": 1, "ETag": two["ETag"]}], "InvalidPart"),
        ([one, {"PartNumber": 3, "ETag": two["ETag"]}], "InvalidPart"),
    ):
        with pytest.raises(ClientError) as refused:
            upload.complete(parts)
        assert (error_code(refused), status(refused)) == (code, 400)
    with pytest.raises(ClientError) as empty:
        upload.complete([])
    assert error_code(empty) == "MalformedXML"
    with pytest.raises(ClientError):
        s3.head_object(Bucket=bucket, Key="m")
    upload.complete([two])
    assert s3.get_object(Bucket=bucket, Key="m")["Body"].read() == b"x"


def test_an_aborted_upload_is_gone(s3, bucket, upload):
    part = upload.part(1, b"x")
    upload.abort()
    for call in (
        lambda: upload.part(2, b"y"),
        lambda: upload.complete([part]),
        upload.abort,
        upload.parts,
    ):
        with pytest.raises(ClientError) as gone:
            call()
        assert (error_code(gone), status(gone)) == ("NoSuchUpload", 404)


def test_part_numbers_have_limits(upload):
    for number in (0, 10_001):
        with pytest.raises(ClientError) as refused:
            upload.part(number, b"x")
        assert error_code(refused) == "InvalidArgument"


def test_lists_of_parts_and_uploads_have_pages(s3, bucket, upload):
    for number in (1, 2, 3):
        upload.part(number, b"x")
    page = upload.parts(MaxParts=2)
    assert page["IsTruncated"] and page["NextPartNumberMarker"] == 2
    assert [p["PartNumber"] for p in upload.parts(PartNumberMarker=2)["Parts"]] == [3]
    ids = [upload.address["UploadId"]]
    ids += [s3.create_multipart_upload(Bucket=bucket, Key="n")["UploadId"] for _ in range(2)]
    found, arguments = [], {"Bucket": bucket, "MaxUploads": 1}
    while True:
        page = s3.list_multipart_uploads(**arguments)
        found += [(u["Key"], u["UploadId"]) for u in page["Uploads"]]
        if not page["IsTruncated"]:
            break
        arguments["KeyMarker"] = page["NextKeyMarker"]
        arguments["UploadIdMarker"] = page["NextUploadIdMarker"]
    assert found == [("m", ids[0]), ("n", ids[1]), ("n", ids[2])]


def test_conditions_hold_at_completion(s3, bucket, upload):
    part = upload.part(1, b"upload")
    s3.put_object(Bucket=bucket, Key="m", Body=b"first")
    with pytest.raises(ClientError) as there:
        upload.complete([part], IfNoneMatch="*")
    assert error_code(there) == "PreconditionFailed"
    assert s3.get_object(Bucket=bucket, Key="m")["Body"].read() == b"first"


def test_checksums_of_parts_are_checked(s3, bucket):
    begun = s3.create_multipart_upload(Bucket=bucket, Key="c", ChecksumAlgorithm="CRC32")
    address = {"Bucket": bucket, "Key": "c", "UploadId": begun["UploadId"]}
    bodies = [b"a" * 5 * MIB, b"b"]
    parts = []
    for number, body in enumerate(bodies, 1):
        put = s3.upload_part(**address, PartNumber=number, Body=body, ChecksumAlgorithm="CRC32")
        parts.append({"PartNumber": number, "ETag": put["ETag"], "ChecksumCRC32": put["ChecksumCRC32"]})
    wrong = [dict(parts[0], ChecksumCRC32=parts[1]["ChecksumCRC32"]), parts[1]]
    with pytest.raises(ClientError) as refused:
        s3.complete_multipart_upload(**address, MultipartUpload={"Parts": wrong})
    assert error_code(refused) == "InvalidPart"
    made = s3.complete_multipart_upload(**address, MultipartUpload={"Parts": parts})
    digests = b"".join(zlib.crc32(body).to_bytes(4, "big") for body in bodies)
    composite = base64.b64encode(zlib.crc32(digests).to_bytes(4, "big")).decode() + "-2"
    assert (made["ChecksumCRC32"], made["ChecksumType"]) == (composite, "COMPOSITE")


def test_a_full_object_checksum_is_joined_from_the_parts(s3, bucket):
    begun = s3.create_multipart_upload(
        Bucket=bucket, Key="c", ChecksumAlgorithm="CRC32", ChecksumType="FULL_OBJECT"
    )
    address = {"Bucket": bucket, "Key": "c", "UploadId": begun["UploadId"]}
    bodies = [b"a" * 5 * MIB, b"tail"]
    parts = []
    for number, body in enumerate(bodies, 1):
        put = s3.upload_part(**address, PartNumber=number, Body=body, ChecksumAlgorithm="CRC32")
        parts.append({"PartNumber": number, "ETag": put["ETag"]})
    whole = base64.b64encode(zlib.crc32(b"".join(bodies)).to_bytes(4, "big")).decode()
    with pytest.raises(ClientError) as wrong:
        s3.complete_multipart_upload(
            **address, MultipartUpload={"Parts": parts}, ChecksumCRC32="AAAAAA=="
        )
    assert error_code(wrong) == "BadDigest"
    made = s3.complete_multipart_upload(
        **address, MultipartUpload={"Parts": parts}, ChecksumCRC32=whole
    )
    assert (made["ChecksumCRC32"], made["ChecksumType"]) == (whole, "FULL_OBJECT")


def test_a_part_can_be_copied(s3, bucket, upload):
    s3.put_object(Bucket=bucket, Key="source", Body=b"0123456789")
    source = {"Bucket": bucket, "Key": "source"}
    copied = s3.upload_part_copy(
        **upload.address, PartNumber=1, CopySource=source, CopySourceRange="bytes=2-5"
    )
    with pytest.raises(ClientError) as beyond:
        s3.upload_part_copy(
            **upload.address, PartNumber=1, CopySource=source, CopySourceRange="bytes=2-10"
        )
    assert error_code(beyond) == "InvalidArgument"
    upload.complete([{"PartNumber": 1, "ETag": copied["CopyPartResult"]["ETag"]}])
    assert s3.get_object(Bucket=bucket, Key="m")["Body"].read() == b"2345"


def test_the_transfer_manager_brings_20_mb_there_and_back(s3, bucket):
    body = bytes(range(256)) * 80_000
    config = TransferConfig(multipart_threshold=5 * MIB, multipart_chunksize=5 * MIB)
    s3.upload_fileobj(io.BytesIO(body), bucket, "big", Config=config)
    back = io.BytesIO()
    s3.download_fileobj(bucket, "big", back, Config=config)
    assert back.getvalue() == body
    s3.copy({"Bucket": bucket, "Key": "big"}, bucket, "copy", Config=config)
    assert s3.get_object(Bucket=bucket, Key="copy")["Body"].read() == body
    part = s3.get_object(Bucket=bucket, Key="big", PartNumber=2)
    assert (part["PartsCount"], part["Body"].read()) == (4, body[5 * MIB : 10 * MIB])
