//! Passwords: what a pool asks of them, how they are kept (Argon2id, never in clear), and random ones.

use argon2::password_hash::rand_core::OsRng;
use argon2::password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};
use rand::Rng;
use serde::{Deserialize, Serialize};

use super::busy;
use crate::error::ServiceError;

/// `PasswordPolicy`. The default is AWS's for pools that do not set one.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[expect(
    clippy::struct_excessive_bools,
    reason = "the members of AWS's own structure"
)]
pub(super) struct Policy {
    #[serde(default = "eight")]
    minimum_length: usize,
    #[serde(default)]
    require_uppercase: bool,
    #[serde(default)]
    require_lowercase: bool,
    #[serde(default)]
    require_numbers: bool,
    #[serde(default)]
    require_symbols: bool,
    #[serde(default = "seven")]
    pub(super) temporary_password_validity_days: i64,
}

const fn eight() -> usize {
    8
}

const fn seven() -> i64 {
    7
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            minimum_length: eight(),
            require_uppercase: true,
            require_lowercase: true,
            require_numbers: true,
            require_symbols: true,
            temporary_password_validity_days: seven(),
        }
    }
}

/// The characters that count as symbols, from the developer guide; a space counts inside.
const SYMBOLS: &str = "^$*.[]{}()?-\"!@#%&/\\,><':;|_~`+= ";

impl Policy {
    /// # Errors
    /// `InvalidPasswordException` with what is missing.
    pub(super) fn check(&self, password: &str) -> Result<(), ServiceError> {
        let has = |wanted: fn(char) -> bool| password.chars().any(wanted);
        let length = password.chars().count();
        let missing = if length < self.minimum_length {
            "Password not long enough"
        } else if length > 256 {
            "Password is too long"
        } else if self.require_lowercase && !has(|c| c.is_ascii_lowercase()) {
            "Password must have lowercase characters"
        } else if self.require_uppercase && !has(|c| c.is_ascii_uppercase()) {
            "Password must have uppercase characters"
        } else if self.require_numbers && !has(|c| c.is_ascii_digit()) {
            "Password must have numeric characters"
        } else if self.require_symbols && !has(|c| SYMBOLS.contains(c)) {
            "Password must have symbol characters"
        } else {
            return Ok(());
        };
        let message = format!("Password did not conform with policy: {missing}");
        Err(ServiceError::bad_request(
            "InvalidPasswordException",
            message,
        ))
    }

    /// A random password that this policy takes.
    pub(super) fn invent(&self) -> String {
        let random = letters(ALPHANUMERIC, self.minimum_length.max(12));
        format!("{random}aA1!")
    }
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

/// OWASP's second choice for Argon2id: 12 MiB, three passes; a sign-in takes tens of milliseconds.
fn argon2() -> Argon2<'static> {
    let params = Params::new(12 * 1024, 3, 1, None).unwrap_or_default();
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

pub(super) async fn hash(password: String) -> Result<String, ServiceError> {
    busy(move || {
        let salt = SaltString::generate(&mut OsRng);
        let hash = argon2().hash_password(password.as_bytes(), &salt);
        hash.map(|hash| hash.to_string()).map_err(|error| {
            tracing::error!(%error, "a password was not hashed");
            ServiceError::internal()
        })
    })
    .await
}

/// Whether the password is the one that was hashed. Without a hash (no such user) it takes as
/// long and says no.
pub(super) async fn fits(password: String, hash: Option<String>) -> Result<bool, ServiceError> {
    busy(move || {
        let Some(hash) = hash else {
            let _ = argon2().hash_password(password.as_bytes(), &SaltString::generate(&mut OsRng));
            return Ok(false);
        };
        let hash = PasswordHash::new(&hash).map_err(|_| ServiceError::internal())?;
        Ok(argon2().verify_password(password.as_bytes(), &hash).is_ok())
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_policy_asks_for_four_kinds() {
        for (password, missing) in [
            ("Ab1!", "not long enough"),
            ("ABCDEFG1!", "lowercase"),
            ("abcdefg1!", "uppercase"),
            ("Abcdefgh!", "numeric"),
            ("Abcdefg12", "symbol"),
        ] {
            let error = Policy::default().check(password).expect_err(password);
            assert!(
                error.message.contains(missing),
                "{password}: {}",
                error.message
            );
        }
        assert!(Policy::default().check("Senha123@").is_ok());
    }

    #[test]
    fn an_invented_password_conforms() {
        let policy = Policy::default();
        assert!(policy.check(&policy.invent()).is_ok());
    }

    #[tokio::test]
    async fn only_the_hash_is_kept() {
        let hash = hash("Senha123@".to_owned()).await.expect("a hash");
        assert!(hash.starts_with("$argon2id$") && !hash.contains("Senha123@"));
        assert!(
            fits("Senha123@".to_owned(), Some(hash.clone()))
                .await
                .expect("checked")
        );
        assert!(
            !fits("senha123@".to_owned(), Some(hash))
                .await
                .expect("checked")
        );
    }
}
