"""STS: who the caller is."""

import pytest
from botocore.exceptions import ClientError

from conftest import error_code


def test_the_caller_is_the_account(client):
    identity = client("sts").get_caller_identity()
    assert identity["Account"] == "000000000000"
    assert identity["Arn"].startswith("arn:aws:")
    assert identity["UserId"]


def test_a_wrong_key_is_refused(client):
    with pytest.raises(ClientError) as refused:
        client("sts", aws_access_key_id="unknown").get_caller_identity()
    assert error_code(refused) == "InvalidClientTokenId"
    with pytest.raises(ClientError) as refused:
        client("sts", aws_secret_access_key="wrong").get_caller_identity()
    assert error_code(refused) == "SignatureDoesNotMatch"


def test_other_operations_are_refused_by_name(client, server):
    if server is None:
        pytest.skip("others may serve them")
    with pytest.raises(ClientError) as refused:
        client("sts").assume_role(RoleArn="arn:aws:iam::000000000000:role/r", RoleSessionName="session")
    assert error_code(refused) == "InvalidAction"
    assert "AssumeRole" in str(refused.value)
