//! The calls of administrators about users.

use rusqlite::Connection;
use serde::Deserialize;
use serde_json::{Value, json};

use super::pool::Pool;
use super::user::{Attribute, COLUMNS, User, set_attributes};
use super::{error, nothing};
use crate::error::ServiceError;
use crate::state::State;

/// A request of an administrator about one user.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Named {
    pub(super) user_pool_id: String,
    pub(super) username: String,
    #[serde(default)]
    user_attributes: Vec<Attribute>,
}

impl Named {
    pub(super) fn find(&self, conn: &Connection) -> Result<(Pool, User), ServiceError> {
        let pool = Pool::get(conn, &self.user_pool_id)?;
        let user = User::get(conn, &pool, &self.username)?;
        Ok((pool, user))
    }
}

pub(super) fn admin_get(
    conn: &Connection,
    _: &State,
    request: &Named,
    _: i64,
) -> Result<Value, ServiceError> {
    let (_, user) = request.find(conn)?;
    let mut reply = user.describe();
    if let Some(reply) = reply.as_object_mut() {
        reply.remove("Attributes");
    }
    reply["UserAttributes"] = user.attribute_list();
    Ok(reply)
}

pub(super) fn admin_delete(
    conn: &Connection,
    _: &State,
    request: &Named,
    _: i64,
) -> Result<Value, ServiceError> {
    let (_, user) = request.find(conn)?;
    remove(conn, &user)
}

pub(super) fn remove(conn: &Connection, user: &User) -> Result<Value, ServiceError> {
    conn.prepare_cached("DELETE FROM cognito_user WHERE sub = ?")?
        .execute([&user.sub])?;
    Ok(nothing())
}

pub(super) fn admin_enable(
    conn: &Connection,
    _: &State,
    request: &Named,
    now_ms: i64,
) -> Result<Value, ServiceError> {
    set_enabled(conn, request, true, now_ms)
}

pub(super) fn admin_disable(
    conn: &Connection,
    _: &State,
    request: &Named,
    now_ms: i64,
) -> Result<Value, ServiceError> {
    set_enabled(conn, request, false, now_ms)
}

fn set_enabled(
    conn: &Connection,
    request: &Named,
    enabled: bool,
    now_ms: i64,
) -> Result<Value, ServiceError> {
    let (pool, user) = request.find(conn)?;
    User { enabled, ..user }.save(conn, &pool, now_ms)?;
    Ok(nothing())
}

pub(super) fn admin_update_attributes(
    conn: &Connection,
    _: &State,
    request: &Named,
    now_ms: i64,
) -> Result<Value, ServiceError> {
    let (pool, mut user) = request.find(conn)?;
    set_attributes(&mut user.attributes, &request.user_attributes, &pool)?;
    user.save(conn, &pool, now_ms)?;
    Ok(nothing())
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct List {
    user_pool_id: String,
    limit: Option<i64>,
    pagination_token: Option<String>,
    filter: Option<String>,
    #[serde(default)]
    attributes_to_get: Vec<String>,
}

pub(super) fn list(
    conn: &Connection,
    _: &State,
    request: &List,
    _: i64,
) -> Result<Value, ServiceError> {
    let pool = Pool::get(conn, &request.user_pool_id)?;
    let most = request.limit.unwrap_or(60);
    if !(1..=60).contains(&most) {
        return Err(error::invalid_parameter("Limit must be between 1 and 60."));
    }
    let filter = request
        .filter
        .as_deref()
        .filter(|text| !text.trim().is_empty());
    let filter = filter.map(Filter::parse).transpose()?;
    let sql = format!(
        "SELECT {COLUMNS} FROM cognito_user WHERE pool = ? AND name_key > ? ORDER BY name_key"
    );
    let mut statement = conn.prepare_cached(&sql)?;
    let after = request.pagination_token.as_deref().unwrap_or_default();
    let users = statement.query_map([&pool.id, after], User::from_row)?;
    let mut users = users
        .filter(|user| {
            user.as_ref()
                .map_or(true, |u| filter.as_ref().is_none_or(|f| f.takes(u)))
        })
        .take(usize::try_from(most).unwrap_or(60) + 1)
        .collect::<Result<Vec<_>, _>>()?;
    let more = i64::try_from(users.len()).is_ok_and(|count| count > most);
    if more {
        users.pop();
    }
    let last = users
        .last()
        .filter(|_| more)
        .map(|user| pool.name_key(&user.username));
    let tell = |user: &User| {
        let mut told = user.describe();
        if !request.attributes_to_get.is_empty() {
            told["Attributes"] = user.chosen(&request.attributes_to_get)?;
        }
        Ok(told)
    };
    let told = users.iter().map(tell);
    let mut reply = json!({ "Users": told.collect::<Result<Vec<_>, ServiceError>>()? });
    if let Some(last) = last {
        reply["PaginationToken"] = last.into();
    }
    Ok(reply)
}

/// What users can be filtered by.
const SEARCHABLE: [&str; 10] = [
    "username",
    "email",
    "phone_number",
    "name",
    "given_name",
    "family_name",
    "preferred_username",
    "cognito:user_status",
    "status",
    "sub",
];

/// `ListUsers`' filter: `name = "value"`, or `^=` for a beginning.
struct Filter {
    name: String,
    value: String,
    prefix: bool,
}

impl Filter {
    fn parse(text: &str) -> Result<Self, ServiceError> {
        let invalid = || error::invalid_parameter(format!("Error while parsing filter {text}."));
        let (name, value) = text.split_once('=').ok_or_else(invalid)?;
        let prefix = name.ends_with('^');
        let value = value
            .trim()
            .strip_prefix('"')
            .and_then(|value| value.strip_suffix('"'));
        let name = name.trim_end_matches('^').trim().trim_matches('"');
        if !SEARCHABLE.contains(&name) {
            return Err(error::invalid_parameter(format!(
                "Users cannot be filtered by {name}."
            )));
        }
        Ok(Self {
            name: name.to_owned(),
            value: value.ok_or_else(invalid)?.replace("\\\"", "\""),
            prefix,
        })
    }

    fn takes(&self, user: &User) -> bool {
        let value = match self.name.as_str() {
            "username" => Some(user.username.as_str()),
            "sub" => Some(user.sub.as_str()),
            "cognito:user_status" => Some(user.status.as_str()),
            "status" => Some(if user.enabled { "Enabled" } else { "Disabled" }),
            name => user.attribute(name),
        };
        value.is_some_and(|value| {
            if self.prefix {
                value.starts_with(&self.value)
            } else {
                value == self.value
            }
        })
    }
}
