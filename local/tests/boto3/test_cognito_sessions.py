"""Cognito: signing in and out, tokens and passwords."""

import base64
import json
import urllib.error
import urllib.request

import jwt
import pytest

from pools import FLOWS, PASSWORD, code_in, last_mail, login, refresh, refused, tokens, verified


# Signing in


def test_tokens_say_what_cognitos_say(cognito, endpoint, pool, app, ana, unique):
    operators, everyone = f"{unique}-operators", f"{unique}-everyone"
    cognito.create_group(UserPoolId=pool, GroupName=operators, Precedence=1)
    cognito.create_group(UserPoolId=pool, GroupName=everyone)
    for group in [everyone, operators]:
        cognito.admin_add_user_to_group(UserPoolId=pool, Username=ana, GroupName=group)
    result = tokens(cognito, app, ana)
    assert result["ExpiresIn"] == 3600
    access = verified(result["AccessToken"], endpoint, pool, options={"verify_aud": False})
    assert access["token_use"] == "access"
    assert (access["client_id"], access["username"]) == (app, ana)
    assert access["cognito:groups"] == [operators, everyone]
    assert access["exp"] - access["iat"] == 3600
    assert "aud" not in access and "email" not in access
    identity = verified(result["IdToken"], endpoint, pool, audience=app)
    assert identity["token_use"] == "id"
    assert identity["cognito:username"] == ana
    assert identity["email_verified"] is True
    assert identity["sub"] == access["sub"]
    assert identity["origin_jti"] == access["origin_jti"]
    assert jwt.get_unverified_header(result["IdToken"])["alg"] == "RS256"


def test_a_pools_documents_are_public(endpoint, pool):
    def get(document):
        with urllib.request.urlopen(f"{endpoint}/{pool}/.well-known/{document}") as response:
            return json.load(response)

    (key,) = get("jwks.json")["keys"][:1]
    assert (key["kty"], key["alg"], key["use"]) == ("RSA", "RS256", "sig")
    assert not {"d", "p", "q"} & key.keys()
    assert get("openid-configuration")["issuer"] == f"{endpoint}/{pool}"
    with pytest.raises(urllib.error.HTTPError) as info:
        urllib.request.urlopen(f"{endpoint}/us-east-1_nonesuch1/.well-known/jwks.json")
    assert info.value.code == 404


def test_wrong_sign_ins_are_refused(cognito, app, ana):
    refused("NotAuthorizedException", login, cognito, app, ana, "Senha123#")
    refused("UserNotFoundException", login, cognito, app, "nobody")


def test_a_client_allows_only_its_flows(cognito, pool, ana):
    app = cognito.create_user_pool_client(UserPoolId=pool, ClientName="none")["UserPoolClient"]["ClientId"]
    refused("InvalidParameterException", login, cognito, app, ana)
    refused(
        "InvalidParameterException", cognito.initiate_auth,
        ClientId=app, AuthFlow="USER_SRP_AUTH", AuthParameters={"USERNAME": ana, "SRP_A": "1"},
    )


def test_a_client_may_hide_who_exists(cognito, pool, ana):
    app = cognito.create_user_pool_client(
        UserPoolId=pool, ClientName="quiet", ExplicitAuthFlows=FLOWS,
        PreventUserExistenceErrors="ENABLED",
    )["UserPoolClient"]["ClientId"]
    nobody = refused("NotAuthorizedException", login, cognito, app, "nobody")
    assert nobody == refused("NotAuthorizedException", login, cognito, app, ana, "Senha123#")
    assert cognito.forgot_password(ClientId=app, Username="nobody@example.com")["CodeDeliveryDetails"]


def test_refresh_gives_new_tokens_until_it_expires(cognito, app, ana, local):
    first = tokens(cognito, app, ana)
    second = refresh(cognito, app, first["RefreshToken"])
    assert second["AccessToken"] != first["AccessToken"]
    assert "RefreshToken" not in second
    refused("NotAuthorizedException", refresh, cognito, app, "nonsense")
    local("POST", "clock", {"advance_ms": 3_601_000})
    refused("NotAuthorizedException", cognito.get_user, AccessToken=first["AccessToken"])
    third = refresh(cognito, app, first["RefreshToken"])
    assert cognito.get_user(AccessToken=third["AccessToken"])["Username"] == ana
    local("POST", "clock", {"advance_ms": 30 * 86_400_000})
    refused("NotAuthorizedException", refresh, cognito, app, first["RefreshToken"])


def test_a_refresh_token_belongs_to_its_client(cognito, pool, app, ana):
    other = cognito.create_user_pool_client(
        UserPoolId=pool, ClientName="other", ExplicitAuthFlows=FLOWS
    )["UserPoolClient"]["ClientId"]
    token = tokens(cognito, app, ana)["RefreshToken"]
    refused("NotAuthorizedException", refresh, cognito, other, token)


def test_a_temporary_password_must_be_replaced(cognito, pool, app, unique, local):
    email = f"{unique}@example.com"
    user = cognito.admin_create_user(
        UserPoolId=pool, Username=unique, UserAttributes=[{"Name": "email", "Value": email}]
    )["User"]
    assert user["UserStatus"] == "FORCE_CHANGE_PASSWORD"
    temporary = last_mail(local, email)["text"].split()[-1]
    reply = login(cognito, app, unique, temporary)
    assert reply["ChallengeName"] == "NEW_PASSWORD_REQUIRED"
    assert json.loads(reply["ChallengeParameters"]["userAttributes"])["email"] == email

    def respond(session, password):
        return cognito.respond_to_auth_challenge(
            ClientId=app, ChallengeName="NEW_PASSWORD_REQUIRED", Session=session,
            ChallengeResponses={"USERNAME": unique, "NEW_PASSWORD": password},
        )

    refused("InvalidPasswordException", respond, reply["Session"], "weak")
    refused("NotAuthorizedException", respond, "x" * 43, PASSWORD)
    assert respond(reply["Session"], PASSWORD)["AuthenticationResult"]["AccessToken"]
    refused("NotAuthorizedException", respond, reply["Session"], PASSWORD)
    refused("NotAuthorizedException", login, cognito, app, unique, temporary)
    assert tokens(cognito, app, unique)


def test_a_temporary_password_expires(cognito, pool, app, unique, local):
    cognito.admin_create_user(
        UserPoolId=pool, Username=unique, TemporaryPassword=PASSWORD, MessageAction="SUPPRESS"
    )
    session = login(cognito, app, unique)["Session"]
    local("POST", "clock", {"advance_ms": 4 * 60_000})
    refused(
        "NotAuthorizedException", cognito.respond_to_auth_challenge,
        ClientId=app, ChallengeName="NEW_PASSWORD_REQUIRED", Session=session,
        ChallengeResponses={"USERNAME": unique, "NEW_PASSWORD": PASSWORD},
    )
    local("POST", "clock", {"advance_ms": 8 * 86_400_000})
    refused("NotAuthorizedException", login, cognito, app, unique)


# Passwords


def test_a_forgotten_password_is_replaced_by_a_code(cognito, pool, app, ana, local):
    cognito.forgot_password(ClientId=app, Username=ana)
    code = code_in(last_mail(local, f"{ana}@example.com"))
    confirm = {"ClientId": app, "Username": ana}
    wrong = str((int(code) + 1) % 1_000_000).zfill(6)
    refused(
        "CodeMismatchException", cognito.confirm_forgot_password,
        **confirm, ConfirmationCode=wrong, Password="Nova1234@",
    )
    refused(
        "InvalidPasswordException", cognito.confirm_forgot_password,
        **confirm, ConfirmationCode=code, Password="nova",
    )
    cognito.confirm_forgot_password(**confirm, ConfirmationCode=code, Password="Nova1234@")
    refused("NotAuthorizedException", login, cognito, app, ana)
    assert tokens(cognito, app, ana, "Nova1234@")
    refused(
        "ExpiredCodeException", cognito.confirm_forgot_password,
        **confirm, ConfirmationCode=code, Password="Outra123@",
    )


def test_only_a_proved_address_gets_a_new_password(cognito, pool, app, unique):
    cognito.admin_create_user(UserPoolId=pool, Username=unique, MessageAction="SUPPRESS")
    cognito.admin_set_user_password(UserPoolId=pool, Username=unique, Password=PASSWORD, Permanent=True)
    refused("InvalidParameterException", cognito.forgot_password, ClientId=app, Username=unique)


def test_a_user_changes_the_password(cognito, app, ana):
    access = tokens(cognito, app, ana)["AccessToken"]
    change = {"AccessToken": access, "ProposedPassword": "Nova1234@"}
    refused("NotAuthorizedException", cognito.change_password, **change, PreviousPassword="Errada12@")
    cognito.change_password(**change, PreviousPassword=PASSWORD)
    assert tokens(cognito, app, ana, "Nova1234@")


# Signing out


def test_a_global_sign_out_ends_every_session(cognito, app, ana):
    first, second = tokens(cognito, app, ana), tokens(cognito, app, ana)
    cognito.global_sign_out(AccessToken=first["AccessToken"])
    for session in [first, second]:
        refused("NotAuthorizedException", cognito.get_user, AccessToken=session["AccessToken"])
        refused("NotAuthorizedException", refresh, cognito, app, session["RefreshToken"])
    assert tokens(cognito, app, ana)


def test_a_token_that_is_not_ours_is_refused(cognito, app, ana):
    session = tokens(cognito, app, ana)
    header, body, signature = session["AccessToken"].split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=="))
    forged = base64.urlsafe_b64encode(json.dumps({**claims, "sub": "x"}).encode()).decode().rstrip("=")
    none = base64.urlsafe_b64encode(b'{"alg":"none"}').decode().rstrip("=")
    for token in [f"{header}.{forged}.{signature}", f"{none}.{body}.", session["IdToken"], "a.b.c", "x"]:
        refused("NotAuthorizedException", cognito.get_user, AccessToken=token)
