//! Trouble on purpose: errors, throttling, delays and cut connections, by service and operation,
//! so that a test can show what its system does when AWS misbehaves.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::StatusCode;
use rand::Rng;
use serde::{Deserialize, Serialize};

use crate::error::ServiceError;

/// One rule. Over HTTP it is the JSON body of `POST /_local/faults`, for instance
/// `{"service":"sqs","operation":"SendMessage","kind":"throttle","count":2}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// The service: `s3`, `sqs`, `sns`, `dynamodb`, `cognito-idp`, `ses`, `sts`; all when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
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
    /// Milliseconds of waiting before anything else happens.
    #[serde(default)]
    pub delay_ms: u64,
    /// The share of matching requests that are hit, from 0 to 1.
    #[serde(default = "always")]
    pub probability: f64,
    /// How many requests are hit before the rule is spent; without end when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u32>,
}

/// What a fault does to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// Answers an error; the operation does not run.
    Error,
    /// Answers that the caller is too fast; the operation does not run.
    Throttle,
    /// Only waits `delay_ms`.
    Delay,
    /// Closes the connection without an answer; the operation does not run.
    Cut,
    /// Closes the connection without an answer *after* the operation has run: the caller
    /// cannot know, and must be able to do it again.
    CutAfter,
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
        }
    }

    /// Only this operation of this service.
    #[must_use]
    pub fn on(mut self, service: &str, operation: &str) -> Self {
        self.service = Some(service.to_owned());
        self.operation = Some(operation.to_owned());
        self
    }

    /// Only so many times.
    #[must_use]
    pub fn times(mut self, count: u32) -> Self {
        self.count = Some(count);
        self
    }

    fn matches(&self, service: &str, operation: &str) -> bool {
        self.service.as_deref().is_none_or(|s| s == service)
            && self.operation.as_deref().is_none_or(|o| o == operation)
            && self.count != Some(0)
    }

    fn as_error(&self) -> ServiceError {
        if self.kind == FaultKind::Throttle {
            return ServiceError::bad_request("ThrottlingException", "Rate exceeded");
        }
        let status = self.status.and_then(|s| StatusCode::from_u16(s).ok());
        let code = self
            .code
            .clone()
            .unwrap_or_else(|| "InternalFailure".to_owned());
        ServiceError::new(
            status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            code,
            "An error asked for through the fault layer.",
        )
    }
}

/// The rules in force. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct Faults {
    rules: Arc<Mutex<Vec<Fault>>>,
}

/// What is to be done with a request that may go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Verdict {
    /// Runs and answers.
    #[default]
    Run,
    /// Runs, but the connection is cut instead of answering.
    RunThenCut,
    /// Does not run; the connection is cut.
    Cut,
}

impl Faults {
    /// Adds a rule; the oldest that matches a request decides.
    pub fn add(&self, fault: Fault) {
        self.lock().push(fault);
    }

    /// Removes all rules.
    pub fn clear(&self) {
        self.lock().clear();
    }

    /// The rules that still have something to do.
    #[must_use]
    pub fn list(&self) -> Vec<Fault> {
        self.lock()
            .iter()
            .filter(|f| f.count != Some(0))
            .cloned()
            .collect()
    }

    /// Applies the rules to one request: waits, fails or tells how to go on.
    pub(crate) async fn apply(
        &self,
        service: &str,
        operation: &str,
    ) -> Result<Verdict, ServiceError> {
        let Some(fault) = self.take(service, operation) else {
            return Ok(Verdict::Run);
        };
        tokio::time::sleep(Duration::from_millis(fault.delay_ms)).await;
        match fault.kind {
            FaultKind::Error | FaultKind::Throttle => Err(fault.as_error()),
            FaultKind::Delay => Ok(Verdict::Run),
            FaultKind::Cut => Ok(Verdict::Cut),
            FaultKind::CutAfter => Ok(Verdict::RunThenCut),
        }
    }

    fn take(&self, service: &str, operation: &str) -> Option<Fault> {
        let mut rules = self.lock();
        let fault = rules.iter_mut().find(|f| f.matches(service, operation))?;
        if !rand::rng().random_bool(fault.probability.clamp(0.0, 1.0)) {
            return None;
        }
        if let Some(count) = &mut fault.count {
            *count -= 1;
        }
        Some(fault.clone())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Fault>> {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_rule_hits_its_operation_as_often_as_it_says() {
        let faults = Faults::default();
        faults.add(
            Fault::new(FaultKind::Throttle)
                .on("sqs", "SendMessage")
                .times(1),
        );
        assert_eq!(
            faults.apply("sqs", "ReceiveMessage").await.ok(),
            Some(Verdict::Run)
        );
        let hit = faults
            .apply("sqs", "SendMessage")
            .await
            .expect_err("throttled");
        assert_eq!(hit.code, "ThrottlingException");
        assert_eq!(
            faults.apply("sqs", "SendMessage").await.ok(),
            Some(Verdict::Run)
        );
        assert!(faults.list().is_empty());
    }
}
