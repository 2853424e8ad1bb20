//! How often a route may be used: a row names the kind of its limit, a setting says how often that is.
//!
//! What is counted is kept in memory, by each process for itself: behind several of them a client may
//! do so many times as much, and one that is started anew has forgotten all. Functions do not count:
//! each environment would for itself, and a gateway has limits of its own.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use http::{HeaderValue, StatusCode, header};
use tokio::time::Instant;

use crate::client::{self, Client};
use crate::problem::problem;
use crate::{Caller, PeerAddress, RateLimit, Request, Response, Route};

/// Behind one address there may be a whole office: it may do so many times as much as one user.
const USERS_OF_AN_ADDRESS: u32 = 10;
/// How many users, or addresses, of a kind are counted at once: some megabytes. Nobody is counted
/// beyond, until others have been quiet for long enough.
const MAX_COUNTED: usize = 100_000;
/// How much of a subject tells it from others, in letters.
const MAX_SUBJECT: usize = 100;

/// So many requests in so long; as many may come at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// How many.
    pub requests: NonZeroU32,
    /// In how long.
    pub per: Duration,
}

/// The limits of a server's routes, by the kinds that its rows name.
pub struct RateLimits {
    kinds: BTreeMap<String, Kind>,
    proxies: usize,
}

struct Kind {
    of_users: Limiter<String>,
    of_clients: Limiter<Client>,
}

impl RateLimits {
    /// Limits of these kinds; routes of other kinds have none. `proxies` is how many proxies stand
    /// between clients and this server, and say for whom they ask (`X-Forwarded-For`).
    #[must_use]
    pub fn new(rates: impl IntoIterator<Item = (String, Rate)>, proxies: usize) -> Self {
        let kinds = rates.into_iter().map(|(name, rate)| {
            let of_address = Rate {
                requests: rate
                    .requests
                    .saturating_mul(NonZeroU32::MIN.saturating_add(USERS_OF_AN_ADDRESS - 1)),
                ..rate
            };
            let kind = Kind {
                of_users: Limiter::new(rate),
                of_clients: Limiter::new(of_address),
            };
            (name, kind)
        });
        Self {
            kinds: kinds.collect(),
            proxies,
        }
    }

    /// Counts a request before its body is read, by where it comes from and by who sends it.
    pub(crate) fn count_head<B>(
        &self,
        limit: &RateLimit,
        request: &http::Request<B>,
    ) -> Result<(), TooMany> {
        let Some(kind) = self.kinds.get(limit.kind) else {
            return Ok(());
        };
        if let Some(PeerAddress(peer)) = request.extensions().get() {
            let client = self.client(peer.ip(), request.headers());
            kind.of_clients.count(&client)?;
        }
        if let Some(caller) = request.extensions().get::<Caller>() {
            kind.of_users.count(&caller.user_id)?;
        }
        Ok(())
    }

    /// Counts a request by whom it is about.
    pub(crate) fn count_subject(
        &self,
        limit: &RateLimit,
        request: &Request,
    ) -> Result<(), TooMany> {
        let subject = limit.subject.and_then(|subject| subject(request));
        match (self.kinds.get(limit.kind), subject) {
            (Some(kind), Some(subject)) => {
                // Whatever is sent, little of it is kept.
                let subject: String = subject.chars().take(MAX_SUBJECT).collect();
                kind.of_users.count(&subject)
            }
            _ => Ok(()),
        }
    }

    fn client(&self, peer: IpAddr, headers: &http::HeaderMap) -> Client {
        client::of_request(peer, headers, self.proxies)
    }
}

/// There were too many requests of a kind.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TooMany {
    /// How long until one more is let in.
    wait: Duration,
}

impl TooMany {
    /// 429, with when to try again (RFC 6585, section 4).
    pub(crate) fn answer(self, limit: &RateLimit, request_id: &str) -> Response {
        metrics::counter!("http.server.requests.limited", "kind" => limit.kind).increment(1);
        // Rounded up: who comes back then is let in.
        let seconds = self.wait.as_secs() + 1;
        let detail = format!("there were too many of these; try again in {seconds} s");
        let mut answer = problem(StatusCode::TOO_MANY_REQUESTS, &detail, request_id);
        let headers = answer.headers_mut();
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        answer
    }
}

/// The generic cell rate algorithm, by the key of whoever is counted:
/// <https://en.wikipedia.org/wiki/Generic_cell_rate_algorithm>. Each request takes `interval` of the time
/// that has passed, and up to `burst` may be ahead of it.
struct Limiter<K> {
    interval: Duration,
    burst: Duration,
    /// Until when the requests so far have used up the time. Who is not there has used up none.
    used_until: Mutex<HashMap<K, Instant>>,
}

impl<K: Hash + Eq + Clone> Limiter<K> {
    fn new(rate: Rate) -> Self {
        Self {
            interval: rate.per / rate.requests.get(),
            burst: rate.per,
            used_until: Mutex::default(),
        }
    }

    fn count(&self, key: &K) -> Result<(), TooMany> {
        let now = Instant::now();
        let mut used_until = self
            .used_until
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let used = used_until.get(key).copied();
        if used.is_none() && used_until.len() >= MAX_COUNTED {
            used_until.retain(|_, until| *until > now);
            if used_until.len() >= MAX_COUNTED {
                return Ok(());
            }
        }
        let next = used.unwrap_or(now).max(now) + self.interval;
        let wait = (next - now).saturating_sub(self.burst);
        if !wait.is_zero() {
            return Err(TooMany { wait });
        }
        used_until.insert(key.clone(), next);
        Ok(())
    }
}

/// The kinds of limits that the routes of a table name.
pub fn kinds<C: crate::Context>(
    table: &'static [crate::Feature<C>],
) -> impl Iterator<Item = &'static str> {
    let routes = table.iter().filter_map(|feature| feature.route());
    routes.filter_map(|route: &'static Route<C>| route.rate_limit.map(|limit| limit.kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn as_many_as_the_rate_are_let_in_at_once_and_then_as_time_passes() {
        let limiter = Limiter::new(Rate {
            requests: NonZeroU32::MIN.saturating_add(9),
            per: Duration::from_mins(1),
        });
        let let_in = |key: &str| {
            let tries = (0..100).map(|_| limiter.count(&key.to_owned()));
            tries.flatten().count()
        };
        assert_eq!((let_in("ana"), let_in("bob")), (10, 10));
        tokio::time::advance(Duration::from_secs(5)).await;
        let refused = limiter.count(&"ana".to_owned()).expect_err("too early");
        assert_eq!(refused.wait, Duration::from_secs(1));
        tokio::time::advance(refused.wait).await;
        assert_eq!(let_in("ana"), 1);
        tokio::time::advance(Duration::from_hours(1)).await;
        assert_eq!(let_in("ana"), 10, "no more than the rate");
    }

    #[tokio::test(start_paused = true)]
    async fn those_who_have_been_quiet_are_forgotten() {
        let limiter = Limiter::new(Rate {
            requests: NonZeroU32::MIN,
            per: Duration::from_mins(1),
        });
        let count = |key: usize| limiter.count(&key);
        (0..MAX_COUNTED).for_each(|key| assert!(count(key).is_ok()));
        assert!(count(MAX_COUNTED).is_ok() && count(MAX_COUNTED).is_ok());
        assert!(count(0).is_err(), "who is counted is counted still");
        tokio::time::advance(Duration::from_mins(1)).await;
        assert!(count(MAX_COUNTED).is_ok());
        assert!(count(MAX_COUNTED).is_err());
        let kept = limiter.used_until.lock().expect("the keys").len();
        assert_eq!(kept, 1);
    }
}
