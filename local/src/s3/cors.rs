//! What a bucket lets pages of other origins do: its rules, answers to preflights, and the headers
//! on answers.
//!
//! Source: "Using cross-origin resource sharing" in the S3 user guide: the first rule that fits
//! the origin, the method and every asked-for header decides.

use http::{HeaderMap, HeaderValue, StatusCode, header};
use s3s::dto::{CORSConfiguration, CORSRule};
use s3s::{S3Error, s3_error};
use serde::{Deserialize, Serialize};

/// The most rules that a bucket can have.
const MAX_RULES: usize = 100;

const METHODS: [&str; 5] = ["GET", "PUT", "HEAD", "POST", "DELETE"];

/// One rule, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Rule {
    id: Option<String>,
    origins: Vec<String>,
    methods: Vec<String>,
    headers: Vec<String>,
    expose: Vec<String>,
    max_age_seconds: Option<i32>,
}

/// Reads a configuration.
pub(super) fn parse_rules(configuration: CORSConfiguration) -> Result<Vec<Rule>, S3Error> {
    if configuration.cors_rules.len() > MAX_RULES {
        return Err(s3_error!(
            InvalidRequest,
            "The number of CORS rules should not exceed allowed limit of {MAX_RULES} rules."
        ));
    }
    configuration
        .cors_rules
        .into_iter()
        .map(parse_rule)
        .collect()
}

fn parse_rule(rule: CORSRule) -> Result<Rule, S3Error> {
    if let Some(method) = rule
        .allowed_methods
        .iter()
        .find(|m| !METHODS.contains(&m.as_str()))
    {
        return Err(s3_error!(
            InvalidRequest,
            "Found unsupported HTTP method in CORS config. Unsupported method is {method}"
        ));
    }
    let stars = |text: &String| text.matches('*').count() > 1;
    if let Some(origin) = rule.allowed_origins.iter().find(|o| stars(o)) {
        return Err(s3_error!(
            InvalidRequest,
            "AllowedOrigin \"{origin}\" can not have more than one wildcard."
        ));
    }
    let headers = rule.allowed_headers.unwrap_or_default();
    if let Some(header) = headers.iter().find(|h| stars(h)) {
        return Err(s3_error!(
            InvalidRequest,
            "AllowedHeader \"{header}\" can not have more than one wildcard."
        ));
    }
    Ok(Rule {
        id: rule.id,
        origins: rule.allowed_origins,
        methods: rule.allowed_methods,
        headers,
        expose: rule.expose_headers.unwrap_or_default(),
        max_age_seconds: rule.max_age_seconds,
    })
}

/// The rules as the API tells them.
pub(super) fn to_dto(rules: Vec<Rule>) -> Vec<CORSRule> {
    let some = |list: Vec<String>| (!list.is_empty()).then_some(list);
    let told = |rule: Rule| CORSRule {
        allowed_headers: some(rule.headers),
        allowed_methods: rule.methods,
        allowed_origins: rule.origins,
        expose_headers: some(rule.expose),
        id: rule.id,
        max_age_seconds: rule.max_age_seconds,
    };
    rules.into_iter().map(told).collect()
}

/// What a browser asks, before a request or with it.
pub(super) struct Question {
    origin: String,
    method: String,
    headers: Vec<String>,
    preflight: bool,
}

impl Question {
    /// `None` when the request has no origin: no browser asks.
    pub(super) fn from_request<B>(request: &http::Request<B>) -> Option<Self> {
        let text = |name: header::HeaderName| {
            request
                .headers()
                .get(name)
                .and_then(|v| v.to_str().ok())
                .map(str::to_owned)
        };
        let asked = text(header::ACCESS_CONTROL_REQUEST_METHOD)
            .filter(|_| request.method() == http::Method::OPTIONS);
        let headers = text(header::ACCESS_CONTROL_REQUEST_HEADERS).unwrap_or_default();
        Some(Self {
            origin: text(header::ORIGIN)?,
            preflight: asked.is_some(),
            method: asked.unwrap_or_else(|| request.method().to_string()),
            headers: headers
                .split(',')
                .map(|h| h.trim().to_ascii_lowercase())
                .filter(|h| !h.is_empty())
                .collect(),
        })
    }

    pub(super) fn is_preflight(&self) -> bool {
        self.preflight
    }

    /// The headers of the answer, if a rule allows.
    pub(super) fn answer(&self, rules: &[Rule]) -> Option<HeaderMap> {
        let rule = rules.iter().find(|rule| rule.allows(self))?;
        let any = rule.origins.iter().any(|origin| origin == "*");
        let mut headers = HeaderMap::new();
        let mut put = |name: header::HeaderName, value: &str| {
            if let Ok(value) = HeaderValue::from_str(value) {
                headers.insert(name, value);
            }
        };
        put(
            header::ACCESS_CONTROL_ALLOW_ORIGIN,
            if any { "*" } else { &self.origin },
        );
        if !any {
            put(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, "true");
        }
        put(
            header::ACCESS_CONTROL_ALLOW_METHODS,
            &rule.methods.join(", "),
        );
        if !self.headers.is_empty() {
            put(
                header::ACCESS_CONTROL_ALLOW_HEADERS,
                &self.headers.join(", "),
            );
        }
        if !rule.expose.is_empty() {
            put(
                header::ACCESS_CONTROL_EXPOSE_HEADERS,
                &rule.expose.join(", "),
            );
        }
        if let Some(seconds) = rule.max_age_seconds {
            put(header::ACCESS_CONTROL_MAX_AGE, &seconds.to_string());
        }
        put(
            header::VARY,
            "Origin, Access-Control-Request-Headers, Access-Control-Request-Method",
        );
        Some(headers)
    }
}

impl Rule {
    fn allows(&self, question: &Question) -> bool {
        let fits = |patterns: &[String], text: &str| patterns.iter().any(|p| matches(p, text));
        fits(&self.origins, &question.origin)
            && self.methods.contains(&question.method)
            && question.headers.iter().all(|header| {
                self.headers
                    .iter()
                    .any(|p| matches(&p.to_ascii_lowercase(), header))
            })
    }
}

/// Whether a text fits a pattern with at most one `*`.
fn matches(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((start, end)) => {
            text.len() >= start.len() + end.len() && text.starts_with(start) && text.ends_with(end)
        }
    }
}

/// The answer to a preflight that no rule allows.
pub(super) fn forbidden(configured: bool) -> S3Error {
    let message = if configured {
        "CORSResponse: This CORS request is not allowed. This is usually because the evalution of \
         Origin, request method / Access-Control-Request-Method or Access-Control-Request-Headers \
         are not whitelisted by the resource's CORS spec."
    } else {
        "CORSResponse: CORS is not enabled for this bucket."
    };
    let mut error = s3_error!(AccessDenied, "{message}");
    error.set_code(s3s::S3ErrorCode::Custom("AccessForbidden".into()));
    error.set_status_code(StatusCode::FORBIDDEN);
    error
}
