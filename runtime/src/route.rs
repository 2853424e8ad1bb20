//! Which feature answers a request: the routes of a table, matched by method and path.

use http::Method;
use percent_encoding::percent_decode_str;

use crate::{Context, Feature, Route};

/// The parameters of a path, decoded, as a typed extension of the request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Params(Vec<(&'static str, String)>);

impl Params {
    /// The parameter of this name; empty if the route has none such.
    #[must_use]
    pub fn get(&self, name: &str) -> &str {
        self.0
            .iter()
            .find(|(n, _)| *n == name)
            .map_or("", |(_, value)| value)
    }
}

/// What was found for a request.
pub enum Routed<C: Context> {
    /// This feature answers it.
    Found(&'static Feature<C>, &'static Route<C>, Params),
    /// The path is known, but not with this method; these are allowed.
    Method(Vec<Method>),
    /// Nobody knows the path.
    Nobody,
}

/// Finds who answers `method path` among `features`. A slash at the path's end does not matter,
/// and HEAD is answered by whoever answers GET.
pub fn route<C: Context>(
    features: impl Iterator<Item = &'static Feature<C>>,
    method: &Method,
    path: &str,
) -> Routed<C> {
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
        let Some(params) = match_path(route.path, path) else {
            continue;
        };
        if route.method == *method {
            return Routed::Found(feature, route, params);
        }
        allowed.push(route.method.clone());
    }
    if allowed.is_empty() {
        Routed::Nobody
    } else {
        Routed::Method(allowed)
    }
}

fn match_path(pattern: &'static str, path: &str) -> Option<Params> {
    let mut params = Params::default();
    let mut segments = path.trim_matches('/').split('/');
    for expected in pattern.trim_matches('/').split('/') {
        let segment = segments.next()?;
        match expected
            .strip_prefix('{')
            .and_then(|name| name.strip_suffix('}'))
        {
            Some(name) => {
                let value = percent_decode_str(segment).decode_utf8().ok()?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_match_by_segment() {
        let params = match_path("/orders/{user_id}/{order_id}", "/orders/me/caf%C3%A9");
        let params = params.expect("a match");
        assert_eq!(
            (params.get("user_id"), params.get("order_id")),
            ("me", "café")
        );
        assert!(match_path("/upload", "/upload/").is_some());
        for path in [
            "/orders",
            "/orders/",
            "/orders/a/b/c",
            "/orders//b",
            "/order/a/b",
            "/orders/a/%ff",
        ] {
            assert!(
                match_path("/orders/{user_id}/{order_id}", path).is_none(),
                "{path}"
            );
        }
    }
}
