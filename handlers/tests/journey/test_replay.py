"""`fotograma replay`: sample events through their handlers."""

import json

import pytest
from system import System


@pytest.fixture
def events(root):
    return root / "events"


def replies(done):
    """The JSON documents on standard output."""
    decoder, text, found = json.JSONDecoder(), done.stdout.strip(), []
    while text:
        reply, end = decoder.raw_decode(text)
        found.append(reply)
        text = text[end:].lstrip()
    return found


def test_events_on_an_aws_of_their_own(fotograma, events, tmp_path):
    names = ["auth-login/password", "process-video/poison", "upload-create/no-token"]
    done = fotograma("replay", "--ephemeral", *[events / f"{name}.json" for name in names])
    # One of the three was refused.
    assert done.returncode == 1, done.stderr
    assert "no-token.json: the reply is 401" in done.stderr
    login, poison, no_token = replies(done)
    assert login["statusCode"] == 200
    assert json.loads(login["body"])["token_type"] == "Bearer"
    assert poison == {"batchItemFailures": []}
    assert no_token["statusCode"] == 401
    assert not (tmp_path / ".fotograma").exists()


@pytest.mark.parametrize("feature", ["upload-create", "process-video"])
def test_all_events_of_a_folder(fotograma, events, feature):
    files = (events / feature).glob("*.json")
    # What a story is given stands beside its event and is none.
    samples = sorted(file for file in files if not file.name.endswith(".given.json"))
    done = fotograma("replay", "--ephemeral", *samples)
    told = replies(done)
    assert len(told) == len(samples) > 2
    refused = [
        reply
        for reply in told
        if reply.get("batchItemFailures") or reply.get("statusCode", 200) >= 400
    ]
    assert done.returncode == bool(refused), done.stderr
    assert done.stderr.count("fotograma: ") == len(refused)


def test_on_a_running_system(fotograma, events, system, operator):
    done = fotograma("replay", events / "auth-login/password.json", AWS_ENDPOINT_URL=system.aws_url)
    assert done.returncode == 0, done.stderr
    (reply,) = replies(done)
    operator.tokens = json.loads(reply["body"])
    assert operator.me()["username"] == "paulo"


def test_the_feature_may_be_named(fotograma, events, tmp_path):
    copy = tmp_path / "event.json"
    copy.write_bytes((events / "auth-login/password.json").read_bytes())
    assert fotograma("replay", "--ephemeral", copy).returncode == 1
    named = fotograma("replay", "--ephemeral", "--feature", "auth-login", copy)
    assert replies(named)[0]["statusCode"] == 200


def test_one_that_fails_does_not_hide_the_others(fotograma, events, tmp_path):
    folder = tmp_path / "no-such-feature"
    folder.mkdir()
    (folder / "event.json").write_text("{}")
    broken = tmp_path / "auth-login"
    broken.mkdir()
    (broken / "broken.json").write_text("{")
    done = fotograma(
        "replay", "--ephemeral", folder / "event.json", broken / "broken.json",
        broken / "missing.json", events / "auth-login/password.json",
    )  # fmt: skip
    assert done.returncode == 1
    assert len(replies(done)) == 1
    for words in (
        "no-such-feature/event.json: is in no",
        "broken.json: is not JSON",
        "missing.json",
    ):
        assert words in done.stderr


def test_without_a_system_the_reply_says_so(fotograma, events):
    nobody = "http://127.0.0.1:9"
    done = fotograma("replay", events / "auth-login/password.json", AWS_ENDPOINT_URL=nobody)
    assert replies(done)[0]["statusCode"] == 503
    assert "127.0.0.1:9" in done.stderr
    assert done.returncode == 1


def test_the_system_that_runs_in_this_folder_is_found(fotograma, events, tmp_path, program):
    nowhere = fotograma("replay", events / "auth-login/password.json", AWS_PROFILE="", AWS_ACCESS_KEY_ID="")
    assert nowhere.returncode == 1
    assert "no AWS is named" in nowhere.stderr and "make up" in nowhere.stderr
    system = System(program, tmp_path, data_dir=tmp_path / "state").start()
    try:
        found = fotograma(
            "replay", events / "auth-login/password.json", FOTOGRAMA_DATA_DIR=system.data_dir
        )
        assert replies(found)[0]["statusCode"] == 200
        assert system.aws_url in found.stderr
    finally:
        system.stop()
    gone = fotograma(
        "replay", events / "auth-login/password.json", FOTOGRAMA_DATA_DIR=system.data_dir
    )
    assert gone.returncode == 1 and "no AWS is named" in gone.stderr


def test_nothing_to_replay_is_bad_usage(fotograma):
    assert fotograma("replay").returncode == 2
