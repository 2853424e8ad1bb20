//! User pools: what their settings mean, and the calls about them.

use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::password::{ALPHANUMERIC, Policy, letters};
use super::{date, error, nothing, only_served};
use crate::context::Context;
use crate::error::ServiceError;

/// A pool's row.
pub(super) struct Pool {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) settings: Map<String, Value>,
    pub(super) created_ms: i64,
    pub(super) modified_ms: i64,
}

/// The attributes that a user may have: those of every pool.
pub(super) const ATTRIBUTES: [&str; 20] = [
    "address",
    "birthdate",
    "email",
    "email_verified",
    "family_name",
    "gender",
    "given_name",
    "locale",
    "middle_name",
    "name",
    "nickname",
    "phone_number",
    "phone_number_verified",
    "picture",
    "preferred_username",
    "profile",
    "sub",
    "updated_at",
    "website",
    "zoneinfo",
];

/// The settings of a pool that are served. Others would change what happens, and are refused.
const SERVED: [&str; 3] = ["AutoVerifiedAttributes", "Policies", "UserPoolTier"];

impl Pool {
    pub(super) fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        let settings: String = row.get(2)?;
        Ok(Self {
            id: row.get(0)?,
            name: row.get(1)?,
            // Holds only what this module wrote.
            settings: serde_json::from_str(&settings).unwrap_or_default(),
            created_ms: row.get(3)?,
            modified_ms: row.get(4)?,
        })
    }

    pub(super) fn get(conn: &Connection, id: &str) -> Result<Self, ServiceError> {
        let word = |c: char| c.is_alphanumeric() || "_-".contains(c);
        let shaped = id.rsplit_once('_').is_some_and(|(region, own)| {
            !region.is_empty()
                && region.chars().all(word)
                && !own.is_empty()
                && own.bytes().all(|b| b.is_ascii_alphanumeric())
        });
        if !shaped {
            return Err(error::invalid_parameter(format!(
                "Value '{id}' at 'userPoolId' failed to satisfy constraint: Member must satisfy \
                 regular expression pattern: [\\w-]+_[0-9a-zA-Z]+"
            )));
        }
        let pool = conn
            .prepare_cached(
                "SELECT id, name, settings, created_ms, modified_ms FROM cognito_pool WHERE id = ?",
            )?
            .query_row([id], Self::from_row)
            .optional()?;
        pool.ok_or_else(|| error::not_found(format!("User pool {id} does not exist.")))
    }

    /// Whether a user's e-mail address is proved by a mailed code.
    pub(super) fn verifies_email(&self) -> bool {
        let list = self.settings.get("AutoVerifiedAttributes");
        let list = list.and_then(Value::as_array);
        list.is_some_and(|list| list.iter().any(|value| value == "email"))
    }

    pub(super) fn policy(&self) -> Policy {
        let policy = self
            .settings
            .get("Policies")
            .map(|policies| &policies["PasswordPolicy"]);
        policy
            .and_then(|policy| Policy::deserialize(policy).ok())
            .unwrap_or_default()
    }

    fn describe(&self, context: &Context) -> Value {
        let mut pool = self.settings.clone();
        let arn = context.arn("cognito-idp", &format!("userpool/{}", self.id));
        for (name, value) in [
            ("Id", json!(self.id)),
            ("Name", json!(self.name)),
            ("Arn", json!(arn)),
            ("Policies", json!({ "PasswordPolicy": self.policy() })),
            ("MfaConfiguration", json!("OFF")),
            ("CreationDate", date(self.created_ms)),
            ("LastModifiedDate", date(self.modified_ms)),
        ] {
            pool.insert(name.to_owned(), value);
        }
        Value::Object(pool)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Create {
    pool_name: String,
    #[serde(flatten)]
    settings: Map<String, Value>,
}

pub(super) async fn create(context: &Context, request: Create) -> Result<Value, ServiceError> {
    only_served(&request.settings, &SERVED)?;
    if !(1..=128).contains(&request.pool_name.chars().count()) {
        return Err(error::invalid_parameter(
            "PoolName must have 1 to 128 characters.",
        ));
    }
    let now_ms = context.clock.now_ms();
    let pool = Pool {
        id: format!("{}_{}", context.config.region, letters(ALPHANUMERIC, 9)),
        name: request.pool_name,
        settings: request.settings,
        created_ms: now_ms,
        modified_ms: now_ms,
    };
    let reply = json!({ "UserPool": pool.describe(context) });
    let insert = move |conn: &Connection| {
        conn.prepare_cached(
            "INSERT INTO cognito_pool (id, name, settings, created_ms, modified_ms)
             VALUES (?, ?, ?, ?, ?)",
        )?
        .execute(params![
            pool.id,
            pool.name,
            serde_json::to_string(&pool.settings)?,
            now_ms,
            now_ms
        ])?;
        Ok::<_, ServiceError>(())
    };
    context.db.write(insert).await?;
    Ok(reply)
}

/// A request that names a pool.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Named {
    user_pool_id: String,
}

pub(super) fn delete(conn: &Connection, request: &Named, _: i64) -> Result<Value, ServiceError> {
    let pool = Pool::get(conn, &request.user_pool_id)?;
    conn.prepare_cached("DELETE FROM cognito_pool WHERE id = ?")?
        .execute([pool.id])?;
    Ok(nothing())
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct List {
    max_results: i64,
    next_token: Option<String>,
}

pub(super) fn list(conn: &Connection, request: &List, _: i64) -> Result<Value, ServiceError> {
    if !(1..=60).contains(&request.max_results) {
        return Err(error::invalid_parameter(
            "MaxResults must be between 1 and 60.",
        ));
    }
    let mut statement = conn.prepare_cached(
        "SELECT id, name, settings, created_ms, modified_ms FROM cognito_pool
         WHERE id > ? ORDER BY id LIMIT ?",
    )?;
    let after = request.next_token.as_deref().unwrap_or_default();
    let pools = statement.query_map(params![after, request.max_results], Pool::from_row)?;
    let pools = pools.collect::<Result<Vec<_>, _>>()?;
    let short = |pool: &Pool| {
        json!({
            "Id": pool.id,
            "Name": pool.name,
            "CreationDate": date(pool.created_ms),
            "LastModifiedDate": date(pool.modified_ms),
        })
    };
    let mut reply = json!({ "UserPools": pools.iter().map(short).collect::<Vec<_>>() });
    if i64::try_from(pools.len()) == Ok(request.max_results)
        && let Some(last) = pools.last()
    {
        reply["NextToken"] = json!(last.id);
    }
    Ok(reply)
}

/// The issuer of a pool's tokens; the same for as long as the server keeps its address.
pub(super) fn issuer(context: &Context, pool: &str) -> String {
    format!("{}/{pool}", context.url)
}
