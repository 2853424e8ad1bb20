//! Which feature answers a request: the routes of a table, matched by method and path.

use http::Method;
use percent_encoding::percent_decode_str;

use crate::{Context, Feature, Route};

/// The parameters of a path, decoded, as a typed extension of the request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PathParams(Vec<(&'static str, String)>);

impl PathParams {
    /// All of them, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.0.iter().map(|(name, value)| (*name, value.as_str()))
    }

    /// The parameter of this name; empty if the route has none such.
    #[must_use]
    pub fn get(&self, name: &str) -> &str {
        self.0
            .iter()
            .find(|(n, _)| *n == name)
            .map_or("", |(_, value)| value)
    }
}

/// How the parameters of a path are written in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PathEncoding {
    /// Percent-encoded, as a client sent them.
    Percent,
    /// As they are: somebody on the way has decoded them.
    Decoded,
}

/// What was found for a request in the table.
pub enum RouteMatch<C: Context> {
    /// This feature answers it.
    Found(&'static Feature<C>, &'static Route<C>, PathParams),
    /// The path is known, but not with this method; these are allowed.
    MethodNotAllowed(Vec<Method>),
    /// Nobody knows the path.
    NotFound,
}

/// Finds who answers `method path` among `features`. A slash at the path's end does not matter,
/// and HEAD is answered by whoever answers GET.
pub fn find_route<C: Context>(
    features: impl Iterator<Item = &'static Feature<C>>,
    method: &Method,
    path: &str,
    encoding: PathEncoding,
) -> RouteMatch<C> {
    let method = if method == Method::HEAD {
        &Method::GET
    } else {
        method
    };
    let mut allowed = Vec::new();
    for feature in features {
        let Some(route) = feature.route() else {
            continue;
        };
        let Some(params) = match_path(route.path, path, encoding) else {
            continue;
        };
        if route.method == *method {
            return RouteMatch::Found(feature, route, params);
        }
        allowed.push(route.method.clone());
    }
    if allowed.is_empty() {
        RouteMatch::NotFound
    } else {
        RouteMatch::MethodNotAllowed(allowed)
    }
}

fn match_path(pattern: &'static str, path: &str, encoding: PathEncoding) -> Option<PathParams> {
    let mut params = PathParams::default();
    let mut segments = path.trim_matches('/').split('/');
    for expected in pattern.trim_matches('/').split('/') {
        let segment = segments.next()?;
        match expected
            .strip_prefix('{')
            .and_then(|name| name.strip_suffix('}'))
        {
            Some(name) => {
                let value = match encoding {
                    PathEncoding::Percent => percent_decode_str(segment).decode_utf8().ok()?,
                    PathEncoding::Decoded => segment.into(),
                };
                if value.is_empty() {
                    return None;
                }
                params.0.push((name, value.into_owned()));
            }
            None if expected == segment => {}
            None => return None,
        }
    }
    segments.next().is_none().then_some(params)
}

/// A path without its first segments, if they are these.
#[cfg(feature = "invoke")]
pub(crate) fn without_prefix<'a>(path: &'a str, prefix: &str) -> &'a str {
    let prefix = prefix.trim_matches('/');
    let rest = path
        .strip_prefix('/')
        .and_then(|path| path.strip_prefix(prefix));
    match rest {
        Some(rest) if !prefix.is_empty() && (rest.is_empty() || rest.starts_with('/')) => rest,
        _ => path,
    }
}

#[cfg(test)]
mod tests {
    use super::PathEncoding::{Decoded, Percent};
    use super::*;

    #[test]
    fn paths_match_by_segment() {
        let params = match_path(
            "/orders/{user_id}/{order_id}",
            "/orders/me/caf%C3%A9",
            Percent,
        );
        let params = params.expect("a match");
        assert_eq!(
            (params.get("user_id"), params.get("order_id")),
            ("me", "café")
        );
        assert!(match_path("/upload", "/upload/", Percent).is_some());
        for path in [
            "/orders",
            "/orders/",
            "/orders/a/b/c",
            "/orders//b",
            "/order/a/b",
            "/orders/a/%ff",
        ] {
            assert!(
                match_path("/orders/{user_id}/{order_id}", path, Percent).is_none(),
                "{path}"
            );
        }
    }

    #[test]
    fn what_is_decoded_is_not_decoded_again() {
        for (encoding, expected) in [(Percent, "v1"), (Decoded, "%761")] {
            let params = match_path("/orders/{id}", "/orders/%761", encoding).expect("a match");
            assert_eq!(params.get("id"), expected);
        }
    }
}
