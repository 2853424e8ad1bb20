//! The one error type of this crate. Its variants are what a caller can do differently.

use http::StatusCode;

/// What came of a feature, or of what it asked the world for.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why something was not done, by what follows from it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The user's fault: say so, with this HTTP status, and do not try again as it is.
    #[error("{detail}")]
    Refused {
        /// The status that an HTTP caller gets.
        status: StatusCode,
        /// One sentence that the user reads; nothing internal.
        detail: String,
    },
    /// Nobody's to mend by waiting: never try again.
    #[error("{0}")]
    Gone(String),
    /// A fault that may pass: try again later.
    #[error("{0}")]
    Again(String),
}

impl Error {
    /// The user's fault, with the HTTP status that says so.
    pub fn refused(status: StatusCode, detail: impl Into<String>) -> Self {
        Self::Refused {
            status,
            detail: detail.into(),
        }
    }

    /// 400: the request cannot be understood.
    pub fn bad_request(detail: impl Into<String>) -> Self {
        Self::refused(StatusCode::BAD_REQUEST, detail)
    }

    /// 404: there is no such thing for this caller.
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::refused(StatusCode::NOT_FOUND, detail)
    }

    /// 409: not in the state that the thing is in.
    pub fn conflict(detail: impl Into<String>) -> Self {
        Self::refused(StatusCode::CONFLICT, detail)
    }

    /// 422: understood, but not acceptable; for a video, the reason it failed.
    pub fn unprocessable(detail: impl Into<String>) -> Self {
        Self::refused(StatusCode::UNPROCESSABLE_ENTITY, detail)
    }
}
