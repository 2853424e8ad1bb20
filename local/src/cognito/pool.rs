//! A user pool, and what its settings mean.

use std::collections::BTreeSet;

use rand::Rng;
use rusqlite::{Connection, OptionalExtension, Row};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::password::Policy;
use super::{date, error};
use crate::error::ServiceError;
use crate::state::State;

/// A pool's row.
pub(super) struct Pool {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) settings: Map<String, Value>,
    pub(super) created_ms: i64,
    pub(super) modified_ms: i64,
}

/// The attributes that every pool has.
const STANDARD_ATTRIBUTES: [&str; 20] = [
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

    fn lists(&self, setting: &str, wanted: &str) -> bool {
        let list = self.settings.get(setting).and_then(Value::as_array);
        list.is_some_and(|list| list.iter().any(|value| value == wanted))
    }

    /// Whether a user's e-mail address is proved by a mailed code.
    pub(super) fn verifies_email(&self) -> bool {
        self.lists("AutoVerifiedAttributes", "email")
    }

    /// Whether the e-mail address is the name that users sign up with.
    pub(super) fn email_is_username(&self) -> bool {
        self.lists("UsernameAttributes", "email")
    }

    /// Whether a verified e-mail address may stand for the user's name.
    pub(super) fn email_is_alias(&self) -> bool {
        self.email_is_username() || self.lists("AliasAttributes", "email")
    }

    /// The form in which names are compared.
    pub(super) fn name_key(&self, username: &str) -> String {
        let sensitive = self.settings.get("UsernameConfiguration");
        let sensitive = sensitive
            .and_then(|c| c["CaseSensitive"].as_bool())
            .unwrap_or(false);
        if sensitive {
            username.to_owned()
        } else {
            username.to_lowercase()
        }
    }

    pub(super) fn only_admins_create(&self) -> bool {
        let config = self.settings.get("AdminCreateUserConfig");
        config.is_some_and(|config| config["AllowAdminCreateUserOnly"] == true)
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

    /// The attributes that a user of this pool may have, and those it must.
    pub(super) fn schema(&self) -> (BTreeSet<String>, BTreeSet<String>) {
        let mut known: BTreeSet<_> = STANDARD_ATTRIBUTES.map(str::to_owned).into();
        let mut required = BTreeSet::new();
        let declared = self.settings.get("Schema").and_then(Value::as_array);
        for attribute in declared.into_iter().flatten() {
            let name = attribute["Name"].as_str().unwrap_or_default();
            if attribute["Required"] == true {
                required.insert(name.to_owned());
            }
            if !known.contains(name) {
                known.insert(format!("custom:{}", name.trim_start_matches("custom:")));
            }
        }
        (known, required)
    }

    /// The subject and text of a mail that carries a code, with the pool's own words if it has any.
    pub(super) fn code_mail(&self) -> (String, String) {
        let template = self
            .settings
            .get("VerificationMessageTemplate")
            .unwrap_or(&Value::Null);
        let words = |in_template: &str, alone: &str, otherwise: &str| {
            let own = template[in_template].as_str();
            let own = own.or_else(|| self.settings.get(alone).and_then(Value::as_str));
            own.unwrap_or(otherwise).to_owned()
        };
        (
            words(
                "EmailSubject",
                "EmailVerificationSubject",
                "Your verification code",
            ),
            words(
                "EmailMessage",
                "EmailVerificationMessage",
                "Your confirmation code is {####}",
            ),
        )
    }

    pub(super) fn describe(&self, state: &State) -> Value {
        let mut pool = self.settings.clone();
        pool.insert("Id".into(), json!(self.id));
        pool.insert("Name".into(), json!(self.name));
        pool.insert(
            "Arn".into(),
            json!(state.arn("cognito-idp", &format!("userpool/{}", self.id))),
        );
        pool.insert(
            "Policies".into(),
            json!({ "PasswordPolicy": self.policy() }),
        );
        pool.entry("MfaConfiguration").or_insert(json!("OFF"));
        pool.entry("AdminCreateUserConfig").or_insert(
            json!({ "AllowAdminCreateUserOnly": false, "UnusedAccountValidityDays": 7 }),
        );
        pool.insert("CreationDate".into(), date(self.created_ms));
        pool.insert("LastModifiedDate".into(), date(self.modified_ms));
        Value::Object(pool)
    }
}

/// The issuer of a pool's tokens; the same for as long as the server keeps its address.
pub(super) fn issuer(state: &State, pool: &str) -> String {
    format!("{}/{pool}", state.url)
}

pub(super) const ALPHANUMERIC: &[u8] =
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// Random letters from an alphabet, from the system's secure source by way of `rand`'s generator.
pub(super) fn letters(alphabet: &[u8], count: usize) -> String {
    let mut random = rand::rng();
    (0..count)
        .map(|_| char::from(alphabet[random.random_range(0..alphabet.len())]))
        .collect()
}
