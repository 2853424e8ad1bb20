//! A user: how it is found, kept and told about.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::Deserialize;
use serde_json::{Value, json};

use super::pool::{ATTRIBUTES, Pool};
use super::{date, error};
use crate::error::ServiceError;

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
    /// The hash.
    pub(super) password: Option<String>,
    /// Until when a temporary password counts.
    pub(super) temporary_until_ms: Option<i64>,
    pub(super) attributes: Attributes,
    pub(super) created_ms: i64,
    pub(super) modified_ms: i64,
}

const COLUMNS: &str = "sub, pool, username, status, password, temporary_until_ms, \
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
        let attributes: String = row.get(6)?;
        Ok(Self {
            sub: row.get(0)?,
            pool: row.get(1)?,
            username: row.get(2)?,
            status: row.get(3)?,
            password: row.get(4)?,
            temporary_until_ms: row.get(5)?,
            // Holds only what this module wrote.
            attributes: serde_json::from_str(&attributes).unwrap_or_default(),
            created_ms: row.get(7)?,
            modified_ms: row.get(8)?,
        })
    }

    /// By name, whose case does not count, or by `sub`.
    pub(super) fn find(
        conn: &Connection,
        pool: &Pool,
        name: &str,
    ) -> Result<Option<Self>, ServiceError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM cognito_user WHERE pool = ?1 AND (name_key = ?2 OR sub = ?3)"
        );
        Ok(conn
            .prepare_cached(&sql)?
            .query_row(params![pool.id, name.to_lowercase(), name], Self::from_row)
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
    pub(super) fn save(&self, conn: &Connection, now_ms: i64) -> Result<(), ServiceError> {
        conn.prepare_cached(
            "INSERT INTO cognito_user (sub, pool, username, name_key, status, password,
                temporary_until_ms, attributes, created_ms, modified_ms)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
             ON CONFLICT (sub) DO UPDATE SET status = ?5, password = ?6,
                temporary_until_ms = ?7, attributes = ?8, modified_ms = ?10",
        )?
        .execute(params![
            self.sub,
            self.pool,
            self.username,
            self.username.to_lowercase(),
            self.status,
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
            "Enabled": true,
            "UserStatus": self.status,
        })
    }
}

/// Takes over attributes that there are. An empty value removes one; a new address has yet
/// to be proved, unless the caller says that it is.
pub(super) fn set_attributes(
    attributes: &mut Attributes,
    given: &[Attribute],
) -> Result<(), ServiceError> {
    for Attribute { name, value } in given {
        if !ATTRIBUTES.contains(&name.as_str()) {
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
