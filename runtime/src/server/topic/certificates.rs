//! The certificates that messages were signed with: fetched once, by one request for each address,
//! and let alone for a while when they cannot be had.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt;
use futures::future::{BoxFuture, Shared};
use tokio::time::Instant;

use super::TopicSubscriptions;
use crate::Result;

/// How long an address is let alone that gave no certificate.
const AFTER_FAILURE: Duration = Duration::from_secs(30);
/// How many are kept. A topic has one at a time, and a new one now and then; the others are made up.
const MOST: usize = 16;

/// Certificates by their addresses.
#[derive(Default)]
pub(super) struct Certificates(Mutex<HashMap<String, Fetch>>);

/// A fetch, under way or over.
#[derive(Clone)]
struct Fetch {
    begun: Instant,
    certificate: Shared<BoxFuture<'static, Result<Bytes>>>,
}

impl Fetch {
    fn has_failed(&self) -> bool {
        matches!(self.certificate.peek(), Some(Err(_)))
    }
}

impl Certificates {
    /// The certificate at this address.
    ///
    /// # Errors
    /// When it cannot be fetched, or could not a moment ago.
    pub(super) async fn get(
        &self,
        subscriptions: &Arc<dyn TopicSubscriptions>,
        url: &str,
    ) -> Result<Bytes> {
        let fetch = self.fetch(subscriptions, url);
        fetch.certificate.await
    }

    fn fetch(&self, subscriptions: &Arc<dyn TopicSubscriptions>, url: &str) -> Fetch {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|_, fetch| !fetch.has_failed() || fetch.begun.elapsed() < AFTER_FAILURE);
        if let Some(fetch) = known.get(url) {
            return fetch.clone();
        }
        if known.len() >= MOST {
            // First those that were no certificates, then those that have been there for longest.
            let oldest = known
                .iter()
                .min_by_key(|(_, fetch)| (!fetch.has_failed(), fetch.begun));
            if let Some(oldest) = oldest.map(|(url, _)| url.clone()) {
                known.remove(&oldest);
            }
        }
        let (subscriptions, address) = (Arc::clone(subscriptions), url.to_owned());
        let certificate = async move { subscriptions.certificate(&address).await };
        let fetch = Fetch {
            begun: Instant::now(),
            certificate: certificate.boxed().shared(),
        };
        known.insert(url.to_owned(), fetch.clone());
        fetch
    }
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;
    use futures::future::join_all;
    use tokio::time::{advance, sleep, timeout};

    use super::*;
    use crate::Error;

    /// Answers by what the address begins with, and counts how often it is asked.
    #[derive(Default)]
    struct Addresses(Mutex<Vec<String>>);

    #[async_trait]
    impl TopicSubscriptions for Addresses {
        async fn topic_arn(&self, _: &str) -> Result<String> {
            unreachable!("certificates have no topic")
        }

        async fn certificate(&self, url: &str) -> Result<Bytes> {
            self.0.lock().expect("the list").push(url.to_owned());
            sleep(Duration::from_secs(1)).await;
            match url.split('/').next() {
                Some("good") => Ok(Bytes::from_static(b"a certificate")),
                Some("hangs") => std::future::pending().await,
                _ => Err(Error::transient("nothing there")),
            }
        }

        async fn confirm(&self, _: &str, _: &str) -> Result<()> {
            unreachable!("certificates confirm nothing")
        }
    }

    fn subscriptions() -> (Arc<Addresses>, Arc<dyn TopicSubscriptions>) {
        let addresses = Arc::new(Addresses::default());
        (addresses.clone(), addresses)
    }

    #[tokio::test(start_paused = true)]
    async fn an_address_that_hangs_keeps_no_other_waiting() {
        let (addresses, subscriptions) = subscriptions();
        let certificates = Certificates::default();
        let hangs = certificates.get(&subscriptions, "hangs");
        let good = async {
            let same = (0..5).map(|_| certificates.get(&subscriptions, "good"));
            timeout(Duration::from_secs(2), join_all(same)).await
        };
        let all = tokio::select! {
            _ = hangs => unreachable!("it hangs"),
            all = good => all.expect("in time"),
        };
        assert!(all.iter().all(Result::is_ok));
        let mut asked = addresses.0.lock().expect("the list").clone();
        asked.sort();
        assert_eq!(asked, ["good", "hangs"], "each once");
    }

    #[tokio::test(start_paused = true)]
    async fn what_failed_is_let_alone_for_a_while() {
        let (addresses, subscriptions) = subscriptions();
        let certificates = Certificates::default();
        let asked = || addresses.0.lock().expect("the list").len();
        for _ in 0..3 {
            assert!(certificates.get(&subscriptions, "bad").await.is_err());
        }
        assert_eq!(asked(), 1);
        advance(AFTER_FAILURE).await;
        assert!(certificates.get(&subscriptions, "bad").await.is_err());
        assert_eq!(asked(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn addresses_that_are_made_up_do_not_push_out_the_good_one() {
        let (addresses, subscriptions) = subscriptions();
        let certificates = Certificates::default();
        for number in 0..3 * MOST {
            let good = certificates.get(&subscriptions, "good").await;
            assert!(good.is_ok());
            let bad = format!("bad/{number}");
            assert!(certificates.get(&subscriptions, &bad).await.is_err());
        }
        let asked = addresses.0.lock().expect("the list").clone();
        assert_eq!(asked.iter().filter(|url| *url == "good").count(), 1);
    }
}
