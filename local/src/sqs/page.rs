//! Paging of lists: at most `MaxResults` items, and a token that goes on after the last one.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};

use super::error;
use crate::error::ServiceError;

/// The page of the sorted `names` after the token, and the token of the next page. Without
/// `max_results` AWS returns up to 1,000 and no token.
pub(super) fn cut(
    names: Vec<String>,
    max_results: Option<i64>,
    token: Option<&str>,
) -> Result<(Vec<String>, Option<String>), ServiceError> {
    let most = match max_results {
        None => 1_000,
        Some(most @ 1..=1_000) => usize::try_from(most).unwrap_or(1_000),
        Some(most) => {
            return Err(error::invalid_value(
                "MaxResults",
                most,
                "Must be between 1 and 1000.",
            ));
        }
    };
    let after = token.map(last_name).transpose()?;
    let mut names: Vec<_> = names
        .into_iter()
        .filter(|name| after.as_ref().is_none_or(|after| name > after))
        .collect();
    let more = names.len() > most;
    names.truncate(most);
    let next = names.last().filter(|_| more && max_results.is_some());
    let next = next.map(|name| BASE64_URL_SAFE_NO_PAD.encode(name));
    Ok((names, next))
}

fn last_name(token: &str) -> Result<String, ServiceError> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(token).ok();
    bytes
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .ok_or_else(|| error::invalid_value("NextToken", token, "Invalid or expired next token."))
}
