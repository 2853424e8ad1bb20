"""SES version 2: mails that end in the mailbox."""

import urllib.request

import pytest
from botocore.exceptions import ClientError

from conftest import error_code, status


@pytest.fixture(scope="session")
def ses(client):
    return client("sesv2")


def simple(subject="Pronto", **parts):
    body = {name: {"Data": data, "Charset": "UTF-8"} for name, data in parts.items()}
    return {"Simple": {"Subject": {"Data": subject}, "Body": body}}


def send(ses, to, content, sender="Fotograma <no-reply@fotograma.local>", **destination):
    return ses.send_email(
        FromEmailAddress=sender,
        Destination={"ToAddresses": [to], **destination},
        Content=content,
    )


def test_a_mail_lands_in_the_mailbox(ses, unique, local):
    to = f"{unique}@example.com"
    assert send(ses, to, simple(Text="Olá, está pronto", Html="<p>Olá</p>"))["MessageId"]
    (mail,) = local("GET", f"mail?to={to}")
    assert mail["from"] == "Fotograma <no-reply@fotograma.local>"
    assert (mail["to"], mail["subject"]) == (to, "Pronto")
    assert (mail["text"], mail["html"]) == ("Olá, está pronto", "<p>Olá</p>")
    assert mail["sent_at"].endswith("Z")


def test_every_recipient_gets_one(ses, unique, local):
    copies = {"CcAddresses": [f"Bia <{unique}-cc@example.com>"], "BccAddresses": [f"{unique}-bcc@example.com"]}
    send(ses, f"{unique}@example.com", simple(Text="m"), **copies)
    for suffix in ["", "-cc", "-bcc"]:
        assert len(local("GET", f"mail?to={unique}{suffix}@example.com")) == 1


def test_an_address_with_a_plus_is_found_as_people_type_it(ses, unique, local):
    to = f"{unique}+news@example.com"
    send(ses, to, simple(Text="m"))
    for spelt in [to, to.replace("+", "%2B")]:
        assert [mail["to"] for mail in local("GET", f"mail?to={spelt}")] == [to]


def test_newest_first(ses, unique, local):
    to = f"{unique}@example.com"
    for n in range(3):
        send(ses, to, simple(f"number {n}", Text="m"))
    assert [mail["subject"] for mail in local("GET", f"mail?to={to}")] == ["number 2", "number 1", "number 0"]
    assert len(local("GET", f"mail?to={to}&limit=1")) == 1


def test_what_is_wrong_is_refused(ses, server, unique):
    to = f"{unique}@example.com"
    wrong = [
        ("not an address", simple(Text="m"), {}),
        ("two@example.com\r\nBcc: x@example.com", simple(Text="m"), {}),
        (to, simple(), {}),
        (to, simple(Text="m"), {"CcAddresses": ["x@example.com"] * 50}),
    ]
    if server:
        wrong.append((to, {"Template": {"TemplateName": "t"}}, {}))
    for address, content, copies in wrong:
        with pytest.raises(ClientError) as refused:
            send(ses, address, content, **copies)
        assert error_code(refused) == "BadRequestException", (address, content)
        assert status(refused) == 400
    with pytest.raises(ClientError) as refused:
        ses.send_email(FromEmailAddress="a@example.com", Destination={}, Content=simple(Text="m"))
    assert error_code(refused) == "BadRequestException"


def test_other_operations_are_refused_by_name(ses, server):
    if server is None:
        pytest.skip("others may serve them")
    with pytest.raises(ClientError) as refused:
        ses.get_account()
    assert "/v2/email/account" in str(refused.value)


def test_a_wrong_signature_is_refused(client, unique):
    with pytest.raises(ClientError):
        send(client("sesv2", aws_secret_access_key="wrong"), f"{unique}@example.com", simple(Text="m"))


def test_the_page_shows_mails_without_trusting_them(ses, unique, local, endpoint):
    text = "<script>alert(1)</script> see https://example.com/a?b=1&c=2."
    html = '"><script>alert(2)</script><a href="https://example.com">x</a>'
    send(ses, f"{unique}@example.com", simple(f"<b>{unique}</b>", Text=text, Html=html))
    with urllib.request.urlopen(f"{endpoint}/_local/mailbox") as response:
        page = response.read().decode()
        policy = response.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert f"&lt;b&gt;{unique}&lt;/b&gt;" in page
    assert '<a href="https://example.com/a?b=1&amp;c=2"' in page
    assert "<script>alert" not in page
    frame = page[page.index("<iframe"):page.index("</iframe>")]
    assert "sandbox=" in frame and "allow-scripts" not in frame


def test_the_mailbox_can_be_emptied(ses, unique, local):
    send(ses, f"{unique}@example.com", simple(Text="m"))
    assert local("DELETE", "mail")["deleted"] >= 1
    assert local("GET", "mail") == []


def test_mails_survive_a_restart(ses, unique, local, restart):
    to = f"{unique}@example.com"
    send(ses, to, simple(Text="m"))
    restart()
    assert len(local("GET", f"mail?to={to}")) == 1


def test_what_would_change_a_mail_is_not_passed_over(ses, server, unique):
    if server is None:
        pytest.skip("what is refused by name here")
    to = f"{unique}@example.com"
    headed = simple(Text="x")
    headed["Simple"]["Headers"] = [{"Name": "X-A", "Value": "b"}]
    odd = simple(Text="x")
    odd["Simple"]["Subject"]["Charset"] = "NOPE"
    wanted = {"FromEmailAddress": "a@b.cd", "Destination": {"ToAddresses": [to]}}
    for more in (
        {"Content": headed},
        {"Content": odd},
        {"Content": simple("two\nlines", Text="x")},
        {"Content": simple(Text="x"), "ReplyToAddresses": ["bad"]},
        {"Content": simple(Text="x"), "TenantName": "t"},
    ):
        with pytest.raises(ClientError) as refusal:
            ses.send_email(**wanted, **more)
        assert error_code(refusal) == "BadRequestException", more
