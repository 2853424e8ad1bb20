"""SQS in the older query protocol, as Debian's `aws` speaks it."""

from urllib.parse import urlencode
from xml.etree import ElementTree

import pytest
from raw import signed

SPACE = "{http://queue.amazonaws.com/doc/2012-11-05/}"


@pytest.fixture
def ask(endpoint):
    """Sends a form, and gives the status and the XML that came."""

    def ask(action, url=None, **fields):
        form = {"Action": action, "Version": "2012-11-05", **fields}
        form |= {"QueueUrl": url} if url else {}
        body = urlencode({name.replace("__", "."): value for name, value in form.items()}).encode()
        headers = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
        status, _, text = signed(f"{endpoint}/", "POST", body, headers, service="sqs")
        return status, ElementTree.fromstring(text)

    return ask


def texts(xml, name):
    return [element.text for element in xml.iter(SPACE + name)]


def test_a_message_comes_and_goes(ask, sqs, unique):
    status, made = ask(
        "CreateQueue",
        QueueName=unique,
        Attribute__1__Name="VisibilityTimeout",
        Attribute__1__Value="77",
    )
    [url] = texts(made, "QueueUrl")
    assert status == 200
    _, attributes = ask("GetQueueAttributes", url, AttributeName__1="VisibilityTimeout")
    assert texts(attributes, "Name") == ["VisibilityTimeout"] and texts(attributes, "Value") == ["77"]

    _, sent = ask(
        "SendMessage",
        url,
        MessageBody="<ol\u00e1>\r\n",
        MessageAttribute__1__Name="n",
        MessageAttribute__1__Value__DataType="Number",
        MessageAttribute__1__Value__StringValue="1.5",
        MessageAttribute__2__Name="b",
        MessageAttribute__2__Value__DataType="Binary",
        MessageAttribute__2__Value__BinaryValue="AAE=",
    )
    _, got = ask(
        "ReceiveMessage",
        url,
        MaxNumberOfMessages="10",
        WaitTimeSeconds="5",
        AttributeName__1="ApproximateReceiveCount",
        MessageAttributeName__1="All",
    )
    assert texts(got, "Body") == ["<ol\u00e1>\r\n"]
    for name in ("MD5OfMessageAttributes", "MessageId"):
        assert texts(got, name) == texts(sent, name) != []
    assert texts(got, "MD5OfBody") == texts(sent, "MD5OfMessageBody")
    assert texts(got, "Name") == ["ApproximateReceiveCount", "b", "n"]
    assert texts(got, "StringValue") == ["1.5"] and texts(got, "BinaryValue") == ["AAE="]
    [receipt] = texts(got, "ReceiptHandle")
    assert ask("DeleteMessage", url, ReceiptHandle=receipt)[0] == 200
    counts = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert counts["ApproximateNumberOfMessagesNotVisible"] == "0"


def test_a_batch_may_fail_in_part(ask, sqs, unique):
    url = sqs.create_queue(QueueName=unique)["QueueUrl"]
    _, told = ask(
        "SendMessageBatch",
        url,
        SendMessageBatchRequestEntry__1__Id="good",
        SendMessageBatchRequestEntry__1__MessageBody="x",
        SendMessageBatchRequestEntry__2__Id="late",
        SendMessageBatchRequestEntry__2__MessageBody="y",
        SendMessageBatchRequestEntry__2__DelaySeconds="901",
    )
    [good] = told.iter(SPACE + "SendMessageBatchResultEntry")
    [late] = told.iter(SPACE + "BatchResultErrorEntry")
    assert texts(good, "Id") == ["good"] and texts(late, "Id") == ["late"]
    assert texts(late, "SenderFault") == ["true"]
    _, got = ask("ReceiveMessage", url)
    [receipt] = texts(got, "ReceiptHandle")
    _, told = ask(
        "DeleteMessageBatch",
        url,
        DeleteMessageBatchRequestEntry__1__Id="a",
        DeleteMessageBatchRequestEntry__1__ReceiptHandle=receipt,
    )
    assert texts(told, "Id") == ["a"]


def test_lists(ask, sqs, unique):
    urls = [sqs.create_queue(QueueName=f"{unique}-{n}")["QueueUrl"] for n in range(3)]
    _, listed = ask("ListQueues", QueueNamePrefix=unique)
    assert texts(listed, "QueueUrl") == urls


def test_the_address_may_be_the_queues_own(endpoint, sqs, unique):
    url = sqs.create_queue(QueueName=unique)["QueueUrl"]
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    body = b"Action=SendMessage&MessageBody=x"
    status, _, text = signed(url, "POST", body, headers, service="sqs")
    assert status == 200, text
    assert len(sqs.receive_message(QueueUrl=url)["Messages"]) == 1


def test_errors_have_the_older_codes(ask, endpoint, sqs, unique):
    status, error = ask("GetQueueUrl", QueueName="nowhere")
    assert status == 400 and texts(error, "Code") == ["AWS.SimpleQueueService.NonExistentQueue"]
    status, error = ask("Nonsense")
    assert status == 400 and "Nonsense" in texts(error, "Message")[0]
    url = sqs.create_queue(QueueName=unique)["QueueUrl"]
    for value in ("NaN", "1e999", "1" * 39, "inf"):
        status, error = ask(
            "SendMessage",
            url,
            MessageBody="x",
            MessageAttribute__1__Name="n",
            MessageAttribute__1__Value__DataType="Number",
            MessageAttribute__1__Value__StringValue=value,
        )
        assert status == 400 and texts(error, "Code") == ["InvalidParameterValue"], value
    status, error = ask("SendMessage", url, MessageBody="x", MessageGroupId="a")
    assert status == 400 and texts(error, "Code") == ["AWS.SimpleQueueService.UnsupportedOperation"]
