//! A form with a file: the file is streamed into the object store as it comes, and the handler
//! gets a claim check, a JSON body that names the object (RFC 7578 `multipart/form-data`).

use std::error::Error as StdError;

use aws_lambda_events::encodings::Body;
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};
use http::{HeaderValue, StatusCode, header};
use http_body_util::BodyExt;
use multer::{Constraints, Field, Multipart, SizeLimit};

use super::form_stream::{BetweenFiles, FormCutOff, slices};
use super::request::too_slow;
use crate::{Caller, Context, Error, FormClaim, Host, Request, Result, require_caller};

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
    // Files may be long; what is no file is limited by the stream.
    let limits = SizeLimit::new().whole_stream(u64::MAX).per_field(u64::MAX);
    let constraints = Constraints::new().size_limit(limits);
    let between = BetweenFiles::default();
    let body = slices(body, host.form_limits, between.clone());
    let form = Multipart::with_constraints(body, boundary, constraints);

    let mut claim = FormClaim {
        key,
        filename: None,
        content_type: None,
        fields: std::collections::BTreeMap::new(),
    };
    let mut stored = false;
    if let Err(error) = read_fields(host, form, &between, &mut claim, &mut stored).await {
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
    between: &BetweenFiles,
    claim: &mut FormClaim,
    stored: &mut bool,
) -> Result<()> {
    while let Some(field) = form.next_field().await.map_err(broken)? {
        if field.file_name().is_some() || field.name() == Some("file") {
            if *stored {
                return Err(Error::bad_request("send one file at a time"));
            }
            between.file_begins();
            store(host, field, claim).await?;
            between.file_ends();
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
    }
    if claim.fields.len() >= MAX_FIELDS {
        return Err(too_much_beside_file());
    }
    let value = String::from_utf8(value)
        .map_err(|_| Error::bad_request(format!("the field {name:?} is not UTF-8")))?;
    claim.fields.insert(name, value);
    Ok(())
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn broken(error: multer::Error) -> Error {
    if let multer::Error::StreamReadFailed(why) = &error
        && let Some(cut_off) = why.downcast_ref()
    {
        return match cut_off {
            FormCutOff::TooSlow => too_slow(),
            FormCutOff::TooMuchBesideFile => too_much_beside_file(),
        };
    }
    tracing::debug!(%error, "a form could not be read");
    Error::bad_request("the form broke off or is malformed")
}

fn too_much_beside_file() -> Error {
    Error::bad_request("the form has too much beside its file")
}

#[cfg(all(test, feature = "server"))]
mod tests;
