"""Cognito user pools, with the mails they send."""

import base64
import hashlib
import hmac
import json
import urllib.request
import uuid

import jwt
import pytest
from botocore.exceptions import ClientError

from conftest import error_code, status

PASSWORD = "Senha123@"
FLOWS = [
    "ALLOW_USER_PASSWORD_AUTH",
    "ALLOW_ADMIN_USER_PASSWORD_AUTH",
    "ALLOW_REFRESH_TOKEN_AUTH",
]


@pytest.fixture(scope="module")
def pool(cognito):
    """A pool shared by all tests: making its key takes a while."""
    yield from make_pool(cognito)


@pytest.fixture
def own_pool(cognito):
    """For tests that count what is in a pool."""
    yield from make_pool(cognito)


def make_pool(cognito):
    name = f"t-{uuid.uuid4().hex[:12]}"
    pool = cognito.create_user_pool(PoolName=name, AutoVerifiedAttributes=["email"])
    pool = pool["UserPool"]["Id"]
    yield pool
    cognito.delete_user_pool(UserPoolId=pool)


@pytest.fixture
def app(cognito, pool):
    """The id of a client that allows passwords and refresh."""
    return make_app(cognito, pool)


def make_app(cognito, pool):
    client = cognito.create_user_pool_client(
        UserPoolId=pool, ClientName="web", ExplicitAuthFlows=FLOWS
    )
    return client["UserPoolClient"]["ClientId"]


@pytest.fixture
def ana(cognito, pool, unique):
    """The name of a confirmed user."""
    return add_user(cognito, pool, unique)


def add_user(cognito, pool, name):
    email = [
        {"Name": "email", "Value": f"{name}@example.com"},
        {"Name": "email_verified", "Value": "true"},
    ]
    cognito.admin_create_user(
        UserPoolId=pool, Username=name, UserAttributes=email, MessageAction="SUPPRESS"
    )
    cognito.admin_set_user_password(
        UserPoolId=pool, Username=name, Password=PASSWORD, Permanent=True
    )
    return name


def login(cognito, app, name, password=PASSWORD, **parameters):
    return cognito.initiate_auth(
        ClientId=app,
        AuthFlow="USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": name, "PASSWORD": password, **parameters},
    )


def tokens(cognito, app, name, password=PASSWORD):
    return login(cognito, app, name, password)["AuthenticationResult"]


def refresh(cognito, app, token):
    return cognito.initiate_auth(
        ClientId=app, AuthFlow="REFRESH_TOKEN_AUTH", AuthParameters={"REFRESH_TOKEN": token}
    )["AuthenticationResult"]


def refused(code, call, *args, **kwargs):
    with pytest.raises(ClientError) as info:
        call(*args, **kwargs)
    assert error_code(info) == code, info.value
    assert status(info) == 400
    return str(info.value)


def last_mail(local, address):
    return local("GET", f"mail?to={address}&limit=1")[0]


def code_in(mail):
    return mail["text"].split()[-1]


def verified(token, endpoint, pool, **options):
    issuer = f"{endpoint}/{pool}"
    key = jwt.PyJWKClient(f"{issuer}/.well-known/jwks.json").get_signing_key_from_jwt(token).key
    return jwt.decode(token, key, algorithms=["RS256"], issuer=issuer, **options)


# Pools and clients


def test_pools_are_found_by_name(cognito, unique):
    pool = cognito.create_user_pool(PoolName=unique)["UserPool"]
    assert pool["Id"].startswith("us-east-1_")
    pages = cognito.get_paginator("list_user_pools").paginate(PaginationConfig={"PageSize": 1})
    found = [p["Id"] for page in pages for p in page["UserPools"] if p["Name"] == unique]
    assert found == [pool["Id"]]
    described = cognito.describe_user_pool(UserPoolId=pool["Id"])["UserPool"]
    assert (described["Name"], described["EstimatedNumberOfUsers"]) == (unique, 0)
    assert described["Policies"]["PasswordPolicy"]["MinimumLength"] == 8
    cognito.delete_user_pool(UserPoolId=pool["Id"])
    refused("ResourceNotFoundException", cognito.describe_user_pool, UserPoolId=pool["Id"])


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
    cognito.delete_user_pool_client(UserPoolId=pool, ClientId=app)
    refused("ResourceNotFoundException", login, cognito, app, "x")


def test_options_that_change_what_happens_are_refused(cognito, server, unique):
    if server is None:
        pytest.skip("others may serve them")
    message = refused(
        "InvalidParameterException", cognito.create_user_pool,
        PoolName=unique, LambdaConfig={"PreSignUp": "arn:aws:lambda:us-east-1:000000000000:function:f"},
    )
    assert "LambdaConfig" in message
    message = refused("UnknownOperationException", cognito.create_user_pool_domain, Domain="d", UserPoolId="p")
    assert "CreateUserPoolDomain" in message
    message = refused("UnknownOperationException", cognito.verify_user_attribute, AccessToken="t", AttributeName="email", Code="1")
    assert "VerifyUserAttribute" in message


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


def test_a_pool_may_leave_sign_up_to_administrators(cognito, unique):
    pool = cognito.create_user_pool(
        PoolName=unique, AdminCreateUserConfig={"AllowAdminCreateUserOnly": True}
    )["UserPool"]["Id"]
    app = cognito.create_user_pool_client(UserPoolId=pool, ClientName="c")["UserPoolClient"]["ClientId"]
    refused("NotAuthorizedException", cognito.sign_up, ClientId=app, Username="x", Password=PASSWORD)
    cognito.delete_user_pool(UserPoolId=pool)


def test_the_address_may_be_the_name(cognito, unique):
    pool = cognito.create_user_pool(PoolName=unique, UsernameAttributes=["email"])["UserPool"]["Id"]
    app = cognito.create_user_pool_client(
        UserPoolId=pool, ClientName="c", ExplicitAuthFlows=FLOWS
    )["UserPoolClient"]["ClientId"]
    email = f"{unique}@example.com"
    reply = cognito.sign_up(ClientId=app, Username=email, Password=PASSWORD)
    cognito.admin_confirm_sign_up(UserPoolId=pool, Username=email)
    assert cognito.admin_get_user(UserPoolId=pool, Username=email)["Username"] == reply["UserSub"]
    assert tokens(cognito, app, email.upper())
    refused("UsernameExistsException", cognito.sign_up, ClientId=app, Username=email, Password=PASSWORD)
    refused("InvalidParameterException", cognito.sign_up, ClientId=app, Username="x", Password=PASSWORD)
    cognito.delete_user_pool(UserPoolId=pool)


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


def test_wrong_sign_ins_are_refused(cognito, pool, app, ana):
    refused("NotAuthorizedException", login, cognito, app, ana, "Senha123#")
    refused("UserNotFoundException", login, cognito, app, "nobody")
    cognito.admin_disable_user(UserPoolId=pool, Username=ana)
    refused("NotAuthorizedException", login, cognito, app, ana)
    cognito.admin_enable_user(UserPoolId=pool, Username=ana)
    assert tokens(cognito, app, ana)


def test_who_guesses_passwords_has_to_wait(cognito, app, ana, local):
    for _ in range(4):
        refused("NotAuthorizedException", login, cognito, app, ana, "Senha123#")
    assert tokens(cognito, app, ana)
    for seconds in [0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64]:
        assert "Incorrect" in refused("NotAuthorizedException", login, cognito, app, ana, "Senha123#")
        if seconds < 64:
            local("POST", "clock", {"advance_ms": seconds * 1_000})
    assert "exceeded" in refused("NotAuthorizedException", login, cognito, app, ana)
    local("POST", "clock", {"advance_ms": 64_000})
    assert tokens(cognito, app, ana)


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


def test_a_confidential_client_proves_its_secret(cognito, pool, ana):
    client = cognito.create_user_pool_client(
        UserPoolId=pool, ClientName="server", GenerateSecret=True, ExplicitAuthFlows=FLOWS
    )["UserPoolClient"]
    app, secret = client["ClientId"], client["ClientSecret"]
    digest = hmac.digest(secret.encode(), (ana + app).encode(), hashlib.sha256)
    proof = base64.b64encode(digest).decode()
    assert login(cognito, app, ana, SECRET_HASH=proof)["AuthenticationResult"]
    refused("NotAuthorizedException", login, cognito, app, ana)
    refused("NotAuthorizedException", login, cognito, app, ana, SECRET_HASH=proof[::-1])


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


def test_an_administrator_signs_a_user_in(cognito, pool, app, ana):
    reply = cognito.admin_initiate_auth(
        UserPoolId=pool, ClientId=app, AuthFlow="ADMIN_USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": ana, "PASSWORD": PASSWORD},
    )
    assert reply["AuthenticationResult"]["RefreshToken"]


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


def test_an_administrator_signs_a_user_out(cognito, pool, app, ana):
    session = tokens(cognito, app, ana)
    cognito.admin_user_global_sign_out(UserPoolId=pool, Username=ana)
    refused("NotAuthorizedException", refresh, cognito, app, session["RefreshToken"])


def test_revoking_a_refresh_token_ends_its_session_alone(cognito, app, ana):
    first, second = tokens(cognito, app, ana), tokens(cognito, app, ana)
    cognito.revoke_token(Token=first["RefreshToken"], ClientId=app)
    refused("NotAuthorizedException", refresh, cognito, app, first["RefreshToken"])
    refused("NotAuthorizedException", cognito.get_user, AccessToken=first["AccessToken"])
    assert refresh(cognito, app, second["RefreshToken"])
    refused("UnsupportedTokenTypeException", cognito.revoke_token, Token=second["AccessToken"], ClientId=app)


def test_a_token_that_is_not_ours_is_refused(cognito, app, ana):
    session = tokens(cognito, app, ana)
    header, body, signature = session["AccessToken"].split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=="))
    forged = base64.urlsafe_b64encode(json.dumps({**claims, "sub": "x"}).encode()).decode().rstrip("=")
    none = base64.urlsafe_b64encode(b'{"alg":"none"}').decode().rstrip("=")
    for token in [f"{header}.{forged}.{signature}", f"{none}.{body}.", session["IdToken"], "a.b.c", "x"]:
        refused("NotAuthorizedException", cognito.get_user, AccessToken=token)


# Users and groups


def test_a_user_reads_changes_and_deletes_itself(cognito, app, ana):
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
    cognito.delete_user(AccessToken=access)
    refused("UserNotFoundException", cognito.get_user, AccessToken=access)
    refused("UserNotFoundException", login, cognito, app, ana)


def test_users_are_listed_and_filtered(cognito, own_pool, unique):
    pool = own_pool
    names = sorted(add_user(cognito, pool, f"{unique}-{n}") for n in range(3))
    pages = cognito.get_paginator("list_users").paginate(UserPoolId=pool, PaginationConfig={"PageSize": 2})
    assert [user["Username"] for page in pages for user in page["Users"]] == names
    by_mail = cognito.list_users(UserPoolId=pool, Filter=f'email = "{names[1]}@example.com"')
    assert [user["Username"] for user in by_mail["Users"]] == [names[1]]
    by_prefix = cognito.list_users(UserPoolId=pool, Filter=f'username ^= "{unique}"')
    assert len(by_prefix["Users"]) == 3
    cognito.admin_delete_user(UserPoolId=pool, Username=names[0])
    assert len(cognito.list_users(UserPoolId=pool)["Users"]) == 2


def test_groups_have_members(cognito, pool, ana, unique):
    cognito.create_group(UserPoolId=pool, GroupName=unique, Description="d")
    refused("GroupExistsException", cognito.create_group, UserPoolId=pool, GroupName=unique)
    member = {"UserPoolId": pool, "Username": ana, "GroupName": unique}
    cognito.admin_add_user_to_group(**member)
    cognito.admin_add_user_to_group(**member)
    users = cognito.list_users_in_group(UserPoolId=pool, GroupName=unique)["Users"]
    assert [user["Username"] for user in users] == [ana]
    groups = cognito.admin_list_groups_for_user(UserPoolId=pool, Username=ana)["Groups"]
    assert [group["GroupName"] for group in groups] == [unique]
    cognito.admin_remove_user_from_group(**member)
    assert cognito.admin_list_groups_for_user(UserPoolId=pool, Username=ana)["Groups"] == []
    cognito.delete_group(UserPoolId=pool, GroupName=unique)
    refused("ResourceNotFoundException", cognito.get_group, UserPoolId=pool, GroupName=unique)


def test_administrators_are_asked_for_their_signature(client, endpoint, pool):
    with pytest.raises(ClientError) as info:
        client("cognito-idp", aws_secret_access_key="wrong").list_users(UserPoolId=pool)
    assert status(info) == 400
    request = urllib.request.Request(
        endpoint, b"{}", {"X-Amz-Target": "AWSCognitoIdentityProviderService.ListUsers"}
    )
    with pytest.raises(urllib.error.HTTPError) as info:
        urllib.request.urlopen(request)
    assert info.value.code in {400, 403}


# A restart


def test_a_restart_keeps_users_sessions_and_keys(cognito, endpoint, pool, app, ana, restart, server):
    session = tokens(cognito, app, ana)
    revoked = tokens(cognito, app, ana)
    cognito.revoke_token(Token=revoked["RefreshToken"], ClientId=app)
    restart()
    verified(session["IdToken"], endpoint, pool, audience=app)
    assert cognito.get_user(AccessToken=session["AccessToken"])["Username"] == ana
    assert refresh(cognito, app, session["RefreshToken"])["AccessToken"]
    refused("NotAuthorizedException", refresh, cognito, app, revoked["RefreshToken"])
    assert tokens(cognito, app, ana)
    for file in server.folder.glob("state.db*"):
        assert PASSWORD.encode() not in file.read_bytes()
        assert session["RefreshToken"].encode() not in file.read_bytes()
