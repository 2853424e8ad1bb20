//! The one error type of handlers and of what runs them. Its variants are what a caller can do
//! differently, so that nobody has to look at a text to decide.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use http::StatusCode;

use crate::problem;

/// What came of a handler, or of what it asked the world for.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why something was not done, by what follows from it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The caller's fault: say so, with this HTTP status, and do not try again as it is.
    #[error("{detail}")]
    Rejected {
        /// The status that an HTTP caller gets.
        status: StatusCode,
        /// What kind of fault it is, in a word that programs go by; documented for callers.
        kind: &'static str,
        /// One sentence that the caller reads; nothing internal.
        detail: String,
        /// The field of the body, the form or the query that is at fault, where it is one.
        field: Option<String>,
    },
    /// It can never be done, whoever asks and however long one waits: do not try again.
    #[error(transparent)]
    Permanent(Cause),
    /// A fault that may pass: try again later.
    #[error(transparent)]
    Transient(Cause),
    /// A fault of the operator's side, which neither the caller nor what was asked for has caused: a
    /// missing permission, a wrong setting, a machine without what the work needs. Raise an alarm, and
    /// let the work wait until it is mended.
    #[error(transparent)]
    Operational(Cause),
}

impl Error {
    /// The caller's fault, with the HTTP status that says so; its kind is the status's own.
    pub fn rejected(status: StatusCode, detail: impl Into<String>) -> Self {
        Self::Rejected {
            status,
            kind: problem::kind_of(status),
            detail: detail.into(),
            field: None,
        }
    }

    /// The same rejection, of a kind that tells it from others with its status.
    #[must_use]
    pub fn of_kind(self, finer: &'static str) -> Self {
        match self {
            Self::Rejected {
                status,
                detail,
                field,
                ..
            } => Self::Rejected {
                status,
                kind: finer,
                detail,
                field,
            },
            other => other,
        }
    }

    /// 400: a field of the body, the form or the query is not as it must be; `detail` names it.
    pub fn bad_field(name: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::Rejected {
            status: StatusCode::BAD_REQUEST,
            kind: problem::INVALID_FIELD,
            detail: detail.into(),
            field: Some(name.into()),
        }
    }

    /// 400: the request cannot be understood.
    pub fn bad_request(detail: impl Into<String>) -> Self {
        Self::rejected(StatusCode::BAD_REQUEST, detail)
    }

    /// 404: there is no such thing for this caller.
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::rejected(StatusCode::NOT_FOUND, detail)
    }

    /// 409: not in the state that the thing is in.
    pub fn conflict(detail: impl Into<String>) -> Self {
        Self::rejected(StatusCode::CONFLICT, detail)
    }

    /// 422: understood, but not acceptable.
    pub fn unprocessable(detail: impl Into<String>) -> Self {
        Self::rejected(StatusCode::UNPROCESSABLE_ENTITY, detail)
    }

    /// No retry can help.
    pub fn permanent(message: impl Into<String>) -> Self {
        Self::Permanent(Cause::new(message))
    }

    /// A later retry may help.
    pub fn transient(message: impl Into<String>) -> Self {
        Self::Transient(Cause::new(message))
    }

    /// An operator has to mend something; until then the work waits.
    pub fn operational(message: impl Into<String>) -> Self {
        Self::Operational(Cause::new(message))
    }

    /// The same error, with what it came from as its [`source`](StdError::source). A rejection
    /// keeps none: all of it is shown to the caller.
    #[must_use]
    pub fn with_source(self, source: impl StdError + Send + Sync + 'static) -> Self {
        match self {
            Self::Rejected { .. } => self,
            Self::Permanent(cause) => Self::Permanent(cause.with_source(source)),
            Self::Transient(cause) => Self::Transient(cause.with_source(source)),
            Self::Operational(cause) => Self::Operational(cause.with_source(source)),
        }
    }

    /// The message and those of all sources, as one line for a log: `message: source: source`.
    #[must_use]
    pub fn chain(&self) -> String {
        let mut line = self.to_string();
        let mut source = self.source();
        while let Some(error) = source {
            line = format!("{line}: {error}");
            source = error.source();
        }
        line
    }
}

/// An error that says nothing of what may be done about it: it may pass.
impl From<Box<dyn StdError + Send + Sync>> for Error {
    fn from(error: Box<dyn StdError + Send + Sync>) -> Self {
        Self::transient(error.to_string())
    }
}

/// What happened, in words for an operator, and the error that it came from if there is one. Two
/// causes are equal when their words are.
#[derive(Debug, Clone)]
pub struct Cause {
    message: String,
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

impl Cause {
    /// A cause in words alone.
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            source: None,
        }
    }

    /// The same words, with the error that they are about.
    #[must_use]
    pub fn with_source(self, source: impl StdError + Send + Sync + 'static) -> Self {
        Self {
            source: Some(Arc::new(source)),
            ..self
        }
    }

    /// The words.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl StdError for Cause {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source
            .as_deref()
            .map(|source| source as &(dyn StdError + 'static))
    }
}

impl PartialEq for Cause {
    fn eq(&self, other: &Self) -> bool {
        self.message == other.message
    }
}

impl Eq for Cause {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_tells_of_its_sources_in_one_line() {
        let source = std::io::Error::other("connection reset");
        let error = Error::transient("sqs ReceiveMessage").with_source(source);
        assert_eq!(error.to_string(), "sqs ReceiveMessage");
        assert_eq!(error.chain(), "sqs ReceiveMessage: connection reset");
        let rejected = Error::bad_request("no").with_source(std::io::Error::other("secret"));
        assert_eq!(rejected.chain(), "no");
    }
}
