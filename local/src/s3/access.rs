//! Who may call S3, and whether the fault layer has something to say.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use http::header;
use s3s::access::{S3Access, S3AccessContext};
use s3s::auth::{S3Auth, SecretKey};
use s3s::{S3Error, S3ErrorCode, S3Result, s3_error};

use super::error::bad_request;
use super::refuse;
use crate::context::Context;
use crate::faults::Effect;
use crate::service::ServiceName;
use crate::sigv4;

/// The longest life of a presigned address.
const WEEK_SECONDS: i64 = 7 * 24 * 3600;

/// The one pair of keys.
pub(super) struct Keys {
    access: String,
    secret: SecretKey,
}

impl Keys {
    pub(super) fn new(context: &Context) -> Self {
        Self {
            access: context.config.access_key.clone(),
            secret: SecretKey::from(context.config.secret_key.clone()),
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
pub(super) struct DecidedEffect(Arc<Mutex<Effect>>);

impl DecidedEffect {
    pub(super) fn get(&self) -> Effect {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, effect: Effect) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = effect;
    }
}

/// Asked after the signature is checked and the operation known, before the body is read.
pub(super) struct Gate {
    context: Arc<Context>,
}

impl Gate {
    pub(super) fn new(context: &Arc<Context>) -> Self {
        Self {
            context: Arc::clone(context),
        }
    }
}

#[async_trait]
impl S3Access for Gate {
    async fn check(&self, request: &mut S3AccessContext<'_>) -> S3Result<()> {
        if request.credentials().is_none() {
            return Err(s3_error!(AccessDenied, "Access Denied"));
        }
        if let Some(owner) = request.headers().get("x-amz-expected-bucket-owner")
            && owner.as_bytes() != self.context.config.account.as_bytes()
        {
            return Err(s3_error!(AccessDenied, "Access Denied"));
        }
        let operation = request.s3_op().name().to_owned();
        let query = request.uri().query().unwrap_or_default();
        refuse::foreign_sub_resource(&operation, query)?;
        let fault = self.context.faults.apply(ServiceName::S3, &operation).await;
        let effect = fault.map_err(|fault| {
            let code = S3ErrorCode::Custom(fault.code.into_owned().into());
            let mut error = S3Error::with_message(code, fault.message);
            error.set_status_code(fault.status);
            error
        })?;
        if let Some(decided) = request.extensions_mut().get::<DecidedEffect>() {
            decided.set(effect);
        }
        match effect {
            Effect::Cut => Err(S3Error::new(S3ErrorCode::InternalError)),
            _ => Ok(()),
        }
    }
}

/// What can be said before the protocol looks at a request.
pub(super) fn check_head<B>(context: &Context, request: &http::Request<B>) -> Result<(), S3Error> {
    let presigned = Presigned::from_query(request.uri().query().unwrap_or_default());
    presigned.check_life(context)?;
    presigned.check_signature_form()?;
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
    fn from_query(query: &str) -> Self {
        let mut presigned = Self::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match name.as_ref() {
                "X-Amz-Date" => presigned.date = Some(value.into_owned()),
                "X-Amz-Expires" => presigned.expires = value.parse().ok(),
                "X-Amz-SignedHeaders" => presigned.headers = Some(value.into_owned()),
                "X-Amz-Signature" => presigned.signature = Some(value.into_owned()),
                "Expires" => presigned.end = value.parse().ok(),
                _ => {}
            }
        }
        presigned
    }

    /// What is no signature, `s3s` takes for a field that is missing.
    fn check_signature_form(&self) -> Result<(), S3Error> {
        let hex = |text: &String| text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit());
        match &self.signature {
            Some(signature) if !hex(signature) => {
                Err(S3Error::new(S3ErrorCode::SignatureDoesNotMatch))
            }
            _ => Ok(()),
        }
    }

    /// `s3s` judges by the system's time; this does so by ours, which may be ahead.
    fn check_life(&self, context: &Context) -> Result<(), S3Error> {
        if self
            .end
            .is_some_and(|end| context.clock.now_ms() / 1000 > end)
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
        if context.clock.now_ms() > until {
            return Err(s3_error!(AccessDenied, "Request has expired"));
        }
        Ok(())
    }
}
