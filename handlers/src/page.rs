//! The page: the files of `web/`, and where the services are.

use anyhow::Result;
use axum::Router;
use axum::response::IntoResponse;
use axum::routing::get;
use http::{HeaderName, header};
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// What a browser may load: the page's own files, and it may talk to the services and to S3.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
    connect-src *; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The page.
pub struct Page {
    config: Value,
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
        let config = json!({
            "auth": url("auth-service")?,
            "uploader": url("video-uploader")?,
            "status": url("status-service")?,
            "mailbox": format!("{aws}/_local/mailbox"),
            "demo": { "username": demo.0, "password": demo.1 },
        });
        Ok(Self { config })
    }
}

/// The routes of the page.
pub fn router(page: Page) -> Router {
    let mut router = Router::new().route(
        "/config.json",
        get(move || async move { axum::Json(page.config) }),
    );
    for (path, content_type, content) in FILES {
        router = router.route(
            path,
            get(move || async move { file(content_type, content) }),
        );
    }
    router
}

fn file(content_type: &'static str, content: &'static str) -> impl IntoResponse {
    let headers = [
        (header::CONTENT_TYPE, content_type),
        (header::CACHE_CONTROL, "no-cache"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (HeaderName::from_static("referrer-policy"), "no-referrer"),
    ];
    (headers, content)
}

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const JS: &str = "text/javascript; charset=utf-8";

/// Path, type and content of each file.
static FILES: &[(&str, &str, &str)] = &[
    ("/", HTML, include_str!("../../web/index.html")),
    ("/style.css", CSS, include_str!("../../web/style.css")),
    ("/js/api.js", JS, include_str!("../../web/js/api.js")),
    ("/js/app.js", JS, include_str!("../../web/js/app.js")),
    ("/js/dom.js", JS, include_str!("../../web/js/dom.js")),
    ("/js/format.js", JS, include_str!("../../web/js/format.js")),
    ("/js/upload.js", JS, include_str!("../../web/js/upload.js")),
    ("/js/videos.js", JS, include_str!("../../web/js/videos.js")),
];
