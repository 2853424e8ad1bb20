//! The page: the files that `web/` is built to, and where the services are.

use anyhow::{Context, Result};
use axum::Router;
use axum::response::IntoResponse;
use axum::routing::get;
use http::{HeaderName, HeaderValue, header};
use include_dir::{Dir, include_dir};
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// The page as `npm run build` in `web/` makes it: checked in, so that nothing here needs Node, and held
/// against a fresh build in CI.
static BUILT: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../web/dist");

/// Files under here are named after what is in them.
const NAMED_BY_CONTENT: &str = "assets/";

/// The page.
pub struct Page {
    config: Value,
    policy: HeaderValue,
}

impl Page {
    /// A page for services that listen here, and the embedded AWS at `aws`.
    ///
    /// # Errors
    /// When a listener has no address.
    pub fn new(
        services: &[(&'static str, TcpListener)],
        aws: &str,
        demo: (&str, &str),
    ) -> Result<Self> {
        let url = |name: &str| -> Result<Option<String>> {
            let found = services.iter().find(|(service, _)| *service == name);
            Ok(found
                .map(|(_, l)| l.local_addr())
                .transpose()?
                .map(|at| format!("http://{at}")))
        };
        let (auth, uploader, status) = (
            url("auth-service")?,
            url("video-uploader")?,
            url("status-service")?,
        );
        let callees: Vec<_> = [&auth, &uploader, &status].into_iter().flatten().collect();
        let policy = policy(callees.iter().map(|url| url.as_str()), aws)?;
        let config = json!({
            "auth": auth,
            "uploader": uploader,
            "status": status,
            "mailbox": format!("{aws}/_local/mailbox"),
            "demo": { "username": demo.0, "password": demo.1 },
        });
        Ok(Self { config, policy })
    }
}

/// What a browser may load: the page's own files, and pictures and a video that it holds itself. It may
/// talk to these services and to S3, and to nobody else.
fn policy<'a>(services: impl Iterator<Item = &'a str>, aws: &str) -> Result<HeaderValue> {
    let services: Vec<_> = services.collect();
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob: {aws}; \
         media-src blob: {aws}; connect-src 'self' {} {aws}; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'",
        services.join(" ")
    );
    HeaderValue::from_str(&policy).context("an address that is none")
}

/// The routes of the page.
pub fn router(page: Page) -> Router {
    let Page { config, policy } = page;
    let mut router = Router::new().route(
        "/config.json",
        get(move || async move { ([(header::CACHE_CONTROL, "no-cache")], axum::Json(config)) }),
    );
    for file in built_files(&BUILT) {
        let path = file.path().to_string_lossy();
        let route = match path.as_ref() {
            "index.html" => "/".to_owned(),
            path => format!("/{path}"),
        };
        let headers = headers(&path, policy.clone());
        let content = file.contents();
        router = router.route(
            &route,
            get(move || async move { (headers, content).into_response() }),
        );
    }
    router
}

fn built_files<'a>(dir: &'a Dir<'a>) -> Vec<&'a include_dir::File<'a>> {
    let below = dir.dirs().flat_map(built_files);
    dir.files().chain(below).collect()
}

fn headers(path: &str, policy: HeaderValue) -> [(HeaderName, HeaderValue); 5] {
    let content_type = match path.rsplit_once('.').map(|(_, ending)| ending) {
        Some("html") => "text/html; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("json") => "application/json",
        _ => "application/octet-stream",
    };
    let caching = if path.starts_with(NAMED_BY_CONTENT) {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    let fixed = HeaderValue::from_static;
    [
        (header::CONTENT_TYPE, fixed(content_type)),
        (header::CACHE_CONTROL, fixed(caching)),
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::X_CONTENT_TYPE_OPTIONS, fixed("nosniff")),
        (
            HeaderName::from_static("referrer-policy"),
            fixed("no-referrer"),
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_page_is_whole_and_names_no_other_host() {
        let index = BUILT.get_file("index.html").expect("web/dist/index.html");
        let html = index.contents_utf8().expect("text");
        let named: Vec<_> = html
            .split('"')
            .filter_map(|part| part.strip_prefix("./"))
            .collect();
        assert!(named.len() >= 2, "{html}");
        for path in named {
            assert!(BUILT.get_file(path).is_some(), "{path} is not there");
        }
        assert!(!html.contains("=\"http"), "{html}");
    }

    #[test]
    fn the_policy_names_the_services_and_s3_and_nothing_else() {
        let policy =
            policy(["http://a:1", "http://b:2"].into_iter(), "http://s3:3").expect("a policy");
        let policy = policy.to_str().expect("text");
        assert!(policy.contains("connect-src 'self' http://a:1 http://b:2 http://s3:3;"));
        assert!(
            !policy.contains('*') && !policy.contains("unsafe"),
            "{policy}"
        );
    }
}
