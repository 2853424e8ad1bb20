"""Cognito: pools, signing up, users and groups."""

import urllib.error
import urllib.request

import pytest
from botocore.exceptions import ClientError

from conftest import error_code, status
from pools import PASSWORD, add_user, code_in, last_mail, login, make_app, refresh, refused, tokens, verified


# Pools and clients


def test_pools_are_found_by_name(cognito, unique):
    pool = cognito.create_user_pool(PoolName=unique)["UserPool"]
    assert pool["Id"].startswith("us-east-1_")
    pages = cognito.get_paginator("list_user_pools").paginate(PaginationConfig={"PageSize": 1})
    found = [p["Id"] for page in pages for p in page["UserPools"] if p["Name"] == unique]
    assert found == [pool["Id"]]
    assert pool["Policies"]["PasswordPolicy"]["MinimumLength"] == 8
    cognito.delete_user_pool(UserPoolId=pool["Id"])
    refused("ResourceNotFoundException", cognito.list_user_pool_clients, UserPoolId=pool["Id"])


def test_clients_are_listed_described_and_changed(cognito, own_pool):
    pool, app = own_pool, make_app(cognito, own_pool)
    assert [c["ClientId"] for c in cognito.list_user_pool_clients(UserPoolId=pool)["UserPoolClients"]] == [app]
    cognito.update_user_pool_client(UserPoolId=pool, ClientId=app, ClientName="other", AccessTokenValidity=2)
    client = cognito.describe_user_pool_client(UserPoolId=pool, ClientId=app)["UserPoolClient"]
    assert (client["ClientName"], client["AccessTokenValidity"]) == ("other", 2)
    refused(
        "InvalidParameterException", cognito.update_user_pool_client,
        UserPoolId=pool, ClientId=app, AccessTokenValidity=25,
    )
    refused("ResourceNotFoundException", login, cognito, app[::-1], "x")


def test_options_that_change_what_happens_are_refused(cognito, server, unique):
    if server is None:
        pytest.skip("others may serve them")
    message = refused(
        "InvalidParameterException", cognito.create_user_pool,
        PoolName=unique, LambdaConfig={"PreSignUp": "arn:aws:lambda:us-east-1:000000000000:function:f"},
    )
    assert "LambdaConfig" in message
    pool = {"PoolName": unique}
    for name, call in [
        ("UsernameAttributes", lambda: cognito.create_user_pool(**pool, UsernameAttributes=["email"])),
        ("Schema", lambda: cognito.create_user_pool(**pool, Schema=[{"Name": "team"}])),
        ("MfaConfiguration", lambda: cognito.create_user_pool(**pool, MfaConfiguration="ON")),
    ]:
        assert name in refused("InvalidParameterException", call)
    for name, call in [
        ("CreateUserPoolDomain", lambda: cognito.create_user_pool_domain(Domain="d", UserPoolId="p")),
        ("ListUsers", lambda: cognito.list_users(UserPoolId="p")),
        ("AdminDeleteUser", lambda: cognito.admin_delete_user(UserPoolId="p", Username="u")),
        ("RevokeToken", lambda: cognito.revoke_token(Token="t", ClientId="c")),
        (
            "VerifyUserAttribute",
            lambda: cognito.verify_user_attribute(AccessToken="t", AttributeName="email", Code="1"),
        ),
    ]:
        assert name in refused("UnknownOperationException", call)


# Signing up


def test_sign_up_with_a_mailed_code(cognito, pool, app, unique, local):
    email = f"{unique}@example.com"
    reply = cognito.sign_up(
        ClientId=app, Username=unique, Password=PASSWORD,
        UserAttributes=[{"Name": "email", "Value": email}],
    )
    assert not reply["UserConfirmed"]
    assert reply["CodeDeliveryDetails"]["DeliveryMedium"] == "EMAIL"
    assert email not in reply["CodeDeliveryDetails"]["Destination"]
    refused("UserNotConfirmedException", login, cognito, app, unique)
    code = code_in(last_mail(local, email))
    wrong = "000000" if code != "000000" else "000001"
    confirm = {"ClientId": app, "Username": unique}
    refused("CodeMismatchException", cognito.confirm_sign_up, **confirm, ConfirmationCode=wrong)
    cognito.confirm_sign_up(**confirm, ConfirmationCode=code)
    refused("NotAuthorizedException", cognito.confirm_sign_up, **confirm, ConfirmationCode=code)
    user = cognito.admin_get_user(UserPoolId=pool, Username=unique)
    attributes = {a["Name"]: a["Value"] for a in user["UserAttributes"]}
    assert attributes["sub"] == reply["UserSub"]
    assert attributes["email_verified"] == "true"
    assert user["UserStatus"] == "CONFIRMED"
    assert tokens(cognito, app, unique)["TokenType"] == "Bearer"


def test_a_new_code_replaces_the_old_one(cognito, app, unique, local):
    email = f"{unique}@example.com"
    cognito.sign_up(
        ClientId=app, Username=unique, Password=PASSWORD,
        UserAttributes=[{"Name": "email", "Value": email}],
    )
    first = code_in(last_mail(local, email))
    cognito.resend_confirmation_code(ClientId=app, Username=unique)
    second = code_in(last_mail(local, email))
    confirm = {"ClientId": app, "Username": unique}
    if first != second:
        refused("CodeMismatchException", cognito.confirm_sign_up, **confirm, ConfirmationCode=first)
    local("POST", "clock", {"advance_ms": 25 * 3_600_000})
    refused("ExpiredCodeException", cognito.confirm_sign_up, **confirm, ConfirmationCode=second)
    cognito.resend_confirmation_code(ClientId=app, Username=unique)
    cognito.confirm_sign_up(**confirm, ConfirmationCode=code_in(last_mail(local, email)))
    refused("InvalidParameterException", cognito.resend_confirmation_code, ClientId=app, Username=unique)


def test_a_code_cannot_be_guessed(cognito, app, unique, local):
    email = f"{unique}@example.com"
    cognito.sign_up(
        ClientId=app, Username=unique, Password=PASSWORD,
        UserAttributes=[{"Name": "email", "Value": email}],
    )
    code = code_in(last_mail(local, email))
    wrong = str((int(code) + 1) % 1_000_000).zfill(6)
    confirm = {"ClientId": app, "Username": unique}
    for _ in range(5):
        refused("CodeMismatchException", cognito.confirm_sign_up, **confirm, ConfirmationCode=wrong)
    refused("LimitExceededException", cognito.confirm_sign_up, **confirm, ConfirmationCode=code)


def test_sign_up_is_checked(cognito, app, ana, unique):
    def sign_up(code, name=f"{unique}-2", password=PASSWORD, **attributes):
        listed = [{"Name": n, "Value": v} for n, v in attributes.items()]
        refused(code, cognito.sign_up, ClientId=app, Username=name, Password=password, UserAttributes=listed)

    sign_up("UsernameExistsException", ana)
    sign_up("UsernameExistsException", ana.upper())
    for weak in ["Ab1@", "senha123@", "SENHA123@", "Senhaaaa@", "Senha1234"]:
        sign_up("InvalidPasswordException", password=weak)
    sign_up("InvalidParameterException", email="not an address")
    sign_up("InvalidParameterException", shoe_size="42")
    sign_up("NotAuthorizedException", email="a@example.com", email_verified="true")


# Users and groups


def test_a_user_reads_and_changes_itself(cognito, app, ana):
    access = tokens(cognito, app, ana)["AccessToken"]
    cognito.update_user_attributes(
        AccessToken=access,
        UserAttributes=[{"Name": "name", "Value": "Ana"}, {"Name": "email", "Value": f"{ana}@example.org"}],
    )
    attributes = {a["Name"]: a["Value"] for a in cognito.get_user(AccessToken=access)["UserAttributes"]}
    assert attributes["name"] == "Ana"
    assert attributes["email_verified"] == "false"
    refused(
        "NotAuthorizedException", cognito.update_user_attributes,
        AccessToken=access, UserAttributes=[{"Name": "email_verified", "Value": "true"}],
    )


def test_a_client_may_write_only_its_attributes(cognito, pool, ana, unique):
    app = make_app(cognito, pool, WriteAttributes=["name"])
    access = tokens(cognito, app, ana)["AccessToken"]

    def update(name, value):
        attributes = [{"Name": name, "Value": value}]
        cognito.update_user_attributes(AccessToken=access, UserAttributes=attributes)

    update("name", "Ana")
    assert "email" in refused("NotAuthorizedException", update, "email", "victim@example.com")
    refused(
        "NotAuthorizedException", cognito.sign_up, ClientId=app, Username=f"{unique}-2",
        Password=PASSWORD, UserAttributes=[{"Name": "email", "Value": "victim@example.com"}],
    )
    refused("InvalidParameterException", make_app, cognito, pool, WriteAttributes=["shoe_size"])


def test_groups_have_members(cognito, pool, ana, unique):
    cognito.create_group(UserPoolId=pool, GroupName=unique, Description="d")
    refused("GroupExistsException", cognito.create_group, UserPoolId=pool, GroupName=unique)
    member = {"UserPoolId": pool, "Username": ana, "GroupName": unique}
    cognito.admin_add_user_to_group(**member)
    cognito.admin_add_user_to_group(**member)
    nowhere = {**member, "GroupName": f"{unique}-none"}
    refused("ResourceNotFoundException", cognito.admin_add_user_to_group, **nowhere)


def test_administrators_are_asked_for_their_signature(client, endpoint, pool):
    with pytest.raises(ClientError) as info:
        client("cognito-idp", aws_secret_access_key="wrong").admin_get_user(UserPoolId=pool, Username="u")
    assert status(info) == 400
    request = urllib.request.Request(
        endpoint, b"{}", {"X-Amz-Target": "AWSCognitoIdentityProviderService.AdminGetUser"}
    )
    with pytest.raises(urllib.error.HTTPError) as info:
        urllib.request.urlopen(request)
    assert info.value.code in {400, 403}


# A restart


def test_a_restart_keeps_users_sessions_and_keys(cognito, endpoint, pool, app, ana, restart, server):
    other = add_user(cognito, pool, f"{ana}-other")
    session = tokens(cognito, app, ana)
    revoked = tokens(cognito, app, other)
    cognito.global_sign_out(AccessToken=revoked["AccessToken"])
    restart()
    verified(session["IdToken"], endpoint, pool, audience=app)
    assert cognito.get_user(AccessToken=session["AccessToken"])["Username"] == ana
    assert refresh(cognito, app, session["RefreshToken"])["AccessToken"]
    refused("NotAuthorizedException", refresh, cognito, app, revoked["RefreshToken"])
    assert tokens(cognito, app, ana)
    for file in server.folder.glob("state.db*"):
        assert PASSWORD.encode() not in file.read_bytes()
        assert session["RefreshToken"].encode() not in file.read_bytes()


def test_words_that_are_not_known_are_refused(cognito, own_pool):
    pool = {"UserPoolId": own_pool}
    for call, arguments in [
        (cognito.create_user_pool_client, pool | {"ClientName": "c", "ExplicitAuthFlows": ["FOO"]}),
        (cognito.admin_create_user, pool | {"Username": "u", "MessageAction": "FOO"}),
        (cognito.create_group, pool | {"GroupName": "bad name"}),
        (cognito.list_user_pool_clients, {"UserPoolId": "bad"}),
    ]:
        with pytest.raises(ClientError) as refusal:
            call(**arguments)
        assert error_code(refusal) == "InvalidParameterException", arguments
