"""An account's life: registered, confirmed, used, left."""

import pytest

from people import User, good, refused


@pytest.fixture
def stranger(system):
    """Somebody who has no account yet."""
    return User(system)


def test_from_sign_up_to_log_out(stranger):
    registered = good(stranger.sign_up(), 201)
    assert registered["username"] == stranger.name
    assert registered["confirmed"] is False
    code = stranger.mailed_code()

    refused(stranger.auth("login", username=stranger.name, password=stranger.password), 403)
    wrong = "000000" if code != "000000" else "111111"
    refused(stranger.auth("confirm", username=stranger.name, code=wrong), 400)
    assert good(stranger.auth("confirm", username=stranger.name, code=code))["confirmed"] is True

    tokens = stranger.log_in().tokens
    assert tokens["token_type"] == "Bearer"
    assert tokens["expires_in"] > 0
    assert tokens["id_token"].count(".") == tokens["access_token"].count(".") == 2

    renewed = good(stranger.auth("refresh", refresh_token=tokens["refresh_token"]))
    assert renewed["access_token"] != tokens["access_token"]
    stranger.tokens = {**tokens, **renewed}
    assert stranger.me() == {
        "user_id": registered["user_id"],
        "username": stranger.name,
        "email": stranger.email,
        "groups": [],
    }

    left = stranger.call("POST", "auth-service", "/auth/logout")
    assert (left.status_code, left.content) == (204, b"")
    refused(stranger.auth("refresh", refresh_token=tokens["refresh_token"]), 401)


def test_the_demo_user_is_an_operator(operator):
    assert operator.me()["groups"] == ["operators"]


def test_a_wrong_password_and_an_unknown_name_look_the_same(user, stranger):
    wrong = refused(user.auth("login", username=user.name, password="Wrong-horse-1"), 401)
    unknown = refused(user.auth("login", username=stranger.name, password="Wrong-horse-1"), 401)
    assert wrong["detail"] == unknown["detail"]


def test_a_name_is_given_once(user):
    refused(user.sign_up(), 409)


@pytest.mark.parametrize(
    "change",
    [{"password": "short1A"}, {"password": "no-capital-1"}, {"email": "nobody"}, {"username": ""}],
)
def test_what_no_account_can_have_is_refused(stranger, change):
    body = {"username": stranger.name, "password": stranger.password, "email": stranger.email}
    refused(stranger.auth("signup", **{**body, **change}), 400)


@pytest.mark.parametrize("what", ["signup", "confirm", "login", "refresh"])
@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"username": 1}', b"\xff"])
def test_what_is_not_the_expected_json_is_refused(stranger, what, body):
    refused(stranger.call("POST", "auth-service", f"/auth/{what}", data=body), 400)


def test_a_refresh_token_that_is_none(stranger):
    refused(stranger.auth("refresh", refresh_token="not-a-token"), 401)
