"""User pools, clients and users to test with."""

import json
import uuid

import jwt
import pytest
from botocore.exceptions import ClientError

from conftest import error_code, status


PASSWORD = "Senha123@"
FLOWS = [
    "ALLOW_USER_PASSWORD_AUTH",
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


def make_app(cognito, pool, **settings):
    client = cognito.create_user_pool_client(
        UserPoolId=pool, ClientName="web", ExplicitAuthFlows=FLOWS, **settings
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
