//! Every route with every kind of token: who is let in, and what the others hear.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use bytes::Bytes;
use fotograma::tokens::{Fetch, Verifier};
use fotograma_core::features::TABLE;
use fotograma_core::story::{self, Given, Recorder};
use fotograma_core::{App, Result};
use futures::stream::BoxStream;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use lambda_anywhere::conformance::Case;
use lambda_anywhere::{Access, Feature, FileStore, Host, invoke};
use rsa::RsaPrivateKey;
use rsa::pkcs1::EncodeRsaPrivateKey;
use rsa::traits::PublicKeyParts;
use serde_json::{Value, json};

const ISSUER: &str = "https://idp/pool";
const CLIENT: &str = "client";
const OWNER: &str = "0190a6a0-7c1e-7000-8000-000000000001";
const STRANGER: &str = "0190a6a0-7c1e-7000-8000-000000000099";
const VIDEO: &str = "0190a6a0-7c1e-7000-8000-0000000000a1";

/// The pool's key, and one that is not.
struct Keys {
    pool: RsaPrivateKey,
    other: RsaPrivateKey,
}

struct Published(Value);

#[async_trait]
impl Fetch for Published {
    async fn fetch(&self) -> Result<JwkSet> {
        Ok(serde_json::from_value(self.0.clone()).expect("a key set"))
    }
}

struct NoFiles;

#[async_trait]
impl FileStore for NoFiles {
    async fn store(
        &self,
        _: &str,
        _: Option<&str>,
        _: BoxStream<'_, Result<Bytes>>,
    ) -> Result<u64> {
        panic!("a file was taken")
    }

    async fn remove(&self, _: &str) -> Result<()> {
        Ok(())
    }
}

impl Keys {
    fn new() -> Self {
        let key = || RsaPrivateKey::new(&mut rsa::rand_core::OsRng, 2_048).expect("a key");
        Self {
            pool: key(),
            other: key(),
        }
    }

    fn verifier(&self) -> Verifier {
        let n = BASE64.encode(self.pool.n().to_bytes_be());
        let e = BASE64.encode(self.pool.e().to_bytes_be());
        let key =
            json!({ "kid": "k1", "kty": "RSA", "use": "sig", "alg": "RS256", "n": n, "e": e });
        let published = Published(json!({ "keys": [key] }));
        Verifier::with(&[ISSUER.to_owned()], CLIENT, Box::new(published))
    }

    /// Every kind of token that is no good, with the kind of problem that its bearer hears.
    fn bad_tokens(&self) -> Vec<(&'static str, Option<String>, &'static str)> {
        let good = claims(OWNER);
        let with = |name: &str, value: Value| {
            let mut claims = good.clone();
            claims[name] = value;
            claims
        };
        let payload = BASE64.encode(good.to_string());
        let head = |alg: &str| BASE64.encode(json!({ "alg": alg, "kid": "k1" }).to_string());
        let mut hs256 = Header::new(Algorithm::HS256);
        hs256.kid = Some("k1".to_owned());
        let secret = EncodingKey::from_secret(&self.pool.n().to_bytes_be());
        let hs256 = jsonwebtoken::encode(&hs256, &good, &secret).expect("a token");
        let expired = with("exp", json!(now() - 60));
        vec![
            ("none", None, "token-missing"),
            ("malformed", Some("a.b.c".to_owned()), "token-invalid"),
            (
                "expired",
                Some(sign(&expired, "k1", &self.pool)),
                "token-expired",
            ),
            (
                "of another pool",
                Some(sign(
                    &with("iss", json!("https://idp/other")),
                    "k1",
                    &self.pool,
                )),
                "token-invalid",
            ),
            (
                "for another client",
                Some(sign(&with("client_id", json!("another")), "k1", &self.pool)),
                "token-invalid",
            ),
            (
                "of another use",
                Some(sign(&with("token_use", json!("refresh")), "k1", &self.pool)),
                "token-invalid",
            ),
            (
                "without algorithm",
                Some(format!("{}.{payload}.", head("none"))),
                "token-invalid",
            ),
            ("HS256 by the public key", Some(hs256), "token-invalid"),
            (
                "of an unknown key",
                Some(sign(&good, "k2", &self.pool)),
                "token-invalid",
            ),
            (
                "signed by another key",
                Some(sign(&good, "k1", &self.other)),
                "token-invalid",
            ),
        ]
    }
}

fn now() -> i64 {
    chrono::Utc::now().timestamp()
}

fn claims(user: &str) -> Value {
    json!({
        "iss": ISSUER, "sub": user, "token_use": "access", "client_id": CLIENT,
        "username": "ana", "exp": now() + 600,
    })
}

fn sign(claims: &Value, kid: &str, key: &RsaPrivateKey) -> String {
    let mut header = Header::new(Algorithm::RS256);
    header.kid = Some(kid.to_owned());
    let der = key.to_pkcs1_der().expect("der");
    let key = EncodingKey::from_rsa_der(der.as_bytes());
    jsonwebtoken::encode(&header, claims, &key).expect("a token")
}

/// What is about an upload that is under way.
const OF_OPEN_UPLOADS: [&str; 3] = ["upload-sign-parts", "upload-list-parts", "upload-abandon"];

/// A video that its owner could do anything with that this feature offers.
fn world(feature: &str) -> Arc<Recorder> {
    if OF_OPEN_UPLOADS.contains(&feature) {
        let given = json!({
            "videos": [{
                "video_id": VIDEO, "user_id": OWNER, "filename": "holiday.mp4", "size": 20_971_520,
                "status": "awaiting_upload",
                "parts": { "upload_id": "upload-1", "part_size": 8_388_608 },
            }],
            "parts": { format!("uploads/{OWNER}/{VIDEO}"): { "1": 8_388_608 } },
        });
        let given: Given = serde_json::from_value(given).expect("a world");
        return Arc::new(Recorder::new(given));
    }
    let given = json!({
        "videos": [{
            "video_id": VIDEO, "user_id": OWNER, "email": "ana@example.com", "filename": "holiday.mp4",
            "size": 1_048_576, "status": "done", "etag": "\"etag\"", "frames": 12,
        }],
        "objects": { format!("uploads/{OWNER}/{VIDEO}"): 1_048_576 },
    });
    let given: Given = serde_json::from_value(given).expect("a world");
    Arc::new(Recorder::new(given))
}

/// What each route takes: a sample event whose story is one of success, sent by nobody special if there is one.
fn bodies() -> BTreeMap<&'static str, Value> {
    let events = Path::new(env!("CARGO_MANIFEST_DIR")).join("../events");
    let mut bodies: BTreeMap<_, Value> = BTreeMap::new();
    let is_special = |event: &Value| {
        let claims = &event["requestContext"]["authorizer"]["jwt"]["claims"];
        !claims["cognito:groups"].is_null()
    };
    for case in Case::read_all(&events, TABLE) {
        let story = std::fs::read_to_string(case.path.with_extension("story")).expect("a story");
        if !story.contains("reply 2") {
            continue;
        }
        let known = bodies.get(case.feature.name);
        if known.is_none_or(|known| is_special(known) && !is_special(&case.event)) {
            bodies.insert(case.feature.name, case.event);
        }
    }
    bodies
}

/// What a request to a route is answered: the status, the kind of problem, and the document.
async fn ask(
    verifier: &Arc<Verifier>,
    feature: &Feature<App>,
    sample: Option<&Value>,
    path: &str,
    token: Option<&str>,
) -> (u64, String, Value) {
    let route = feature.route().expect("a route");
    let mut headers = json!({ "host": "api.example.com" });
    let mut event = json!({
        "version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": "",
        "requestContext": {
            "accountId": "1", "apiId": "a", "domainName": "d", "domainPrefix": "d", "requestId": "r",
            "routeKey": "$default", "stage": "$default", "time": "01/Jan/2026:12:00:00 +0000",
            "timeEpoch": 1_767_268_800_000_u64,
            "http": {
                "method": route.method.as_str(), "path": path, "protocol": "HTTP/1.1",
                "sourceIp": "203.0.113.7", "userAgent": "test",
            },
        },
    });
    if let Some(sample) = sample {
        event["body"] = sample["body"].clone();
        event["isBase64Encoded"] = sample["isBase64Encoded"].clone();
        headers["content-type"] = sample["headers"]["content-type"].clone();
        if headers["content-type"].is_null() {
            headers["content-type"] = "application/json".into();
        }
    }
    if let Some(token) = token {
        headers["authorization"] = format!("Bearer {token}").into();
    }
    event["headers"] = headers;
    let host = Host::new(story::app(&world(feature.name)), TABLE)
        .with_authenticator(verifier.clone())
        .with_file_store(Arc::new(NoFiles));
    let reply = invoke::invoke(&host, feature.name, event)
        .await
        .expect("a reply");
    let body = reply["body"].as_str().unwrap_or_default();
    let mut body: Value = serde_json::from_str(body).unwrap_or_default();
    let kind = body["type"].as_str().and_then(|kind| kind.rsplit_once('#'));
    let kind = kind.map_or_else(String::new, |(_, kind)| kind.to_owned());
    if let Some(problem) = body.as_object_mut() {
        problem.remove("request_id");
    }
    (reply["statusCode"].as_u64().expect("a status"), kind, body)
}

fn filled(path: &str, user: &str, video: &str) -> String {
    path.replace("{user_id}", user).replace("{video_id}", video)
}

#[tokio::test]
async fn every_route_with_every_kind_of_token() {
    let keys = Keys::new();
    let verifier = Arc::new(keys.verifier());
    let bodies = bodies();
    let (mut cells, mut wrong) = (0, Vec::new());
    let mut expect = |what: String, seen: (u64, &str), expected: (u64, &str)| {
        cells += 1;
        if seen != expected {
            wrong.push(format!("{what}: {seen:?}, and not {expected:?}"));
        }
    };
    for feature in TABLE.iter().filter(|feature| feature.route().is_some()) {
        let route = feature.route().expect("a route");
        let sample = bodies.get(feature.name);
        let own = filled(route.path, OWNER, VIDEO);
        let name = |what: &str| format!("{} {own}, token {what}", route.method);
        for (what, token, kind) in keys.bad_tokens() {
            let (status, seen, _) = ask(&verifier, feature, sample, &own, token.as_deref()).await;
            if route.access == Access::Public {
                // Nobody looks at it.
                expect(name(what), (status / 100, seen.as_str()), (2, ""));
            } else {
                expect(name(what), (status, &seen), (401, kind));
            }
        }
        let stranger = sign(&claims(STRANGER), "k1", &keys.pool);
        let mine = sign(&claims(OWNER), "k1", &keys.pool);
        if let Access::Group(_) = route.access {
            let (status, seen, _) = ask(&verifier, feature, sample, &own, Some(&mine)).await;
            expect(
                name("of somebody who is no operator"),
                (status, &seen),
                (403, "forbidden"),
            );
            continue;
        }
        if route.path.contains('{') {
            let (status, seen, theirs) =
                ask(&verifier, feature, sample, &own, Some(&stranger)).await;
            expect(name("of another user"), (status, &seen), (404, "not-found"));
            let nothing = filled(route.path, "me", "0190a6a0-7c1e-7000-8000-00000000dead");
            let (status, seen, none) =
                ask(&verifier, feature, sample, &nothing, Some(&stranger)).await;
            if route.path.contains("{video_id}") {
                expect(
                    format!("{} {nothing}", route.method),
                    (status, &seen),
                    (404, "not-found"),
                );
                let same = u64::from(theirs == none);
                expect(
                    format!("{own}: not theirs and not there read the same"),
                    (same, ""),
                    (1, ""),
                );
            }
        }
        if route.form.is_none() {
            let (status, seen, body) = ask(&verifier, feature, sample, &own, Some(&mine)).await;
            let fine = status < 400;
            expect(
                format!("{} ({body})", name("of its owner")),
                (u64::from(fine), &seen),
                (1, ""),
            );
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {cells}:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert!(cells > 150, "{cells} cells");
}
