//! Cognito user pools: users with passwords, groups, mailed codes, and signed tokens.
//!
//! Hashing and key generation are slow on purpose or by nature; both happen outside the
//! transactions, so that no other service waits for them.

mod admin;
mod auth;
mod client;
mod code;
mod error;
mod own_account;
mod password;
mod pool;
mod session;
mod signup;
mod token;
mod user;

use std::sync::Arc;

use async_trait::async_trait;
use rusqlite::Connection;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use crate::context::Context;
use crate::error::ServiceError;
use crate::service::{Call, Reply, Service, ServiceName};

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

/// The service.
pub(crate) struct Cognito {
    context: Arc<Context>,
}

impl Cognito {
    pub(crate) fn new(context: &Arc<Context>) -> Self {
        Self {
            context: Arc::clone(context),
        }
    }

    /// Answers `/{pool}/.well-known/…`.
    pub(crate) async fn well_known(&self, path: &str) -> Result<Value, ServiceError> {
        let (pool, document) = path
            .trim_start_matches('/')
            .split_once('/')
            .unwrap_or_default();
        match document {
            ".well-known/jwks.json" => token::jwks(&self.context, pool).await,
            ".well-known/openid-configuration" => {
                token::openid_configuration(&self.context, pool).await
            }
            _ => Err(error::not_found(format!("There is no document {path}."))),
        }
    }
}

#[async_trait]
impl Service for Cognito {
    fn name(&self) -> ServiceName {
        ServiceName::Cognito
    }

    /// Those that a user's own browser calls. Those in the second half are not served; to ask for a
    /// signature would hide that.
    fn is_public(&self, operation: &str) -> bool {
        matches!(
            operation,
            "ChangePassword"
                | "ConfirmForgotPassword"
                | "ConfirmSignUp"
                | "ForgotPassword"
                | "GetUser"
                | "GlobalSignOut"
                | "InitiateAuth"
                | "ResendConfirmationCode"
                | "RespondToAuthChallenge"
                | "SignUp"
                | "UpdateUserAttributes"
                | "AssociateSoftwareToken"
                | "ConfirmDevice"
                | "DeleteUser"
                | "GetTokensFromRefreshToken"
                | "GetUserAttributeVerificationCode"
                | "GetUserAuthFactors"
                | "RevokeToken"
                | "SetUserMFAPreference"
                | "VerifySoftwareToken"
                | "VerifyUserAttribute"
        )
    }

    async fn run_operation(self: Arc<Self>, call: Call) -> Result<Reply, ServiceError> {
        let (context, input) = (&self.context, &call.json()?);
        let reply = match call.operation.as_str() {
            "CreateUserPool" => {
                let reply = pool::create(context, parse(input)?).await?;
                let id = reply["UserPool"]["Id"].as_str().unwrap_or_default();
                token::prepare_key(context, id.to_owned());
                reply
            }
            "DeleteUserPool" => write(context, input, pool::delete).await?,
            "ListUserPools" => read(context, input, pool::list).await?,
            "CreateUserPoolClient" => write(context, input, client::create).await?,
            "DescribeUserPoolClient" => read(context, input, client::describe).await?,
            "UpdateUserPoolClient" => write(context, input, client::update).await?,
            "ListUserPoolClients" => read(context, input, client::list).await?,
            "CreateGroup" => write(context, input, admin::create_group).await?,
            "AdminAddUserToGroup" => write(context, input, admin::add_user_to_group).await?,
            "AdminCreateUser" => admin::create_user(context, parse(input)?).await?,
            "AdminSetUserPassword" => admin::set_password(context, parse(input)?).await?,
            "AdminGetUser" => read(context, input, admin::get_user).await?,
            "SignUp" => signup::sign_up(context, parse(input)?).await?,
            "ConfirmSignUp" => code::confirm_sign_up(context, parse(input)?).await?,
            "ResendConfirmationCode" => write(context, input, code::resend).await?,
            "ForgotPassword" => write(context, input, code::forgot_password).await?,
            "ConfirmForgotPassword" => {
                code::confirm_forgot_password(context, parse(input)?).await?
            }
            "InitiateAuth" => auth::initiate(context, parse(input)?).await?,
            "RespondToAuthChallenge" => auth::respond_to_challenge(context, parse(input)?).await?,
            "GlobalSignOut" => own_account::sign_out(context, parse(input)?).await?,
            "GetUser" => own_account::get_user(context, parse(input)?).await?,
            "UpdateUserAttributes" => {
                own_account::update_attributes(context, parse(input)?).await?
            }
            "ChangePassword" => own_account::change_password(context, parse(input)?).await?,
            other => return Err(ServiceError::unknown_operation("cognito-idp", other)),
        };
        Ok(Reply::Json(reply))
    }
}

fn parse<R: DeserializeOwned>(input: &Value) -> Result<R, ServiceError> {
    R::deserialize(input).map_err(|error| error::invalid_parameter(error.to_string()))
}

/// An operation inside a transaction: its request, and now.
type Operation<R> = fn(&Connection, &R, i64) -> Result<Value, ServiceError>;

async fn read<R: DeserializeOwned + Send + 'static>(
    context: &Context,
    input: &Value,
    operation: Operation<R>,
) -> Result<Value, ServiceError> {
    let (request, now_ms) = (parse::<R>(input)?, context.clock.now_ms());
    let run = move |conn: &Connection| operation(conn, &request, now_ms);
    context.db.read(run).await
}

async fn write<R: DeserializeOwned + Send + 'static>(
    context: &Context,
    input: &Value,
    operation: Operation<R>,
) -> Result<Value, ServiceError> {
    let (request, now_ms) = (parse::<R>(input)?, context.clock.now_ms());
    let run = move |conn: &Connection| operation(conn, &request, now_ms);
    context.db.write(run).await
}

/// Work that keeps a core busy, off the threads that serve connections.
async fn busy<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ServiceError> + Send + 'static,
) -> Result<T, ServiceError> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|_| Err(ServiceError::internal()))
}

/// Refuses the first setting of a request that is none of `served`, unless it has the value that
/// means nothing.
fn only_served(settings: &Map<String, Value>, served: &[&str]) -> Result<(), ServiceError> {
    let means_nothing = |value: &Value| {
        let nothing = [
            json!(null),
            json!({}),
            json!([]),
            json!(false),
            json!("OFF"),
        ];
        nothing.contains(value)
    };
    let mut others = settings.iter();
    match others.find(|(name, value)| !served.contains(&name.as_str()) && !means_nothing(value)) {
        None => Ok(()),
        Some((name, _)) => Err(error::not_served(name)),
    }
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
