//! Groups of users; their names travel in the tokens.

use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::pool::Pool;
use super::user::User;
use super::{date, error, nothing};
use crate::error::ServiceError;
use crate::state::State;

/// A request that names a pool, a group, or a user, with the settings of a group.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Request {
    user_pool_id: String,
    group_name: Option<String>,
    username: Option<String>,
    #[serde(flatten)]
    settings: Map<String, Value>,
}

impl Request {
    fn group_name(&self) -> Result<&str, ServiceError> {
        let name = self.group_name.as_deref();
        let name = name.ok_or_else(|| error::invalid_parameter("GroupName is missing."))?;
        // AWS's pattern: letters, marks, symbols, numbers, punctuation.
        let odd = |c: char| c.is_whitespace() || c.is_control();
        if name.is_empty() || name.chars().count() > 128 || name.contains(odd) {
            return Err(error::invalid_parameter(format!(
                "{name:?} is no name for a group."
            )));
        }
        Ok(name)
    }

    fn user(&self, conn: &Connection) -> Result<User, ServiceError> {
        let pool = Pool::get(conn, &self.user_pool_id)?;
        let name = self.username.as_deref();
        User::get(
            conn,
            &pool,
            name.ok_or_else(|| error::invalid_parameter("Username is missing."))?,
        )
    }

    fn describe_group(&self, conn: &Connection) -> Result<Value, ServiceError> {
        Pool::get(conn, &self.user_pool_id)?;
        let group = conn
            .prepare_cached(
                "SELECT pool, name, settings, created_ms FROM cognito_group
                 WHERE pool = ? AND name = ?",
            )?
            .query_row([&self.user_pool_id, self.group_name()?], describe)
            .optional()?;
        group.ok_or_else(|| error::not_found("Group not found."))
    }
}

fn describe(row: &Row<'_>) -> rusqlite::Result<Value> {
    let settings: String = row.get(2)?;
    // Holds only what this module wrote.
    let mut group: Map<String, Value> = serde_json::from_str(&settings).unwrap_or_default();
    let created = date(row.get(3)?);
    group.insert("UserPoolId".into(), row.get::<_, String>(0)?.into());
    group.insert("GroupName".into(), row.get::<_, String>(1)?.into());
    group.insert("CreationDate".into(), created.clone());
    group.insert("LastModifiedDate".into(), created);
    Ok(Value::Object(group))
}

pub(super) fn create(
    conn: &Connection,
    _: &State,
    request: &Request,
    now_ms: i64,
) -> Result<Value, ServiceError> {
    Pool::get(conn, &request.user_pool_id)?;
    let made = conn
        .prepare_cached(
            "INSERT INTO cognito_group (pool, name, settings, created_ms) VALUES (?, ?, ?, ?)
             ON CONFLICT DO NOTHING",
        )?
        .execute(params![
            request.user_pool_id,
            request.group_name()?,
            serde_json::to_string(&request.settings)?,
            now_ms
        ])?;
    if made == 0 {
        return Err(ServiceError::bad_request(
            "GroupExistsException",
            "A group with the name already exists.",
        ));
    }
    Ok(json!({ "Group": request.describe_group(conn)? }))
}

pub(super) fn get(
    conn: &Connection,
    _: &State,
    request: &Request,
    _: i64,
) -> Result<Value, ServiceError> {
    Ok(json!({ "Group": request.describe_group(conn)? }))
}

pub(super) fn delete(
    conn: &Connection,
    _: &State,
    request: &Request,
    _: i64,
) -> Result<Value, ServiceError> {
    request.describe_group(conn)?;
    conn.prepare_cached("DELETE FROM cognito_group WHERE pool = ? AND name = ?")?
        .execute([&request.user_pool_id, request.group_name()?])?;
    Ok(nothing())
}

pub(super) fn list(
    conn: &Connection,
    _: &State,
    request: &Request,
    _: i64,
) -> Result<Value, ServiceError> {
    Pool::get(conn, &request.user_pool_id)?;
    let mut statement = conn.prepare_cached(
        "SELECT pool, name, settings, created_ms FROM cognito_group WHERE pool = ? ORDER BY name",
    )?;
    let groups = statement.query_map([&request.user_pool_id], describe)?;
    Ok(json!({ "Groups": groups.collect::<Result<Vec<_>, _>>()? }))
}

pub(super) fn add_user(
    conn: &Connection,
    _: &State,
    request: &Request,
    _: i64,
) -> Result<Value, ServiceError> {
    request.describe_group(conn)?;
    let user = request.user(conn)?;
    conn.prepare_cached(
        "INSERT INTO cognito_member (pool, name, sub) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
    )?
    .execute([&request.user_pool_id, request.group_name()?, &user.sub])?;
    Ok(nothing())
}

pub(super) fn remove_user(
    conn: &Connection,
    _: &State,
    request: &Request,
    _: i64,
) -> Result<Value, ServiceError> {
    request.describe_group(conn)?;
    let user = request.user(conn)?;
    conn.prepare_cached("DELETE FROM cognito_member WHERE pool = ? AND name = ? AND sub = ?")?
        .execute([&request.user_pool_id, request.group_name()?, &user.sub])?;
    Ok(nothing())
}

pub(super) fn list_of_user(
    conn: &Connection,
    _: &State,
    request: &Request,
    _: i64,
) -> Result<Value, ServiceError> {
    Ok(json!({ "Groups": groups_of(conn, &request.user(conn)?)? }))
}

/// A user's groups, the one with the lowest precedence first, those without any last.
fn groups_of(conn: &Connection, user: &User) -> Result<Vec<Value>, ServiceError> {
    let mut statement = conn.prepare_cached(
        "SELECT pool, name, settings, created_ms FROM cognito_group JOIN cognito_member USING (pool, name)
         WHERE sub = ? ORDER BY ifnull(settings ->> '$.Precedence', 1 << 40), name",
    )?;
    let groups = statement.query_map([&user.sub], describe)?;
    Ok(groups.collect::<Result<_, _>>()?)
}

/// The value of `cognito:groups`.
pub(super) fn names_of(conn: &Connection, user: &User) -> Result<Vec<Value>, ServiceError> {
    let groups = groups_of(conn, user)?;
    Ok(groups
        .into_iter()
        .map(|mut group| group["GroupName"].take())
        .collect())
}

pub(super) fn list_users(
    conn: &Connection,
    _: &State,
    request: &Request,
    _: i64,
) -> Result<Value, ServiceError> {
    request.describe_group(conn)?;
    let mut statement = conn.prepare_cached(
        "SELECT sub FROM cognito_member WHERE pool = ? AND name = ? ORDER BY sub",
    )?;
    let subs = statement
        .query_map([&request.user_pool_id, request.group_name()?], |row| {
            row.get::<_, String>(0)
        })?
        .collect::<Result<Vec<_>, _>>()?;
    let mut users = Vec::new();
    for sub in subs {
        users.extend(User::with_sub(conn, &sub)?.map(|user| user.describe()));
    }
    Ok(json!({ "Users": users }))
}
