//! Users: how they are found, what is told about them, and what administrators do to them.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::Deserialize;
use serde_json::{Value, json};

use super::pool::Pool;
use super::{date, error, nothing};
use crate::error::ServiceError;
use crate::state::State;

pub(super) const UNCONFIRMED: &str = "UNCONFIRMED";
pub(super) const CONFIRMED: &str = "CONFIRMED";
pub(super) const FORCE_CHANGE_PASSWORD: &str = "FORCE_CHANGE_PASSWORD";

/// Attributes by name.
pub(super) type Attributes = BTreeMap<String, String>;

/// A user's row.
#[derive(Clone)]
pub(super) struct User {
    pub(super) sub: String,
    pub(super) pool: String,
    pub(super) username: String,
    pub(super) status: String,
    pub(super) enabled: bool,
    /// The hash.
    pub(super) password: Option<String>,
    /// Until when a temporary password counts.
    pub(super) temporary_until_ms: Option<i64>,
    pub(super) attributes: Attributes,
    pub(super) created_ms: i64,
    pub(super) modified_ms: i64,
}

const COLUMNS: &str = "sub, pool, username, status, enabled, password, temporary_until_ms, \
                       attributes, created_ms, modified_ms";

/// An attribute as the protocol carries it.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Attribute {
    pub(super) name: String,
    #[serde(default)]
    pub(super) value: String,
}

impl User {
    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        let attributes: String = row.get(7)?;
        Ok(Self {
            sub: row.get(0)?,
            pool: row.get(1)?,
            username: row.get(2)?,
            status: row.get(3)?,
            enabled: row.get(4)?,
            password: row.get(5)?,
            temporary_until_ms: row.get(6)?,
            // Holds only what this module wrote.
            attributes: serde_json::from_str(&attributes).unwrap_or_default(),
            created_ms: row.get(8)?,
            modified_ms: row.get(9)?,
        })
    }

    /// By name, by `sub`, or by e-mail address where the pool allows that.
    pub(super) fn find(
        conn: &Connection,
        pool: &Pool,
        name: &str,
    ) -> Result<Option<Self>, ServiceError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM cognito_user WHERE pool = ?1 AND (name_key = ?2 OR sub = ?3)"
        );
        let found = conn
            .prepare_cached(&sql)?
            .query_row(params![pool.id, pool.name_key(name), name], Self::from_row)
            .optional()?;
        if found.is_some() || !pool.email_is_alias() || !name.contains('@') {
            return Ok(found);
        }
        let proved = if pool.email_is_username() {
            ""
        } else {
            "AND attributes ->> '$.email_verified' = 'true'"
        };
        let sql = format!(
            "SELECT {COLUMNS} FROM cognito_user
             WHERE pool = ? AND lower(attributes ->> '$.email') = lower(?) {proved}
             ORDER BY created_ms LIMIT 1"
        );
        Ok(conn
            .prepare_cached(&sql)?
            .query_row([&pool.id, name], Self::from_row)
            .optional()?)
    }

    pub(super) fn get(conn: &Connection, pool: &Pool, name: &str) -> Result<Self, ServiceError> {
        Self::find(conn, pool, name)?.ok_or_else(error::user_not_found)
    }

    pub(super) fn with_sub(conn: &Connection, sub: &str) -> Result<Option<Self>, ServiceError> {
        let sql = format!("SELECT {COLUMNS} FROM cognito_user WHERE sub = ?");
        Ok(conn
            .prepare_cached(&sql)?
            .query_row([sub], Self::from_row)
            .optional()?)
    }

    /// Writes the row, new or changed.
    pub(super) fn save(
        &self,
        conn: &Connection,
        pool: &Pool,
        now_ms: i64,
    ) -> Result<(), ServiceError> {
        conn.prepare_cached(
            "INSERT INTO cognito_user (sub, pool, username, name_key, status, enabled, password,
                temporary_until_ms, attributes, created_ms, modified_ms)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
             ON CONFLICT (sub) DO UPDATE SET status = ?5, enabled = ?6, password = ?7,
                temporary_until_ms = ?8, attributes = ?9, modified_ms = ?11",
        )?
        .execute(params![
            self.sub,
            self.pool,
            self.username,
            pool.name_key(&self.username),
            self.status,
            self.enabled,
            self.password,
            self.temporary_until_ms,
            serde_json::to_string(&self.attributes)?,
            self.created_ms,
            now_ms
        ])?;
        Ok(())
    }

    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.get(name).map(String::as_str)
    }

    /// The address, if a code proved it is the user's.
    pub(super) fn verified_email(&self) -> Option<&str> {
        self.attribute("email")
            .filter(|_| self.attribute("email_verified") == Some("true"))
    }

    pub(super) fn attribute_list(&self) -> Value {
        let sub = std::iter::once(("sub", self.sub.as_str()));
        let others = self
            .attributes
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()));
        sub.chain(others)
            .map(|(name, value)| json!({ "Name": name, "Value": value }))
            .collect()
    }

    /// As lists tell it.
    pub(super) fn describe(&self) -> Value {
        json!({
            "Username": self.username,
            "Attributes": self.attribute_list(),
            "UserCreateDate": date(self.created_ms),
            "UserLastModifiedDate": date(self.modified_ms),
            "Enabled": self.enabled,
            "UserStatus": self.status,
        })
    }
}

/// Takes over attributes that the pool knows. An empty value removes one; a new address has yet
/// to be proved, unless the caller says that it is.
pub(super) fn set_attributes(
    attributes: &mut Attributes,
    given: &[Attribute],
    pool: &Pool,
) -> Result<(), ServiceError> {
    let (known, _) = pool.schema();
    for Attribute { name, value } in given {
        if !known.contains(name) {
            return Err(error::invalid_parameter(format!(
                "Attributes did not conform to the schema: {name}: Attribute does not exist in the \
                 schema.\n"
            )));
        }
        if name == "sub" {
            return Err(error::invalid_parameter("Cannot modify an attribute: sub."));
        }
        if value.len() > 2_048 {
            return Err(error::invalid_parameter(format!(
                "The value of {name} is too long."
            )));
        }
        if name == "email" {
            if !looks_like_an_address(value) {
                return Err(error::invalid_parameter("Invalid email address format."));
            }
            if attributes.get("email") != Some(value) {
                attributes.insert("email_verified".to_owned(), "false".to_owned());
            }
        }
        if value.is_empty() {
            attributes.remove(name);
        }
    }
    let given = given.iter().filter(|attribute| !attribute.value.is_empty());
    attributes.extend(given.map(|attribute| (attribute.name.clone(), attribute.value.clone())));
    Ok(())
}

fn looks_like_an_address(text: &str) -> bool {
    let plain = !text
        .chars()
        .any(|c| c.is_whitespace() || c.is_control() || "<>,;".contains(c));
    plain
        && text
            .split_once('@')
            .is_some_and(|(user, host)| !user.is_empty() && !host.is_empty() && !host.contains('@'))
}

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
    let wanted = &request.attributes_to_get;
    for user in &mut users {
        user.attributes
            .retain(|name, _| wanted.is_empty() || wanted.contains(name));
    }
    let mut reply = json!({ "Users": users.iter().map(User::describe).collect::<Vec<_>>() });
    if let Some(last) = last {
        reply["PaginationToken"] = last.into();
    }
    Ok(reply)
}

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
        Ok(Self {
            name: name
                .trim_end_matches('^')
                .trim()
                .trim_matches('"')
                .to_owned(),
            value: value.ok_or_else(invalid)?.replace("\\\"", "\""),
            prefix,
        })
    }

    fn takes(&self, user: &User) -> bool {
        let value = match self.name.as_str() {
            "username" | "cognito:username" => Some(user.username.as_str()),
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
