"""Every operation of SQS, SNS, Cognito and SES with members of wrong kinds and sizes: whatever is
asked, the answer is a result or AWS's own error shape, never a failure of the server."""

import json
import random
import xml.etree.ElementTree
from urllib.parse import urlencode

import botocore.session
import pytest

from raw import signed

NASTY = [
    None, True, False, 0, -1, 1, 2**31, -(2**63), 2**63, 1e308, "", "x", "x" * 300, "\x00", "é🎞\ufffe",
    "../..", "arn:aws:sqs:us-east-1:000000000000:", "arn:aws:sns:us-east-1:000000000000:x:y",
    "us-east-1_AAAAAAAAA", "{", "[]", "{}", "'; DROP TABLE sqs_queue; --", "%s%n", "AAAA", "a.b.c",
    [], [None], ["x"], [{}], [{"Id": "a"}, {"Id": "a"}], {}, {"x": "y"}, {"x": None}, {"x": {}}, [[[[]]]],
]
SERVICES = {"sqs": "sqs", "sns": "sns", "cognito-idp": "cognito-idp", "sesv2": "ses"}
# A long poll answers when it is over, which is not what is looked for here.
NEVER = {"WaitTimeSeconds"}


@pytest.fixture(scope="module")
def real(sqs, sns, cognito):
    """Names that exist, so that more than the look-up is reached."""
    queue = sqs.create_queue(QueueName="t-fuzz")["QueueUrl"]
    pool = cognito.create_user_pool(PoolName="t-fuzz")["UserPool"]["Id"]
    client = cognito.create_user_pool_client(
        UserPoolId=pool, ClientName="c", ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH"]
    )["UserPoolClient"]["ClientId"]
    cognito.admin_create_user(UserPoolId=pool, Username="ana", MessageAction="SUPPRESS")
    cognito.create_group(UserPoolId=pool, GroupName="g")
    topic = sns.create_topic(Name="t-fuzz")["TopicArn"]
    return {
        "QueueUrl": queue, "QueueName": "t-fuzz", "UserPoolId": pool, "ClientId": client,
        "Username": "ana", "GroupName": "g", "TopicArn": topic, "ResourceArn": topic,
        "SourceArn": "arn:aws:sqs:us-east-1:000000000000:t-fuzz",
        "AuthFlow": "USER_PASSWORD_AUTH", "ChallengeName": "NEW_PASSWORD_REQUIRED",
    }


def form_of(value, name, out):
    """Spells a value out as the query protocol does."""
    if isinstance(value, dict):
        for index, (key, inner) in enumerate(value.items(), 1):
            form_of(key, f"{name}.entry.{index}.key", out)
            form_of(inner, f"{name}.entry.{index}.value", out)
    elif isinstance(value, list):
        for index, inner in enumerate(value, 1):
            form_of(inner, f"{name}.member.{index}", out)
    else:
        out[name] = "" if value is None else str(value)


def ask(endpoint, service, model, operation, members):
    shape = model.operation_model(operation)
    if service == "sns":
        form = {"Action": operation, "Version": model.api_version}
        for name, value in members.items():
            form_of(value, name, form)
        headers = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
        body = urlencode(form, errors="replace").encode()
        return signed(endpoint, "POST", body, headers, "sns")
    body = json.dumps(members).encode()
    if service == "sesv2":
        url = endpoint + shape.http["requestUri"]
        return signed(url, "POST", body, {"Content-Type": "application/json"}, "ses")
    target = f"{model.metadata['targetPrefix']}.{operation}"
    headers = {"X-Amz-Target": target, "Content-Type": f"application/x-amz-json-{model.metadata['jsonVersion']}"}
    return signed(endpoint, "POST", body, headers, service)


@pytest.mark.parametrize("service", SERVICES)
def test_no_request_makes_the_server_fail(service, endpoint, server, real):
    if server is None:
        pytest.skip("others fail")
    model = botocore.session.get_session().get_service_model(service)
    operations = ["SendEmail"] if service == "sesv2" else model.operation_names
    draw = random.Random(service)
    for operation in operations:
        if operation.startswith("DeleteUserPool") or operation in {"DeleteQueue", "DeleteTopic"}:
            continue
        shape = model.operation_model(operation).input_shape
        names = [name for name in (shape.members if shape else {}) if name not in NEVER]
        for _ in range(6):
            members = {name: real[name] for name in names if name in real}
            for name in draw.sample(names, min(len(names), 2)):
                members[name] = draw.choice(NASTY)
            status, _, body = ask(endpoint, service, model, operation, members)
            told = f"{operation} {members}: {status} {body[:200]}"
            assert status in {200, 400, 403, 404, 413}, told
            if service == "sns":
                root = xml.etree.ElementTree.fromstring(body)
                assert status == 200 or root.find(".//{*}Code") is not None, told
            else:
                assert status == 200 or json.loads(body)["__type"], told
