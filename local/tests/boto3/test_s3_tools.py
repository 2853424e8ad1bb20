"""S3: what tools ask of a bucket before they work with it, and the upload by a form."""

import json
import urllib.parse

import pytest
from botocore.exceptions import ClientError
from conftest import error_code, status
from queues import ARN, receive
from raw import send


@pytest.fixture
def bucket(s3, unique):
    s3.create_bucket(Bucket=unique)
    return unique


def test_an_untouched_bucket_answers_as_aws_does(s3, bucket):
    told = {"Bucket": bucket}
    assert "Status" not in s3.get_bucket_versioning(**told)
    acl = s3.get_bucket_acl(**told)
    assert [grant["Permission"] for grant in acl["Grants"]] == ["FULL_CONTROL"]
    assert acl["Grants"][0]["Grantee"]["ID"] == acl["Owner"]["ID"]
    (rule,) = s3.get_bucket_encryption(**told)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
    block = s3.get_public_access_block(**told)["PublicAccessBlockConfiguration"]
    assert set(block.values()) == {True} and len(block) == 4
    (rule,) = s3.get_bucket_ownership_controls(**told)["OwnershipControls"]["Rules"]
    assert rule["ObjectOwnership"] == "BucketOwnerEnforced"
    for call, code in [
        (s3.get_bucket_tagging, "NoSuchTagSet"),
        (s3.get_bucket_lifecycle_configuration, "NoSuchLifecycleConfiguration"),
        (s3.get_bucket_policy, "NoSuchBucketPolicy"),
        (s3.get_bucket_cors, "NoSuchCORSConfiguration"),
    ]:
        with pytest.raises(ClientError) as none:
            call(**told)
        assert (error_code(none), status(none)) == (code, 404)
    for call in (s3.get_bucket_versioning, s3.get_bucket_acl, s3.get_bucket_tagging):
        with pytest.raises(ClientError) as none:
            call(Bucket=f"{bucket}-none")
        assert error_code(none) == "NoSuchBucket"


def test_an_object_is_its_owners(s3, bucket):
    s3.put_object(Bucket=bucket, Key="a", Body=b"x")
    acl = s3.get_object_acl(Bucket=bucket, Key="a")
    assert [grant["Permission"] for grant in acl["Grants"]] == ["FULL_CONTROL"]
    with pytest.raises(ClientError) as none:
        s3.get_object_acl(Bucket=bucket, Key="b")
    assert error_code(none) == "NoSuchKey"


@pytest.mark.parametrize(
    "call, arguments",
    [
        ("put_bucket_versioning", {"VersioningConfiguration": {"Status": "Enabled"}}),
        ("put_bucket_policy", {"Policy": "{}"}),
        ("put_bucket_tagging", {"Tagging": {"TagSet": [{"Key": "k", "Value": "v"}]}}),
        ("list_objects", {}),
        ("list_object_versions", {}),
    ],
)
def test_what_is_not_served_is_refused_by_name(s3, server, bucket, call, arguments):
    if server is None:
        pytest.skip("others may serve it")
    with pytest.raises(ClientError) as refused:
        getattr(s3, call)(Bucket=bucket, **arguments)
    assert (error_code(refused), status(refused)) == ("NotImplemented", 501)


def form(fields, content, name="video.mp4"):
    """A form as browsers send it."""
    parts = [
        f'--edge\r\nContent-Disposition: form-data; name="{field}"\r\n\r\n{value}\r\n'
        for field, value in fields.items()
    ]
    parts.append(f'--edge\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n')
    parts.append("Content-Type: video/mp4\r\n\r\n")
    return "".join(parts).encode() + content + b"\r\n--edge--\r\n"


def post(target, content, headers=None, **changed):
    headers = {"Content-Type": "multipart/form-data; boundary=edge", **(headers or {})}
    return send(target["url"], "POST", form({**target["fields"], **changed}, content), headers)


def test_a_form_uploads_within_its_policy(s3, sqs, bucket, unique):
    queue = sqs.create_queue(QueueName=unique)["QueueUrl"]
    rule = {"QueueArn": ARN + unique, "Events": ["s3:ObjectCreated:Post"]}
    s3.put_bucket_notification_configuration(
        Bucket=bucket, NotificationConfiguration={"QueueConfigurations": [rule]}
    )
    target = s3.generate_presigned_post(
        bucket, "up/a b", Conditions=[["content-length-range", 1, 10]], ExpiresIn=60
    )
    code, _, _ = post(target, b"content")
    assert code == 204
    assert s3.get_object(Bucket=bucket, Key="up/a b")["Body"].read() == b"content"
    names = [
        record["eventName"]
        for message in receive(sqs, queue, WaitTimeSeconds=5)
        for record in json.loads(message["Body"]).get("Records", [])
    ]
    assert names == ["ObjectCreated:Post"]
    assert post(target, b"x" * 11)[0] == 400, "larger than the policy allows"
    assert post(target, b"", **{"x-amz-signature": "0" * 64})[0] == 403, "not what was signed"
    assert post(target, b"content", key="elsewhere")[0] in (400, 403), "another key than the policy's"
    unsigned = {"url": target["url"], "fields": {"key": "k"}}
    assert post(unsigned, b"content")[0] == 403, "no policy at all"
    listed = s3.list_objects_v2(Bucket=bucket)["Contents"]
    assert [item["Key"] for item in listed] == ["up/a b"]


def test_a_page_of_another_origin_posts_only_where_it_may(s3, bucket):
    target = s3.generate_presigned_post(bucket, "k")
    page = {"Origin": "http://evil.example"}
    assert post(target, b"content", page)[0] == 403
    rule = {"AllowedMethods": ["POST"], "AllowedOrigins": ["*"]}
    s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": [rule]})
    assert post(target, b"content", page)[0] == 204


def test_a_key_after_the_files_name_is_refused(s3, server, bucket):
    if server is None:
        pytest.skip("others may serve it")
    target = s3.generate_presigned_post(bucket, "up/${filename}")
    code, _, body = post(target, b"content")
    assert code == 501 and b"${filename}" in urllib.parse.unquote_to_bytes(body)
