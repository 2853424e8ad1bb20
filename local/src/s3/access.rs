//! Who may call S3, and whether the fault layer has something to say.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use http::{Method, header};
use s3s::access::{S3Access, S3AccessContext};
use s3s::auth::{S3Auth, SecretKey};
use s3s::{S3Error, S3ErrorCode, S3Result, s3_error};

use super::error::{bad_request, not_served};
use super::subresource;
use crate::faults::Verdict;
use crate::sigv4;
use crate::state::State;

/// The longest life of a presigned address.
const WEEK_SECONDS: i64 = 7 * 24 * 3600;

/// The one pair of keys.
pub(super) struct Keys {
    access: String,
    secret: SecretKey,
}

impl Keys {
    pub(super) fn new(state: &State) -> Self {
        Self {
            access: state.config.access_key.clone(),
            secret: SecretKey::from(state.config.secret_key.clone()),
        }
    }
}

#[async_trait]
impl S3Auth for Keys {
    async fn get_secret_key(&self, access_key: &str) -> S3Result<SecretKey> {
        if access_key == self.access {
            return Ok(self.secret.clone());
        }
        let message = "The AWS Access Key Id you provided does not exist in our records.";
        Err(s3_error!(InvalidAccessKeyId, "{message}"))
    }
}

/// What the fault layer decided, carried from the gate to the end of the request.
#[derive(Clone, Default)]
pub(super) struct Sentence(Arc<Mutex<Verdict>>);

impl Sentence {
    pub(super) fn get(&self) -> Verdict {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, verdict: Verdict) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = verdict;
    }
}

/// Asked after the signature is checked and the operation known, before the body is read.
pub(super) struct Gate {
    state: Arc<State>,
}

impl Gate {
    pub(super) fn new(state: &Arc<State>) -> Self {
        Self {
            state: Arc::clone(state),
        }
    }
}

#[async_trait]
impl S3Access for Gate {
    async fn check(&self, context: &mut S3AccessContext<'_>) -> S3Result<()> {
        if context.credentials().is_none() {
            return Err(s3_error!(AccessDenied, "Access Denied"));
        }
        if let Some(owner) = context.headers().get("x-amz-expected-bucket-owner")
            && owner.as_bytes() != self.state.config.account.as_bytes()
        {
            return Err(s3_error!(AccessDenied, "Access Denied"));
        }
        let operation = context.s3_op().name().to_owned();
        subresource::check(&operation, context.uri().query().unwrap_or_default())?;
        let verdict = match self.state.faults.apply("s3", &operation).await {
            Ok(verdict) => verdict,
            Err(fault) => {
                let mut error = S3Error::with_message(
                    S3ErrorCode::Custom(throttle_code(&fault.code).into()),
                    fault.message,
                );
                error.set_status_code(throttle_status(&fault.code, fault.status));
                return Err(error);
            }
        };
        if let Some(sentence) = context.extensions_mut().get::<Sentence>() {
            sentence.set(verdict);
        }
        match verdict {
            Verdict::Run | Verdict::RunThenCut => Ok(()),
            Verdict::Cut => Err(S3Error::new(S3ErrorCode::InternalError)),
        }
    }
}

/// S3 has a word of its own for "too fast".
fn throttle_code(code: &str) -> String {
    if code == "ThrottlingException" {
        "SlowDown".to_owned()
    } else {
        code.to_owned()
    }
}

fn throttle_status(code: &str, status: http::StatusCode) -> http::StatusCode {
    if code == "ThrottlingException" {
        http::StatusCode::SERVICE_UNAVAILABLE
    } else {
        status
    }
}

/// What can be said before the protocol looks at a request.
pub(super) fn before<B>(state: &State, request: &http::Request<B>) -> Result<(), S3Error> {
    let form = request
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|content_type| content_type.as_bytes().starts_with(b"multipart/form-data"));
    if form && request.method() == Method::POST {
        return Err(not_served("POST of a form"));
    }
    let presigned = Presigned::read(request.uri().query().unwrap_or_default());
    presigned.check_life(state)?;
    presigned.check_form()?;
    let header = request.headers().get(header::AUTHORIZATION);
    let header = header.and_then(|value| value.to_str().ok());
    let (signed, exempt) = match header.and_then(sigv4::signed_headers) {
        Some(signed) => (Some(signed), None),
        // Of a presigned request the body's hash is known to the sender alone.
        None => (presigned.headers.as_deref(), Some("x-amz-content-sha256")),
    };
    let unsigned = signed.and_then(|signed| {
        let signed = format!("{signed};{}", exempt.unwrap_or_default());
        sigv4::unsigned_header(request.headers(), &signed)
    });
    match unsigned {
        None => Ok(()),
        Some(_) => Err(s3_error!(
            AccessDenied,
            "There were headers present in the request which were not signed"
        )),
    }
}

/// What a presigned address says of itself.
#[derive(Default)]
struct Presigned {
    date: Option<String>,
    /// Seconds.
    expires: Option<i64>,
    headers: Option<String>,
    signature: Option<String>,
    /// Of the older form (Signature Version 2), which boto3 makes unless told otherwise: the end,
    /// in seconds since the epoch.
    end: Option<i64>,
}

impl Presigned {
    fn read(query: &str) -> Self {
        let mut read = Self::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match name.as_ref() {
                "X-Amz-Date" => read.date = Some(value.into_owned()),
                "X-Amz-Expires" => read.expires = value.parse().ok(),
                "X-Amz-SignedHeaders" => read.headers = Some(value.into_owned()),
                "X-Amz-Signature" => read.signature = Some(value.into_owned()),
                "Expires" => read.end = value.parse().ok(),
                _ => {}
            }
        }
        read
    }

    /// What is no signature, `s3s` takes for a field that is missing.
    fn check_form(&self) -> Result<(), S3Error> {
        let hex = |text: &String| text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit());
        match &self.signature {
            Some(signature) if !hex(signature) => {
                Err(S3Error::new(S3ErrorCode::SignatureDoesNotMatch))
            }
            _ => Ok(()),
        }
    }

    /// `s3s` judges by the system's time; this does so by ours, which may be ahead.
    fn check_life(&self, state: &State) -> Result<(), S3Error> {
        if self
            .end
            .is_some_and(|end| state.clock.now_ms() / 1000 > end)
        {
            return Err(s3_error!(AccessDenied, "Request has expired"));
        }
        let (Some(date), Some(expires)) = (&self.date, self.expires) else {
            return Ok(());
        };
        if expires > WEEK_SECONDS {
            return Err(bad_request(
                "AuthorizationQueryParametersError",
                "X-Amz-Expires must be less than a week (in seconds) that is 604800",
            ));
        }
        let Ok(date) = chrono::NaiveDateTime::parse_from_str(date, "%Y%m%dT%H%M%SZ") else {
            return Ok(());
        };
        let until = date.and_utc().timestamp_millis() + expires.saturating_mul(1000);
        if state.clock.now_ms() > until {
            return Err(s3_error!(AccessDenied, "Request has expired"));
        }
        Ok(())
    }
}
