//! Trouble on purpose: errors, throttling, delays, silence and lost answers, by service and
//! operation, so that a test can show what its system does when AWS misbehaves.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::StatusCode;
use rand::Rng;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::activity::Requests;
use crate::clock::Clock;
use crate::error::ServiceError;
use crate::service::ServiceName;

/// One rule. Over HTTP it is the JSON body of `POST /_local/faults`, for instance
/// `{"service":"sqs","operation":"SendMessage","kind":"throttle","count":2}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// The service; all when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<ServiceName>,
    /// The operation, as AWS names it (`PutObject`); all when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    /// What happens.
    pub kind: FaultKind,
    /// The error's code, for [`FaultKind::Error`]; `InternalFailure` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The error's HTTP status, for [`FaultKind::Error`]; 500 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Milliseconds of waiting before anything else happens, or, for [`FaultKind::DelayAfter`],
    /// before the answer.
    #[serde(default)]
    pub delay_ms: u64,
    /// The share of matching requests that are hit, from 0 to 1.
    #[serde(default = "always")]
    pub probability: f64,
    /// How many requests are hit before the rule is spent; without end when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u32>,
    /// For how many milliseconds of the local AWS's clock the rule is in force, from when it is
    /// added; without end when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lasts_ms: Option<u64>,
}

/// What a fault does to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// Answers an error; the operation does not run.
    Error,
    /// Answers that the caller has no permission, as the service words it; the operation does not
    /// run.
    AccessDenied,
    /// Answers that the caller is too fast, as the service words it; the operation does not run.
    Throttle,
    /// Only waits `delay_ms` before the operation runs.
    Delay,
    /// Never answers, and closes the connection when the rule ends; the operation does not run.
    Hang,
    /// Closes the connection without an answer; the operation does not run.
    Cut,
    /// Closes the connection without an answer *after* the operation has run: the caller
    /// cannot know, and must be able to do it again.
    CutAfter,
    /// Answers `delay_ms` *after* the operation has run.
    DelayAfter,
    /// The operation goes on although its client has gone away, as SQS may do: what a long poll
    /// then receives is hidden, and nobody has it. Otherwise it ends with its client.
    IgnoreDisconnect,
}

fn always() -> f64 {
    1.0
}

impl Fault {
    /// A fault of a kind that hits every request, until it is narrowed.
    #[must_use]
    pub fn new(kind: FaultKind) -> Self {
        Self {
            service: None,
            operation: None,
            kind,
            code: None,
            status: None,
            delay_ms: 0,
            probability: 1.0,
            count: None,
            lasts_ms: None,
        }
    }

    /// Only this service.
    #[must_use]
    pub fn on_service(mut self, service: ServiceName) -> Self {
        self.service = Some(service);
        self
    }

    /// Only this operation of this service.
    #[must_use]
    pub fn on(mut self, service: ServiceName, operation: &str) -> Self {
        self.operation = Some(operation.to_owned());
        self.on_service(service)
    }

    /// Only so many times.
    #[must_use]
    pub fn times(mut self, count: u32) -> Self {
        self.count = Some(count);
        self
    }

    /// Only for this long, by the local AWS's clock.
    #[must_use]
    pub fn lasting(mut self, span: Duration) -> Self {
        self.lasts_ms = u64::try_from(span.as_millis()).ok();
        self
    }

    fn matches(&self, service: ServiceName, operation: &str) -> bool {
        self.service.is_none_or(|s| s == service)
            && self.operation.as_deref().is_none_or(|o| o == operation)
    }

    fn as_error(&self) -> ServiceError {
        let status = self.status.and_then(|s| StatusCode::from_u16(s).ok());
        let code = self.code.clone();
        ServiceError::new(
            status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            code.unwrap_or_else(|| "InternalFailure".to_owned()),
            "An error asked for through the fault layer.",
        )
    }
}

/// The connection is to be closed without an answer.
#[derive(Debug)]
pub(crate) struct Cut;

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the fault layer cuts this connection")
    }
}

impl std::error::Error for Cut {}

/// What is still to be done with a request that was let through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Effect {
    #[default]
    None,
    /// It does not run; the connection is cut.
    Cut,
    /// It runs; the connection is cut instead of answering.
    CutAfter,
    /// It runs; the answer comes so much later.
    DelayAfter(Duration),
    /// It runs to its end, whether or not its client is there.
    IgnoreDisconnect,
}

impl Effect {
    /// What follows when the operation has run.
    pub(crate) async fn after(self) -> Result<(), Cut> {
        match self {
            Self::None | Self::IgnoreDisconnect => Ok(()),
            Self::Cut | Self::CutAfter => Err(Cut),
            Self::DelayAfter(delay) => {
                tokio::time::sleep(delay).await;
                Ok(())
            }
        }
    }
}

/// The rules in force. Clones share them.
#[derive(Debug, Clone)]
pub struct Faults {
    rules: Arc<Mutex<Vec<Rule>>>,
    clock: Clock,
    requests: Requests,
    cleared: watch::Sender<()>,
}

/// A fault, and when it ends by the clock.
#[derive(Debug, Clone)]
struct Rule {
    fault: Fault,
    ends_ms: i64,
}

impl Faults {
    pub(crate) fn new(clock: &Clock, requests: &Requests) -> Self {
        Self {
            rules: Arc::default(),
            clock: clock.clone(),
            requests: requests.clone(),
            cleared: watch::Sender::new(()),
        }
    }

    /// Adds a rule; the oldest that matches a request decides.
    pub fn add(&self, fault: Fault) {
        let lasts_ms = fault.lasts_ms.and_then(|ms| i64::try_from(ms).ok());
        let ends_ms = lasts_ms.map_or(i64::MAX / 4, |ms| self.clock.now_ms().saturating_add(ms));
        self.lock().push(Rule { fault, ends_ms });
    }

    /// Removes all rules; what hangs by one of them is cut.
    pub fn clear(&self) {
        self.lock().clear();
        self.cleared.send_replace(());
    }

    /// The rules that still have something to do.
    #[must_use]
    pub fn list(&self) -> Vec<Fault> {
        let mut rules = self.lock();
        self.drop_spent(&mut rules);
        rules.iter().map(|rule| rule.fault.clone()).collect()
    }

    /// Applies the rules to one request: waits, fails, or tells what is to be done yet.
    pub(crate) async fn apply(
        &self,
        service: ServiceName,
        operation: &str,
    ) -> Result<Effect, ServiceError> {
        let mut cleared = self.cleared.subscribe();
        let Some(Rule { fault, ends_ms }) = self.take(service, operation) else {
            return Ok(Effect::None);
        };
        let delay = Duration::from_millis(fault.delay_ms);
        if fault.kind == FaultKind::DelayAfter {
            return Ok(Effect::DelayAfter(delay));
        }
        tokio::time::sleep(delay).await;
        match fault.kind {
            FaultKind::Error => Err(fault.as_error()),
            FaultKind::AccessDenied => Err(service.access_denied()),
            FaultKind::Throttle => Err(service.throttled()),
            FaultKind::Delay | FaultKind::DelayAfter => Ok(Effect::None),
            FaultKind::Hang => {
                let wait = async {
                    tokio::select! {
                        () = self.clock.sleep_until(ends_ms) => {}
                        _ = cleared.changed() => {}
                    }
                };
                self.requests.hanging(wait).await;
                Ok(Effect::Cut)
            }
            FaultKind::Cut => Ok(Effect::Cut),
            FaultKind::CutAfter => Ok(Effect::CutAfter),
            FaultKind::IgnoreDisconnect => Ok(Effect::IgnoreDisconnect),
        }
    }

    fn take(&self, service: ServiceName, operation: &str) -> Option<Rule> {
        let mut rules = self.lock();
        self.drop_spent(&mut rules);
        let rule = rules
            .iter_mut()
            .find(|rule| rule.fault.matches(service, operation))?;
        if !rand::rng().random_bool(rule.fault.probability.clamp(0.0, 1.0)) {
            return None;
        }
        if let Some(count) = &mut rule.fault.count {
            *count -= 1;
        }
        Some(rule.clone())
    }

    fn drop_spent(&self, rules: &mut Vec<Rule>) {
        let now_ms = self.clock.now_ms();
        rules.retain(|rule| rule.fault.count != Some(0) && rule.ends_ms > now_ms);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Rule>> {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_rule_hits_its_operation_as_often_as_it_says() {
        let faults = Faults::new(&Clock::default(), &Requests::default());
        let send = "SendMessage";
        faults.add(
            Fault::new(FaultKind::Throttle)
                .on(ServiceName::Sqs, send)
                .times(1),
        );
        let other = faults.apply(ServiceName::Sqs, "ReceiveMessage").await;
        assert_eq!(other.ok(), Some(Effect::None));
        let hit = faults.apply(ServiceName::Sqs, send).await;
        assert_eq!(hit.expect_err("throttled").code, "ThrottlingException");
        let spent = faults.apply(ServiceName::Sqs, send).await;
        assert_eq!(spent.ok(), Some(Effect::None));
        assert!(faults.list().is_empty());
    }

    #[tokio::test]
    async fn a_span_ends_by_the_clock_and_lets_go_of_what_hangs() {
        let clock = Clock::default();
        let faults = Faults::new(&clock, &Requests::default());
        let hour = Duration::from_hours(1);
        faults.add(Fault::new(FaultKind::Hang).lasting(hour));
        let hanging = tokio::spawn({
            let faults = faults.clone();
            async move { faults.apply(ServiceName::S3, "GetObject").await }
        });
        tokio::task::yield_now().await;
        assert!(!hanging.is_finished() && faults.list().len() == 1);
        clock.advance(hour);
        let let_go = tokio::time::timeout(Duration::from_secs(5), hanging).await;
        let let_go = let_go.expect("in time").expect("no panic");
        assert_eq!(let_go.ok(), Some(Effect::Cut));
        assert!(faults.list().is_empty());
    }
}
