//! A pool's app client: which ways of signing in they allow, how long their tokens live, and
//! the secret that a confidential client proves.

use base64::{Engine, prelude::BASE64_STANDARD};
use hmac::{Hmac, Mac};
use rusqlite::{Connection, OptionalExtension, Row};
use serde_json::{Map, Value, json};
use sha2::Sha256;

use super::{date, error, only, refuse};
use crate::error::ServiceError;

/// A client's row.
pub(super) struct Client {
    pub(super) id: String,
    pub(super) pool: String,
    pub(super) name: String,
    pub(super) secret: Option<String>,
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
        let settings: String = row.get(4)?;
        Ok(Self {
            id: row.get(0)?,
            pool: row.get(1)?,
            name: row.get(2)?,
            secret: row.get(3)?,
            // Holds only what this module wrote.
            settings: serde_json::from_str(&settings).unwrap_or_default(),
            created_ms: row.get(5)?,
            modified_ms: row.get(6)?,
        })
    }

    pub(super) fn get(conn: &Connection, id: &str) -> Result<Self, ServiceError> {
        let client = conn
            .prepare_cached(
                "SELECT id, pool, name, secret, settings, created_ms, modified_ms
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

    /// Whether a caller may learn that a user does not exist.
    pub(super) fn tells_existence(&self) -> bool {
        self.settings
            .get("PreventUserExistenceErrors")
            .is_none_or(|value| value != "ENABLED")
    }

    /// Checks `SECRET_HASH`, the proof of the client's secret: the HMAC-SHA-256 under the secret of
    /// the user's name and the client's id, in base64.
    pub(super) fn check_secret_hash(
        &self,
        username: &str,
        hash: Option<&str>,
    ) -> Result<(), ServiceError> {
        let Some(secret) = &self.secret else {
            return match hash {
                None => Ok(()),
                Some(_) => Err(error::not_authorized(format!(
                    "Client {} is not configured for secret but secret was received",
                    self.id
                ))),
            };
        };
        let given = hash
            .and_then(|hash| BASE64_STANDARD.decode(hash).ok())
            .unwrap_or_default();
        let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes());
        let fits = mac.is_ok_and(|mac| {
            mac.chain_update(username)
                .chain_update(&self.id)
                .verify_slice(&given)
                .is_ok()
        });
        if fits {
            return Ok(());
        }
        let message = match hash {
            None => format!(
                "Client {} is configured with secret but SECRET_HASH was not received",
                self.id
            ),
            Some(_) => format!("Unable to verify secret hash for client {}", self.id),
        };
        Err(error::not_authorized(message))
    }

    pub(super) fn has_secret(&self, secret: Option<&str>) -> bool {
        self.secret.as_deref() == secret
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
        if let Some(secret) = &self.secret {
            client.insert("ClientSecret".into(), json!(secret));
        }
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

/// Refuses settings that are not served, and lives of tokens beyond their limits.
pub(super) fn check(settings: &Map<String, Value>) -> Result<(), ServiceError> {
    refuse(
        settings,
        &["RefreshTokenRotation", "AnalyticsConfiguration"],
    )?;
    only(settings, "ExplicitAuthFlows", &FLOWS)?;
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
