"""DynamoDB: what the system asks of it, its time to live, and restarts."""

import os
import threading
import time
from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from conftest import error_code


@pytest.fixture
def table(dynamodb, unique):
    dynamodb.create_table(
        TableName=unique,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[
            {"AttributeName": name, "AttributeType": "S"} for name in ("video_id", "user_id", "created_at")
        ],
        KeySchema=[{"AttributeName": "video_id", "KeyType": "HASH"}],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "user_id-index",
                "KeySchema": [
                    {"AttributeName": "user_id", "KeyType": "HASH"},
                    {"AttributeName": "created_at", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
    )
    return unique


def video(n, user="u", created="2026-01-01", **more):
    item = {"video_id": f"v{n}", "user_id": user, "created_at": created, **more}
    return {name: {"S": value} for name, value in item.items()}


def test_put_get_update_delete(dynamodb, table):
    dynamodb.put_item(TableName=table, Item=video(1, status="queued"))
    key = {"video_id": {"S": "v1"}}
    updated = dynamodb.update_item(
        TableName=table,
        Key=key,
        UpdateExpression="SET #s = :new ADD attempts :one",
        ConditionExpression="#s = :old",
        ExpressionAttributeNames={"#s": "status"},
        ExpressionAttributeValues={
            ":new": {"S": "processing"},
            ":old": {"S": "queued"},
            ":one": {"N": "1"},
        },
        ReturnValues="ALL_NEW",
    )["Attributes"]
    assert (updated["status"], updated["attempts"]) == ({"S": "processing"}, {"N": "1"})
    assert dynamodb.get_item(TableName=table, Key=key)["Item"] == updated
    deleted = dynamodb.delete_item(TableName=table, Key=key, ReturnValues="ALL_OLD")
    assert deleted["Attributes"] == updated
    assert "Item" not in dynamodb.get_item(TableName=table, Key=key)


def test_a_failed_condition_changes_nothing_and_shows_the_item(dynamodb, table):
    dynamodb.put_item(TableName=table, Item=video(1, status="done"))
    with pytest.raises(ClientError) as failed:
        dynamodb.put_item(
            TableName=table,
            Item=video(1, status="queued"),
            ConditionExpression="attribute_not_exists(video_id)",
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
    assert error_code(failed) == "ConditionalCheckFailedException"
    assert failed.value.response["Item"]["status"] == {"S": "done"}
    got = dynamodb.get_item(TableName=table, Key={"video_id": {"S": "v1"}})
    assert got["Item"]["status"] == {"S": "done"}


def test_of_many_conditional_writers_one_wins(dynamodb, table):
    won = []

    def write(n):
        try:
            dynamodb.put_item(
                TableName=table,
                Item=video(1, status=str(n)),
                ConditionExpression="attribute_not_exists(video_id)",
            )
            won.append(n)
        except ClientError as error:
            assert error.response["Error"]["Code"] == "ConditionalCheckFailedException"

    threads = [threading.Thread(target=write, args=(n,)) for n in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1


def test_counters_do_not_lose_updates(dynamodb, table):
    key = {"video_id": {"S": "counter"}}

    def add():
        for _ in range(20):
            dynamodb.update_item(
                TableName=table,
                Key=key,
                UpdateExpression="ADD hits :one",
                ExpressionAttributeValues={":one": {"N": "1"}},
            )

    threads = [threading.Thread(target=add) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert dynamodb.get_item(TableName=table, Key=key)["Item"]["hits"] == {"N": "160"}


def test_an_index_is_read_newest_first_in_pages(dynamodb, table):
    for n in range(7):
        # Two of each date: sort keys need not be unique in an index.
        dynamodb.put_item(TableName=table, Item=video(n, created=f"2026-01-0{n // 2 + 1}"))
    dynamodb.put_item(TableName=table, Item=video(9, user="other"))
    found, start = [], {}
    while True:
        page = dynamodb.query(
            TableName=table,
            IndexName="user_id-index",
            KeyConditionExpression="user_id = :u",
            ExpressionAttributeValues={":u": {"S": "u"}},
            ScanIndexForward=False,
            Limit=2,
            **start,
        )
        found += [(item["created_at"]["S"], item["video_id"]["S"]) for item in page["Items"]]
        if "LastEvaluatedKey" not in page:
            break
        start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}
    assert [created for created, _ in found] == sorted((c for c, _ in found), reverse=True)
    assert sorted(v for _, v in found) == [f"v{n}" for n in range(7)]


def test_items_survive_a_restart(dynamodb, table, restart):
    dynamodb.put_item(TableName=table, Item=video(1))
    restart()
    assert dynamodb.scan(TableName=table)["Items"] == [video(1)]


def test_items_past_their_time_to_live_go(dynamodb, table, local):
    dynamodb.update_time_to_live(
        TableName=table,
        TimeToLiveSpecification={"Enabled": True, "AttributeName": "expires_at"},
    )
    in_an_hour = str(int(time.time()) + 3600)
    kept, mortal = video(1), {**video(2), "expires_at": {"N": in_an_hour}}
    for item in (kept, mortal):
        dynamodb.put_item(TableName=table, Item=item)
    local("POST", "clock", {"advance_ms": 30 * 60 * 1000})
    assert dynamodb.scan(TableName=table)["Count"] == 2
    local("POST", "clock", {"advance_ms": 31 * 60 * 1000})
    deadline = time.monotonic() + 10
    while dynamodb.scan(TableName=table)["Count"] > 1:
        assert time.monotonic() < deadline, "the item stayed"
    assert dynamodb.scan(TableName=table)["Items"] == [kept]


def test_errors_have_their_names(dynamodb, table, client):
    with pytest.raises(ClientError) as absent:
        dynamodb.scan(TableName=f"{table}-none")
    assert error_code(absent) == "ResourceNotFoundException"
    with pytest.raises(ClientError) as invalid:
        dynamodb.put_item(TableName=table, Item={"user_id": {"S": "u"}})
    assert error_code(invalid) == "ValidationException"
    liar = client("dynamodb", aws_secret_access_key="else")
    with pytest.raises(ClientError) as mismatch:
        liar.list_tables()
    assert error_code(mismatch) == "InvalidSignatureException"
    stranger = client("dynamodb", aws_access_key_id="else")
    with pytest.raises(ClientError) as unknown:
        stranger.list_tables()
    assert error_code(unknown) == "UnrecognizedClientException"


def test_an_operation_that_is_not_served_is_named(dynamodb, server):
    if server is None:
        pytest.skip("others may serve it")
    for call, name in (
        (dynamodb.list_backups, "ListBackups"),
        (lambda: dynamodb.describe_limits(), "DescribeLimits"),
    ):
        with pytest.raises(ClientError, match=name) as unknown:
            call()
        assert error_code(unknown) == "UnknownOperationException"


def test_no_other_port_is_listened_on(dynamodb, server):
    if server is None:
        pytest.skip("not our process")
    dynamodb.list_tables()
    inodes = {
        os.readlink(link)[len("socket:[") : -1]
        for link in Path(f"/proc/{server.process.pid}/fd").iterdir()
        if os.path.lexists(link) and os.readlink(link).startswith("socket:[")
    }
    listening = "0A"
    ports = set()
    for table in ("tcp", "tcp6"):
        for line in Path("/proc/net", table).read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == listening and fields[9] in inodes:
                ports.add(int(fields[1].rsplit(":", 1)[1], 16))
    assert ports == {server.port}
