//! A pool's app clients: which ways of signing in they allow, what users may change through them,
//! how long their tokens live; and the calls about them.

use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::password::letters;
use super::pool::{ATTRIBUTES, Pool};
use super::{date, error, only_served};
use crate::error::ServiceError;

/// A client's row.
pub(super) struct Client {
    pub(super) id: String,
    pub(super) pool: String,
    pub(super) name: String,
    pub(super) settings: Map<String, Value>,
    pub(super) created_ms: i64,
    pub(super) modified_ms: i64,
}

/// A kind of token, with the unit in which AWS counts its life by default, that life, and its
/// limits in seconds.
pub(super) struct Lifetime {
    setting: &'static str,
    unit_of: &'static str,
    unit_s: i64,
    default: i64,
    limits_s: std::ops::RangeInclusive<i64>,
}

const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;

pub(super) const ID_TOKEN: Lifetime = lifetime("IdTokenValidity", "IdToken", HOUR, 1, 300..=DAY);
pub(super) const ACCESS_TOKEN: Lifetime =
    lifetime("AccessTokenValidity", "AccessToken", HOUR, 1, 300..=DAY);
pub(super) const REFRESH_TOKEN: Lifetime = lifetime(
    "RefreshTokenValidity",
    "RefreshToken",
    DAY,
    30,
    HOUR..=3_650 * DAY,
);

const fn lifetime(
    setting: &'static str,
    unit_of: &'static str,
    unit_s: i64,
    default: i64,
    limits_s: std::ops::RangeInclusive<i64>,
) -> Lifetime {
    Lifetime {
        setting,
        unit_of,
        unit_s,
        default,
        limits_s,
    }
}

impl Lifetime {
    fn seconds(&self, settings: &Map<String, Value>) -> i64 {
        let unit = settings
            .get("TokenValidityUnits")
            .and_then(|units| units[self.unit_of].as_str());
        let unit_s = match unit {
            Some("seconds") => 1,
            Some("minutes") => 60,
            Some("hours") => HOUR,
            Some("days") => DAY,
            _ => self.unit_s,
        };
        // Zero means the default, as AWS has it for refresh tokens.
        let set = settings
            .get(self.setting)
            .and_then(Value::as_i64)
            .filter(|value| *value != 0);
        set.map_or(self.default * self.unit_s, |value| {
            value.saturating_mul(unit_s)
        })
    }
}

impl Client {
    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        let settings: String = row.get(3)?;
        Ok(Self {
            id: row.get(0)?,
            pool: row.get(1)?,
            name: row.get(2)?,
            // Holds only what this module wrote.
            settings: serde_json::from_str(&settings).unwrap_or_default(),
            created_ms: row.get(4)?,
            modified_ms: row.get(5)?,
        })
    }

    pub(super) fn get(conn: &Connection, id: &str) -> Result<Self, ServiceError> {
        let client = conn
            .prepare_cached(
                "SELECT id, pool, name, settings, created_ms, modified_ms
                 FROM cognito_client WHERE id = ?",
            )?
            .query_row([id], Self::from_row)
            .optional()?;
        client.ok_or_else(|| error::not_found(format!("User pool client {id} does not exist.")))
    }

    /// Whether one of the `flows` is among the client's; without any setting AWS allows only SRP,
    /// custom challenges and refresh.
    pub(super) fn allows(&self, flows: &[&str]) -> bool {
        let set = self
            .settings
            .get("ExplicitAuthFlows")
            .and_then(Value::as_array);
        match set.filter(|set| !set.is_empty()) {
            Some(set) => set
                .iter()
                .any(|flow| flow.as_str().is_some_and(|f| flows.contains(&f))),
            None => flows.contains(&"ALLOW_REFRESH_TOKEN_AUTH"),
        }
    }

    pub(super) fn lifetime_s(&self, of: &Lifetime) -> i64 {
        of.seconds(&self.settings)
    }

    /// How long a challenge may be answered, in minutes in the setting.
    pub(super) fn challenge_ms(&self) -> i64 {
        self.settings
            .get("AuthSessionValidity")
            .and_then(Value::as_i64)
            .unwrap_or(3)
            * 60_000
    }

    /// Whether users may set this attribute through this client; all of them without the setting.
    pub(super) fn may_write(&self, attribute: &str) -> bool {
        let set = self.settings.get("WriteAttributes");
        let set = set.and_then(Value::as_array);
        !attribute.ends_with("_verified")
            && set.is_none_or(|set| set.is_empty() || set.iter().any(|name| name == attribute))
    }

    /// Whether a caller may learn that a user does not exist.
    pub(super) fn tells_existence(&self) -> bool {
        self.settings
            .get("PreventUserExistenceErrors")
            .is_none_or(|value| value != "ENABLED")
    }

    /// As the calls about clients tell it.
    pub(super) fn describe(&self) -> Value {
        let mut client = self.settings.clone();
        client.insert("UserPoolId".into(), json!(self.pool));
        client.insert("ClientId".into(), json!(self.id));
        client.insert("ClientName".into(), json!(self.name));
        client.insert("CreationDate".into(), date(self.created_ms));
        client.insert("LastModifiedDate".into(), date(self.modified_ms));
        client
            .entry("RefreshTokenValidity")
            .or_insert(json!(REFRESH_TOKEN.default));
        client.entry("EnableTokenRevocation").or_insert(json!(true));
        json!({ "UserPoolClient": client })
    }
}

/// The ways of signing in that a client may name.
const FLOWS: [&str; 9] = [
    "ADMIN_NO_SRP_AUTH",
    "ALLOW_ADMIN_USER_PASSWORD_AUTH",
    "ALLOW_CUSTOM_AUTH",
    "ALLOW_REFRESH_TOKEN_AUTH",
    "ALLOW_USER_AUTH",
    "ALLOW_USER_PASSWORD_AUTH",
    "ALLOW_USER_SRP_AUTH",
    "CUSTOM_AUTH_FLOW_ONLY",
    "USER_PASSWORD_AUTH",
];

/// The settings of a client that are served. Others would change what happens, and are refused.
const SERVED: [&str; 9] = [
    "AccessTokenValidity",
    "AuthSessionValidity",
    "EnableTokenRevocation",
    "ExplicitAuthFlows",
    "IdTokenValidity",
    "PreventUserExistenceErrors",
    "RefreshTokenValidity",
    "TokenValidityUnits",
    "WriteAttributes",
];

/// Refuses settings that are not served, unknown flows and attributes, and lives of tokens beyond
/// their limits.
fn check(settings: &Map<String, Value>) -> Result<(), ServiceError> {
    only_served(settings, &SERVED)?;
    for (name, known) in [
        ("ExplicitAuthFlows", FLOWS.as_slice()),
        ("WriteAttributes", &ATTRIBUTES),
    ] {
        let values = settings.get(name).and_then(Value::as_array);
        let is_known = |value: &&Value| value.as_str().is_some_and(|text| known.contains(&text));
        if let Some(value) = values.into_iter().flatten().find(|value| !is_known(value)) {
            return Err(error::invalid_parameter(format!(
                "Value {value} at '{name}' failed to satisfy constraint: Member must satisfy enum \
                 value set: {known:?}"
            )));
        }
    }
    for lifetime in [ID_TOKEN, ACCESS_TOKEN, REFRESH_TOKEN] {
        if !lifetime.limits_s.contains(&lifetime.seconds(settings)) {
            return Err(error::invalid_parameter(format!(
                "Invalid range for token validity: {} is out of its limits.",
                lifetime.setting
            )));
        }
    }
    Ok(())
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Create {
    user_pool_id: String,
    client_name: String,
    #[serde(flatten)]
    settings: Map<String, Value>,
}

pub(super) fn create(
    conn: &Connection,
    request: &Create,
    now_ms: i64,
) -> Result<Value, ServiceError> {
    Pool::get(conn, &request.user_pool_id)?;
    check(&request.settings)?;
    let client = Client {
        id: letters(b"abcdefghijklmnopqrstuvwxyz0123456789", 26),
        pool: request.user_pool_id.clone(),
        name: request.client_name.clone(),
        settings: request.settings.clone(),
        created_ms: now_ms,
        modified_ms: now_ms,
    };
    conn.prepare_cached(
        "INSERT INTO cognito_client (id, pool, name, settings, created_ms, modified_ms)
         VALUES (?, ?, ?, ?, ?, ?)",
    )?
    .execute(params![
        client.id,
        client.pool,
        client.name,
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

pub(super) fn describe(conn: &Connection, request: &Named, _: i64) -> Result<Value, ServiceError> {
    Ok(of_pool(conn, request)?.describe())
}

/// What an update does not name goes back to its default.
pub(super) fn update(
    conn: &Connection,
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

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct List {
    user_pool_id: String,
    max_results: Option<i64>,
    next_token: Option<String>,
}

pub(super) fn list(conn: &Connection, request: &List, _: i64) -> Result<Value, ServiceError> {
    Pool::get(conn, &request.user_pool_id)?;
    let limit = request.max_results.unwrap_or(60);
    if !(1..=60).contains(&limit) {
        return Err(error::invalid_parameter(
            "MaxResults must be between 1 and 60.",
        ));
    }
    let mut statement = conn.prepare_cached(
        "SELECT id, name FROM cognito_client WHERE pool = ? AND id > ? ORDER BY id LIMIT ?",
    )?;
    let after = request.next_token.as_deref().unwrap_or_default();
    let clients = statement.query_map(params![request.user_pool_id, after, limit], |row| {
        Ok(json!({
            "ClientId": row.get::<_, String>(0)?,
            "ClientName": row.get::<_, String>(1)?,
            "UserPoolId": request.user_pool_id,
        }))
    })?;
    let clients = clients.collect::<Result<Vec<_>, _>>()?;
    let full = i64::try_from(clients.len()) == Ok(limit);
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
