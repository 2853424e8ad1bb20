//! The calls about user pools.

use std::sync::Arc;

use rusqlite::{Connection, params};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::pool::{ALPHANUMERIC, Pool, letters};
use super::{date, error, keys, nothing, only, refuse};
use crate::error::ServiceError;
use crate::state::State;

/// Options that are refused because they would change what happens.
const NOT_SERVED: [&str; 4] = [
    "LambdaConfig",
    "MfaConfiguration",
    "DeviceConfiguration",
    "UserPoolAddOns",
];

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Create {
    pool_name: String,
    #[serde(flatten)]
    settings: Map<String, Value>,
}

pub(super) async fn create(state: &Arc<State>, request: Create) -> Result<Value, ServiceError> {
    refuse(&request.settings, &NOT_SERVED)?;
    let names = ["UsernameAttributes", "AliasAttributes"];
    only(&request.settings, names[0], &["phone_number", "email"])?;
    let aliases = ["phone_number", "email", "preferred_username"];
    only(&request.settings, names[1], &aliases)?;
    let set = |name: &&str| {
        let list = request.settings.get(*name).and_then(Value::as_array);
        list.is_some_and(|list| !list.is_empty())
    };
    if names.iter().all(set) {
        return Err(error::invalid_parameter(
            "Only one of the aliasAttributes or usernameAttributes can be set in a user pool.",
        ));
    }
    if !(1..=128).contains(&request.pool_name.chars().count()) {
        return Err(error::invalid_parameter(
            "PoolName must have 1 to 128 characters.",
        ));
    }
    let now_ms = state.clock.now_ms();
    let pool = Pool {
        id: format!("{}_{}", state.config.region, letters(ALPHANUMERIC, 9)),
        name: request.pool_name,
        settings: request.settings,
        created_ms: now_ms,
        modified_ms: now_ms,
    };
    let reply = json!({ "UserPool": pool.describe(state) });
    let id = pool.id.clone();
    state
        .db
        .write(move |conn| {
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
        })
        .await?;
    keys::prepare(state, id);
    Ok(reply)
}

/// A request that names a pool, and perhaps new settings.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Named {
    user_pool_id: String,
    #[serde(flatten)]
    settings: Map<String, Value>,
}

pub(super) fn describe(
    conn: &Connection,
    state: &State,
    request: &Named,
    _: i64,
) -> Result<Value, ServiceError> {
    let mut pool = Pool::get(conn, &request.user_pool_id)?.describe(state);
    let users: i64 = conn
        .prepare_cached("SELECT count(*) FROM cognito_user WHERE pool = ?")?
        .query_row([&request.user_pool_id], |row| row.get(0))?;
    pool["EstimatedNumberOfUsers"] = users.into();
    Ok(json!({ "UserPool": pool }))
}

/// What an update does not name goes back to its default, except what is fixed at creation.
pub(super) fn update(
    conn: &Connection,
    _: &State,
    request: &Named,
    now_ms: i64,
) -> Result<Value, ServiceError> {
    refuse(&request.settings, &NOT_SERVED)?;
    let old = Pool::get(conn, &request.user_pool_id)?.settings;
    let mut settings = request.settings.clone();
    for fixed in [
        "Schema",
        "UsernameAttributes",
        "AliasAttributes",
        "UsernameConfiguration",
    ] {
        match old.get(fixed) {
            Some(value) => settings.insert(fixed.to_owned(), value.clone()),
            None => settings.remove(fixed),
        };
    }
    conn.prepare_cached("UPDATE cognito_pool SET settings = ?, modified_ms = ? WHERE id = ?")?
        .execute(params![
            serde_json::to_string(&settings)?,
            now_ms,
            request.user_pool_id
        ])?;
    Ok(nothing())
}

pub(super) fn delete(
    conn: &Connection,
    _: &State,
    request: &Named,
    _: i64,
) -> Result<Value, ServiceError> {
    let pool = Pool::get(conn, &request.user_pool_id)?;
    if pool
        .settings
        .get("DeletionProtection")
        .is_some_and(|value| value == "ACTIVE")
    {
        return Err(error::invalid_parameter(
            "The user pool cannot be deleted because deletion protection is activated. Deletion \
             protection must be inactivated first.",
        ));
    }
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

pub(super) fn list(
    conn: &Connection,
    _: &State,
    request: &List,
    _: i64,
) -> Result<Value, ServiceError> {
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
