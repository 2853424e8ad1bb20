//! The keys that tokens are signed with: fetched when needed, and not more often than they may
//! be, whatever tokens come in.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use async_trait::async_trait;
use fotograma_core::{Error, Result};
use futures::FutureExt;
use futures::future::{BoxFuture, Shared};
use jsonwebtoken::DecodingKey;
use jsonwebtoken::jwk::{AlgorithmParameters, Jwk, JwkSet, KeyAlgorithm, PublicKeyUse};
use tokio::time::{Instant, timeout_at};

use crate::outbound::Outbound;

/// How long the key set is let alone after it was fetched, whatever unknown keys are named.
const AFTER_SUCCESS: Duration = Duration::from_secs(10);
/// How long it is let alone after it could not be fetched.
const AFTER_FAILURE: Duration = Duration::from_secs(1);
/// How long a key is good without being seen again: one that was withdrawn ends with this.
const FRESH: Duration = Duration::from_hours(1);
/// How long a fetch is waited for by those whose key is known from before.
const PATIENCE: Duration = Duration::from_millis(500);
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

/// A fetch, under way or over, that all who need it wait for together.
#[derive(Clone)]
struct Refresh {
    begun: Instant,
    outcome: Shared<BoxFuture<'static, RefreshOutcome>>,
}

/// What came of a fetch, and when the next is allowed.
#[derive(Clone)]
struct RefreshOutcome {
    fetched: Result<()>,
    next: Instant,
}

/// The keys by their ids.
pub(super) struct Keys {
    source: Arc<dyn Fetch>,
    cache: Arc<RwLock<CachedKeys>>,
    last: Mutex<Option<Refresh>>,
}

impl Keys {
    pub(super) fn new(source: Box<dyn Fetch>) -> Self {
        Self {
            source: source.into(),
            cache: Arc::default(),
            last: Mutex::default(),
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
        let refresh = self.refresh();
        if self.known(kid).is_some() {
            // An outage of the key set does not lock out those who were let in before it, nor does
            // one that hangs; else it tells within a moment whether the key was withdrawn.
            let _ = timeout_at(refresh.begun + PATIENCE, refresh.outcome).await;
            return Ok(self.known(kid));
        }
        refresh.outcome.await.fetched?;
        Ok(self.known(kid))
    }

    /// The fetch that is under way, or was over only just now, or else a new one. It goes on whether or
    /// not somebody waits for it.
    fn refresh(&self) -> Refresh {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(refresh) = &*last
            && refresh
                .outcome
                .peek()
                .is_none_or(|outcome| Instant::now() < outcome.next)
        {
            return refresh.clone();
        }
        let fetch = fetch(Arc::clone(&self.source), Arc::clone(&self.cache));
        let outcome = async {
            let fetched = fetch.await;
            let pause = if fetched.is_ok() {
                AFTER_SUCCESS
            } else {
                AFTER_FAILURE
            };
            RefreshOutcome {
                fetched,
                next: Instant::now() + pause,
            }
        };
        let outcome = outcome.boxed().shared();
        tokio::spawn(outcome.clone());
        let refresh = Refresh {
            begun: Instant::now(),
            outcome,
        };
        *last = Some(refresh.clone());
        refresh
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

async fn fetch(source: Arc<dyn Fetch>, cache: Arc<RwLock<CachedKeys>>) -> Result<()> {
    let set = source.fetch().await?;
    let fetched_keys = CachedKeys {
        keys: set.keys.iter().filter_map(usable).collect(),
        fetched: Some(Instant::now()),
    };
    *cache.write().unwrap_or_else(PoisonError::into_inner) = fetched_keys;
    Ok(())
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
