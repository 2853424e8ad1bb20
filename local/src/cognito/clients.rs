//! The calls about app clients.

use rusqlite::{Connection, params};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::client::{Client, check};
use super::pool::{ALPHANUMERIC, Pool, letters};
use super::{error, nothing};
use crate::error::ServiceError;
use crate::state::State;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Create {
    user_pool_id: String,
    client_name: String,
    #[serde(default)]
    generate_secret: bool,
    #[serde(flatten)]
    settings: Map<String, Value>,
}

pub(super) fn create(
    conn: &Connection,
    _: &State,
    request: &Create,
    now_ms: i64,
) -> Result<Value, ServiceError> {
    Pool::get(conn, &request.user_pool_id)?;
    check(&request.settings)?;
    let client = Client {
        id: letters(b"abcdefghijklmnopqrstuvwxyz0123456789", 26),
        pool: request.user_pool_id.clone(),
        name: request.client_name.clone(),
        secret: request.generate_secret.then(|| letters(ALPHANUMERIC, 51)),
        settings: request.settings.clone(),
        created_ms: now_ms,
        modified_ms: now_ms,
    };
    conn.prepare_cached(
        "INSERT INTO cognito_client (id, pool, name, secret, settings, created_ms, modified_ms)
         VALUES (?, ?, ?, ?, ?, ?, ?)",
    )?
    .execute(params![
        client.id,
        client.pool,
        client.name,
        client.secret,
        serde_json::to_string(&client.settings)?,
        now_ms,
        now_ms
    ])?;
    Ok(client.describe())
}

/// A request that names a client, and perhaps new settings.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Named {
    user_pool_id: String,
    client_id: String,
    client_name: Option<String>,
    #[serde(flatten)]
    settings: Map<String, Value>,
}

fn of_pool(conn: &Connection, request: &Named) -> Result<Client, ServiceError> {
    Pool::get(conn, &request.user_pool_id)?;
    let client = Client::get(conn, &request.client_id)?;
    if client.pool == request.user_pool_id {
        return Ok(client);
    }
    Err(error::not_found(format!(
        "User pool client {} does not exist.",
        client.id
    )))
}

pub(super) fn describe(
    conn: &Connection,
    _: &State,
    request: &Named,
    _: i64,
) -> Result<Value, ServiceError> {
    Ok(of_pool(conn, request)?.describe())
}

/// What an update does not name goes back to its default.
pub(super) fn update(
    conn: &Connection,
    _: &State,
    request: &Named,
    now_ms: i64,
) -> Result<Value, ServiceError> {
    let mut client = of_pool(conn, request)?;
    check(&request.settings)?;
    client.settings.clone_from(&request.settings);
    client.modified_ms = now_ms;
    if let Some(name) = &request.client_name {
        client.name.clone_from(name);
    }
    conn.prepare_cached(
        "UPDATE cognito_client SET name = ?, settings = ?, modified_ms = ? WHERE id = ?",
    )?
    .execute(params![
        client.name,
        serde_json::to_string(&client.settings)?,
        now_ms,
        client.id
    ])?;
    Ok(client.describe())
}

pub(super) fn delete(
    conn: &Connection,
    _: &State,
    request: &Named,
    _: i64,
) -> Result<Value, ServiceError> {
    let client = of_pool(conn, request)?;
    conn.prepare_cached("DELETE FROM cognito_client WHERE id = ?")?
        .execute([client.id])?;
    Ok(nothing())
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct List {
    user_pool_id: String,
    max_results: Option<i64>,
    next_token: Option<String>,
}

pub(super) fn list(
    conn: &Connection,
    _: &State,
    request: &List,
    _: i64,
) -> Result<Value, ServiceError> {
    Pool::get(conn, &request.user_pool_id)?;
    let most = request.max_results.unwrap_or(60);
    if !(1..=60).contains(&most) {
        return Err(error::invalid_parameter(
            "MaxResults must be between 1 and 60.",
        ));
    }
    let mut statement = conn.prepare_cached(
        "SELECT id, name FROM cognito_client WHERE pool = ? AND id > ? ORDER BY id LIMIT ?",
    )?;
    let after = request.next_token.as_deref().unwrap_or_default();
    let clients = statement.query_map(params![request.user_pool_id, after, most], |row| {
        Ok(json!({
            "ClientId": row.get::<_, String>(0)?,
            "ClientName": row.get::<_, String>(1)?,
            "UserPoolId": request.user_pool_id,
        }))
    })?;
    let clients = clients.collect::<Result<Vec<_>, _>>()?;
    let full = i64::try_from(clients.len()) == Ok(most);
    let next = clients
        .last()
        .filter(|_| full)
        .map(|last| last["ClientId"].clone());
    let mut reply = json!({ "UserPoolClients": clients });
    if let Some(next) = next {
        reply["NextToken"] = next;
    }
    Ok(reply)
}
