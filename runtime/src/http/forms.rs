//! A form with a file: the file is streamed into the object store as it comes, and the handler
//! gets a claim check, a JSON body that names the object (RFC 7578 `multipart/form-data`).

use std::error::Error as StdError;

use aws_lambda_events::encodings::Body;
use bytes::Bytes;
use futures::stream::{self, Stream};
use futures::{StreamExt, TryStreamExt};
use http::{HeaderValue, StatusCode, header};
use http_body_util::BodyExt;
use multer::{Constraints, Field, Multipart, SizeLimit};

use super::request::{BODY_TIME, too_slow};
use crate::{Caller, Context, Error, FormClaim, Host, Request, Result, require_caller};

/// The longest field that is no file, in bytes.
const MAX_FIELD: u64 = 64 * 1024;
/// The most fields beside the file.
const MAX_FIELDS: usize = 32;

/// Takes the form's file into the object that `key` names, and gives the request whose body is
/// the claim check.
///
/// # Errors
/// 415 for what is no form, 400 for a form that breaks off, has no file or several.
pub(crate) async fn receive_form<C: Context, B>(
    host: &Host<C>,
    key: fn(&C, &Caller) -> String,
    request: http::Request<B>,
) -> Result<Request>
where
    B: BodyExt<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn StdError + Send + Sync>>,
{
    let boundary = boundary(&request)?;
    let key = key(&host.context, require_caller(&request)?);
    let (mut parts, body) = request.into_parts();
    let limits = SizeLimit::new().whole_stream(u64::MAX).per_field(u64::MAX);
    let constraints = Constraints::new().size_limit(limits);
    let form = Multipart::with_constraints(pieces(body), boundary, constraints);

    let mut claim = FormClaim {
        key,
        filename: None,
        content_type: None,
        fields: std::collections::BTreeMap::new(),
    };
    let mut stored = false;
    if let Err(error) = read_fields(host, form, &mut claim, &mut stored).await {
        if stored {
            host.files.remove(&claim.key).await?;
        }
        return Err(error);
    }
    let body = serde_json::to_string(&claim)
        .map_err(|error| Error::permanent("a form's claim check is no JSON").with_source(error))?;
    parts.headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    Ok(Request::from_parts(parts, Body::Text(body)))
}

/// A client has sent nothing for too long.
#[derive(Debug, thiserror::Error)]
#[error("nothing came for too long")]
struct Idle;

/// The body as it comes; it ends with an error when nothing comes any more.
fn pieces<B>(body: B) -> impl Stream<Item = Result<Bytes, Box<dyn StdError + Send + Sync>>> + Send
where
    B: BodyExt<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn StdError + Send + Sync>>,
{
    stream::unfold(Box::pin(body.into_data_stream()), |mut body| async {
        match tokio::time::timeout(BODY_TIME, body.next()).await {
            Ok(piece) => Some((piece?.map_err(Into::into), body)),
            Err(_) => Some((Err(Idle.into()), body)),
        }
    })
}

fn boundary<B>(request: &http::Request<B>) -> Result<String> {
    request
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| multer::parse_boundary(value).ok())
        .ok_or_else(|| {
            let detail = "send the file as multipart/form-data, in a field named file";
            Error::rejected(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail)
        })
}

async fn read_fields<C: Context>(
    host: &Host<C>,
    mut form: Multipart<'_>,
    claim: &mut FormClaim,
    stored: &mut bool,
) -> Result<()> {
    while let Some(field) = form.next_field().await.map_err(broken)? {
        if field.file_name().is_some() || field.name() == Some("file") {
            if *stored {
                return Err(Error::bad_request("send one file at a time"));
            }
            store(host, field, claim).await?;
            *stored = true;
        } else {
            keep(field, claim).await?;
        }
    }
    if *stored {
        Ok(())
    } else {
        Err(Error::bad_request("the form has no field named file"))
    }
}

async fn store<C: Context>(host: &Host<C>, field: Field<'_>, claim: &mut FormClaim) -> Result<()> {
    claim.filename = field.file_name().map(str::to_owned);
    claim.content_type = field.content_type().map(ToString::to_string);
    let content_type = claim.content_type.clone();
    let file = field.map_err(broken).boxed();
    host.files
        .store(&claim.key, content_type.as_deref(), file)
        .await?;
    Ok(())
}

async fn keep(mut field: Field<'_>, claim: &mut FormClaim) -> Result<()> {
    let name = field.name().unwrap_or_default().to_owned();
    let mut value = Vec::new();
    while let Some(chunk) = field.chunk().await.map_err(broken)? {
        value.extend_from_slice(&chunk);
        if value.len() as u64 > MAX_FIELD || claim.fields.len() >= MAX_FIELDS {
            return Err(Error::bad_request("the form has too much beside its file"));
        }
    }
    let value = String::from_utf8(value)
        .map_err(|_| Error::bad_request(format!("the field {name:?} is not UTF-8")))?;
    claim.fields.insert(name, value);
    Ok(())
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn broken(error: multer::Error) -> Error {
    if let multer::Error::StreamReadFailed(why) = &error
        && why.is::<Idle>()
    {
        return too_slow();
    }
    tracing::debug!(%error, "a form could not be read");
    Error::bad_request("the form broke off or is malformed")
}
