//! The keys that tokens are signed with: fetched when needed, and not more often than they may
//! be, whatever tokens come in.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use async_trait::async_trait;
use fotograma_core::{Error, Result};
use jsonwebtoken::DecodingKey;
use jsonwebtoken::jwk::{AlgorithmParameters, Jwk, JwkSet, KeyAlgorithm, PublicKeyUse};
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::outbound::Outbound;

/// How long the key set is let alone after it was fetched, whatever unknown keys are named.
const AFTER_SUCCESS: Duration = Duration::from_secs(10);
/// How long it is let alone after it could not be fetched.
const AFTER_FAILURE: Duration = Duration::from_secs(1);
/// How long a key is good without being seen again: one that was withdrawn ends with this.
const FRESH: Duration = Duration::from_hours(1);
/// How long one fetch may take.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Where a key set comes from.
#[async_trait]
pub trait Fetch: Send + Sync {
    /// The key set as it is now.
    ///
    /// # Errors
    /// [`Error::Transient`] when it cannot be had.
    async fn fetch(&self) -> Result<JwkSet>;
}

/// A key set at an HTTP address (RFC 7517).
pub struct KeySet {
    url: String,
    http: Outbound,
}

impl KeySet {
    /// The key set at `url`.
    #[must_use]
    pub fn new(url: String) -> Self {
        let http = Outbound::new(&url, TIMEOUT);
        Self { url, http }
    }

    async fn get(&self) -> Result<JwkSet, String> {
        let body = self.http.get(&self.url).await?;
        serde_json::from_slice(&body).map_err(|error| error.to_string())
    }
}

#[async_trait]
impl Fetch for KeySet {
    async fn fetch(&self) -> Result<JwkSet> {
        self.get()
            .await
            .map_err(|error| Error::transient(format!("the keys at {}: {error}", self.url)))
    }
}

/// The keys as they were fetched last.
#[derive(Default)]
struct CachedKeys {
    keys: HashMap<String, Arc<DecodingKey>>,
    fetched: Option<Instant>,
}

/// The keys by their ids.
pub(super) struct Keys {
    source: Box<dyn Fetch>,
    cache: RwLock<CachedKeys>,
    /// When the next fetch is allowed; locked while one is under way, so that there is one.
    next: Mutex<Option<Instant>>,
}

impl Keys {
    pub(super) fn new(source: Box<dyn Fetch>) -> Self {
        Self {
            source,
            cache: RwLock::default(),
            next: Mutex::default(),
        }
    }

    /// The key with this id; `None` when the key set has no such key.
    ///
    /// # Errors
    /// When the key is not known and the key set cannot be had.
    pub(super) async fn get(&self, kid: &str) -> Result<Option<Arc<DecodingKey>>> {
        if let Some(key) = self.fresh(kid) {
            return Ok(Some(key));
        }
        let mut next = self.next.lock().await;
        // Somebody else may have fetched it while this waited.
        if let Some(key) = self.fresh(kid) {
            return Ok(Some(key));
        }
        let mut outcome = Ok(());
        if next.is_none_or(|next| Instant::now() >= next) {
            outcome = self.fetch().await;
            let pause = if outcome.is_ok() {
                AFTER_SUCCESS
            } else {
                AFTER_FAILURE
            };
            *next = Some(Instant::now() + pause);
        }
        // An outage of the key set does not lock out those who were let in before it.
        if let Some(key) = self.known(kid) {
            return Ok(Some(key));
        }
        outcome?;
        if self.read(|cached| cached.fetched.is_none()) {
            return Err(Error::transient(
                "the keys could not be fetched a moment ago".to_owned(),
            ));
        }
        Ok(None)
    }

    async fn fetch(&self) -> Result<()> {
        let set = self.source.fetch().await?;
        let keys = set.keys.iter().filter_map(usable).collect();
        let fetched_keys = CachedKeys {
            keys,
            fetched: Some(Instant::now()),
        };
        *self.cache.write().unwrap_or_else(PoisonError::into_inner) = fetched_keys;
        Ok(())
    }

    fn fresh(&self, kid: &str) -> Option<Arc<DecodingKey>> {
        self.read(|cached| cached.fetched.is_some_and(|at| at.elapsed() < FRESH))
            .then(|| self.known(kid))?
    }

    fn known(&self, kid: &str) -> Option<Arc<DecodingKey>> {
        self.read(|cached| cached.keys.get(kid).cloned())
    }

    fn read<T>(&self, look: impl FnOnce(&CachedKeys) -> T) -> T {
        look(&self.cache.read().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A key that may sign tokens: RSA, for RS256 and nothing else.
fn usable(jwk: &Jwk) -> Option<(String, Arc<DecodingKey>)> {
    let common = &jwk.common;
    let signs = common
        .public_key_use
        .as_ref()
        .is_none_or(|it| *it == PublicKeyUse::Signature);
    let rs256 = common.key_algorithm == Some(KeyAlgorithm::RS256)
        && matches!(jwk.algorithm, AlgorithmParameters::RSA(_));
    if !signs || !rs256 {
        return None;
    }
    let key = DecodingKey::from_jwk(jwk).ok()?;
    Some((common.key_id.clone()?, Arc::new(key)))
}
