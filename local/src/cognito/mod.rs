//! Cognito user pools: users with passwords, groups, mailed codes, and signed tokens.
//!
//! Hashing and key generation are slow on purpose or by nature; both happen outside the
//! transactions, so that no other service waits for them.

mod auth;
mod challenge;
mod client;
mod clients;
mod code;
mod error;
mod group;
mod keys;
mod lockout;
mod password;
mod pool;
mod pools;
mod session;
mod settings;
mod signup;
mod token;
mod user;
mod users;

use std::sync::Arc;

use rusqlite::Connection;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::error::ServiceError;
use crate::state::State;

pub(crate) use keys::Keys;
use settings::{only, refuse};

/// Settings are the JSON members of the request that made a pool, client or group. A password is
/// an Argon2 hash, a refresh token a SHA-256 digest: neither can be read back.
pub(crate) const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS cognito_pool (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    settings TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    modified_ms INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS cognito_key (
    kid TEXT PRIMARY KEY,
    pool TEXT NOT NULL UNIQUE REFERENCES cognito_pool(id) ON DELETE CASCADE,
    private_der BLOB NOT NULL,
    jwk TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS cognito_client (
    id TEXT PRIMARY KEY,
    pool TEXT NOT NULL REFERENCES cognito_pool(id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    secret TEXT,
    settings TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    modified_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS cognito_client_pool ON cognito_client (pool);
CREATE TABLE IF NOT EXISTS cognito_user (
    sub TEXT PRIMARY KEY,
    pool TEXT NOT NULL REFERENCES cognito_pool(id) ON DELETE CASCADE,
    username TEXT NOT NULL,
    name_key TEXT NOT NULL,
    status TEXT NOT NULL,
    enabled INTEGER NOT NULL DEFAULT 1,
    password TEXT,
    temporary_until_ms INTEGER,
    attributes TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    modified_ms INTEGER NOT NULL,
    UNIQUE (pool, name_key)
) STRICT;
CREATE TABLE IF NOT EXISTS cognito_group (
    pool TEXT NOT NULL REFERENCES cognito_pool(id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    settings TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    PRIMARY KEY (pool, name)
) STRICT;
CREATE TABLE IF NOT EXISTS cognito_member (
    pool TEXT NOT NULL,
    name TEXT NOT NULL,
    sub TEXT NOT NULL REFERENCES cognito_user(sub) ON DELETE CASCADE,
    PRIMARY KEY (sub, pool, name),
    FOREIGN KEY (pool, name) REFERENCES cognito_group(pool, name) ON DELETE CASCADE
) STRICT;
CREATE TABLE IF NOT EXISTS cognito_code (
    sub TEXT NOT NULL REFERENCES cognito_user(sub) ON DELETE CASCADE,
    purpose TEXT NOT NULL,
    code TEXT NOT NULL,
    expires_ms INTEGER NOT NULL,
    failures INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (sub, purpose)
) STRICT;
CREATE TABLE IF NOT EXISTS cognito_failure (
    sub TEXT PRIMARY KEY REFERENCES cognito_user(sub) ON DELETE CASCADE,
    count INTEGER NOT NULL,
    locked_until_ms INTEGER NOT NULL,
    last_ms INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS cognito_challenge (
    digest BLOB PRIMARY KEY,
    sub TEXT NOT NULL REFERENCES cognito_user(sub) ON DELETE CASCADE,
    client TEXT NOT NULL REFERENCES cognito_client(id) ON DELETE CASCADE,
    expires_ms INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS cognito_session (
    origin_jti TEXT PRIMARY KEY,
    sub TEXT NOT NULL REFERENCES cognito_user(sub) ON DELETE CASCADE,
    client TEXT NOT NULL REFERENCES cognito_client(id) ON DELETE CASCADE,
    refresh_digest BLOB NOT NULL UNIQUE,
    auth_ms INTEGER NOT NULL,
    expires_ms INTEGER NOT NULL,
    revoked INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX IF NOT EXISTS cognito_session_sub ON cognito_session (sub);
";

/// Whether AWS takes the operation without a signature: those that a user's own browser calls.
/// Those in the second half are not served; to ask for a signature would hide that.
pub(crate) fn is_public(operation: &str) -> bool {
    matches!(
        operation,
        "ChangePassword"
            | "ConfirmForgotPassword"
            | "ConfirmSignUp"
            | "DeleteUser"
            | "ForgotPassword"
            | "GetUser"
            | "GlobalSignOut"
            | "InitiateAuth"
            | "ResendConfirmationCode"
            | "RespondToAuthChallenge"
            | "RevokeToken"
            | "SignUp"
            | "UpdateUserAttributes"
            | "AssociateSoftwareToken"
            | "ConfirmDevice"
            | "GetTokensFromRefreshToken"
            | "GetUserAttributeVerificationCode"
            | "GetUserAuthFactors"
            | "SetUserMFAPreference"
            | "VerifySoftwareToken"
            | "VerifyUserAttribute"
    )
}

/// Answers `/{pool}/.well-known/…`.
pub(crate) async fn well_known(state: &Arc<State>, path: &str) -> Result<Value, ServiceError> {
    let (pool, document) = path
        .trim_start_matches('/')
        .split_once('/')
        .unwrap_or_default();
    match document {
        ".well-known/jwks.json" => keys::jwks(state, pool).await,
        ".well-known/openid-configuration" => keys::openid_configuration(state, pool).await,
        _ => Err(error::not_found(format!("There is no document {path}."))),
    }
}

/// Runs an operation.
pub(crate) async fn handle(
    state: &Arc<State>,
    operation: &str,
    input: &Value,
) -> Result<Value, ServiceError> {
    match operation {
        "CreateUserPool" => pools::create(state, parse(input)?).await,
        "DescribeUserPool" => read(state, input, pools::describe).await,
        "UpdateUserPool" => write(state, input, pools::update).await,
        "DeleteUserPool" => write(state, input, pools::delete).await,
        "ListUserPools" => read(state, input, pools::list).await,
        "CreateUserPoolClient" => write(state, input, clients::create).await,
        "DescribeUserPoolClient" => read(state, input, clients::describe).await,
        "UpdateUserPoolClient" => write(state, input, clients::update).await,
        "DeleteUserPoolClient" => write(state, input, clients::delete).await,
        "ListUserPoolClients" => read(state, input, clients::list).await,
        "CreateGroup" => write(state, input, group::create).await,
        "GetGroup" => read(state, input, group::get).await,
        "DeleteGroup" => write(state, input, group::delete).await,
        "ListGroups" => read(state, input, group::list).await,
        "AdminAddUserToGroup" => write(state, input, group::add_user).await,
        "AdminRemoveUserFromGroup" => write(state, input, group::remove_user).await,
        "AdminListGroupsForUser" => read(state, input, group::list_of_user).await,
        "ListUsersInGroup" => read(state, input, group::list_users).await,
        "AdminCreateUser" => signup::admin_create(state, parse(input)?).await,
        "AdminSetUserPassword" => signup::admin_set_password(state, parse(input)?).await,
        "AdminConfirmSignUp" => write(state, input, signup::admin_confirm).await,
        "AdminGetUser" => read(state, input, users::admin_get).await,
        "AdminDeleteUser" => write(state, input, users::admin_delete).await,
        "AdminEnableUser" => write(state, input, users::admin_enable).await,
        "AdminDisableUser" => write(state, input, users::admin_disable).await,
        "AdminUpdateUserAttributes" => write(state, input, users::admin_update_attributes).await,
        "ListUsers" => read(state, input, users::list).await,
        "SignUp" => signup::sign_up(state, parse(input)?).await,
        "ConfirmSignUp" => code::confirm_sign_up(state, parse(input)?).await,
        "ResendConfirmationCode" => write(state, input, code::resend).await,
        "ForgotPassword" => write(state, input, code::forgot_password).await,
        "ConfirmForgotPassword" => code::confirm_forgot_password(state, parse(input)?).await,
        "InitiateAuth" => auth::initiate(state, parse(input)?, auth::Caller::User).await,
        "AdminInitiateAuth" => auth::initiate(state, parse(input)?, auth::Caller::Admin).await,
        "RespondToAuthChallenge" | "AdminRespondToAuthChallenge" => {
            challenge::respond(state, parse(input)?).await
        }
        "RevokeToken" => write(state, input, session::revoke).await,
        "GlobalSignOut" => session::sign_out(state, parse(input)?).await,
        "AdminUserGlobalSignOut" => write(state, input, session::admin_sign_out).await,
        "GetUser" => session::get_user(state, parse(input)?).await,
        "DeleteUser" => session::delete_user(state, parse(input)?).await,
        "UpdateUserAttributes" => session::update_attributes(state, parse(input)?).await,
        "ChangePassword" => session::change_password(state, parse(input)?).await,
        _ => Err(ServiceError::unknown_operation("cognito-idp", operation)),
    }
}

fn parse<R: DeserializeOwned>(input: &Value) -> Result<R, ServiceError> {
    R::deserialize(input).map_err(|error| error::invalid_parameter(error.to_string()))
}

/// An operation inside a transaction: its request, and now.
type Operation<R> = fn(&Connection, &State, &R, i64) -> Result<Value, ServiceError>;

async fn read<R: DeserializeOwned + Send + 'static>(
    state: &Arc<State>,
    input: &Value,
    operation: Operation<R>,
) -> Result<Value, ServiceError> {
    let (shared, request, now_ms) = (Arc::clone(state), parse::<R>(input)?, state.clock.now_ms());
    state
        .db
        .read(move |conn| operation(conn, &shared, &request, now_ms))
        .await
}

async fn write<R: DeserializeOwned + Send + 'static>(
    state: &Arc<State>,
    input: &Value,
    operation: Operation<R>,
) -> Result<Value, ServiceError> {
    let (shared, request, now_ms) = (Arc::clone(state), parse::<R>(input)?, state.clock.now_ms());
    state
        .db
        .write(move |conn| operation(conn, &shared, &request, now_ms))
        .await
}

/// Work that keeps a core busy, off the threads that serve connections.
async fn busy<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ServiceError> + Send + 'static,
) -> Result<T, ServiceError> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|_| Err(ServiceError::internal()))
}

/// The reply of operations that have nothing to tell.
fn nothing() -> Value {
    json!({})
}

/// A date, which the protocol carries as seconds with fractions.
#[expect(
    clippy::cast_precision_loss,
    reason = "milliseconds of this age fit into 53 bits"
)]
fn date(ms: i64) -> Value {
    json!(ms as f64 / 1_000.0)
}
