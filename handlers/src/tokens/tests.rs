use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{EncodingKey, Header};
use rsa::RsaPrivateKey;
use rsa::pkcs1::EncodeRsaPrivateKey;
use rsa::traits::PublicKeyParts;
use serde_json::{Value, json};
use tokio::sync::Mutex;

use super::*;

const ISSUER: &str = "https://idp/pool";
const CLIENT: &str = "client";

static KEY: LazyLock<RsaPrivateKey> = LazyLock::new(new_key);
static OTHER_KEY: LazyLock<RsaPrivateKey> = LazyLock::new(new_key);

fn new_key() -> RsaPrivateKey {
    RsaPrivateKey::new(&mut rsa::rand_core::OsRng, 2_048).expect("a key")
}

fn jwk(kid: &str, key: &RsaPrivateKey, alg: &str) -> Value {
    json!({
        "kid": kid, "kty": "RSA", "use": "sig", "alg": alg,
        "n": BASE64.encode(key.n().to_bytes_be()), "e": BASE64.encode(key.e().to_bytes_be()),
    })
}

/// A key set that can be changed, and that counts how often it is asked; `None` is an outage. While it
/// is locked, it hangs.
#[derive(Clone)]
struct Published(Arc<(Mutex<Option<Value>>, AtomicUsize)>);

impl Published {
    fn new(keys: &Value) -> Self {
        let set = json!({ "keys": keys });
        Self(Arc::new((Mutex::new(Some(set)), AtomicUsize::new(0))))
    }

    async fn set(&self, keys: Option<Value>) {
        *self.0.0.lock().await = keys.map(|keys| json!({ "keys": keys }));
    }

    fn asked(&self) -> usize {
        self.0.1.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl Fetch for Published {
    async fn fetch(&self) -> Result<JwkSet> {
        self.0.1.fetch_add(1, Ordering::SeqCst);
        let set = self.0.0.lock().await.clone();
        let set = set.ok_or_else(|| Error::transient("an outage".to_owned()))?;
        serde_json::from_value(set).map_err(|error| Error::transient(error.to_string()))
    }
}

fn verifier() -> Verifier {
    verifier_of(&Published::new(&json!([jwk("k1", &KEY, "RS256")])))
}

fn verifier_of(published: &Published) -> Verifier {
    Verifier::with(&[ISSUER.to_owned()], CLIENT, Box::new(published.clone()))
}

fn now() -> i64 {
    chrono::Utc::now().timestamp()
}

fn access() -> Value {
    json!({
        "iss": ISSUER, "sub": "u1", "token_use": "access", "client_id": CLIENT,
        "username": "ana", "exp": now() + 60, "cognito:groups": ["operators"],
    })
}

fn with(mut claims: Value, name: &str, value: Value) -> Value {
    claims[name] = value;
    claims
}

fn without(mut claims: Value, name: &str) -> Value {
    claims.as_object_mut().expect("claims").remove(name);
    claims
}

fn sign(claims: &Value, kid: &str, key: &RsaPrivateKey) -> String {
    sign_as(Algorithm::RS256, claims, kid, key)
}

fn sign_as(alg: Algorithm, claims: &Value, kid: &str, key: &RsaPrivateKey) -> String {
    let mut header = Header::new(alg);
    header.kid = Some(kid.to_owned());
    let der = key.to_pkcs1_der().expect("der");
    let key = EncodingKey::from_rsa_der(der.as_bytes());
    jsonwebtoken::encode(&header, claims, &key).expect("a token")
}

async fn is_refused(verifier: &Verifier, token: &str) -> bool {
    matches!(
        verifier.verify(token).await,
        Err(Error::Rejected {
            status: StatusCode::UNAUTHORIZED,
            ..
        })
    )
}

#[tokio::test]
async fn both_kinds_of_token_tell_who_calls() {
    let caller = verifier()
        .verify(&sign(&access(), "k1", &KEY))
        .await
        .expect("a caller");
    assert_eq!(
        (caller.user_id.as_str(), caller.username.as_str()),
        ("u1", "ana")
    );
    assert_eq!(
        (caller.email, caller.groups),
        (None, vec!["operators".to_owned()])
    );

    let id = json!({
        "iss": ISSUER, "sub": "u1", "token_use": "id", "aud": CLIENT,
        "cognito:username": "ana", "email": "ana@example.com", "email_verified": true, "exp": now() + 60,
    });
    let caller = verifier()
        .verify(&sign(&id, "k1", &KEY))
        .await
        .expect("a caller");
    assert_eq!(caller.email.as_deref(), Some("ana@example.com"));
    assert_eq!((caller.username.as_str(), caller.groups), ("ana", vec![]));
}

#[tokio::test]
async fn bad_claims_are_refused() {
    let verifier = verifier();
    for claims in [
        with(access(), "iss", json!("https://idp/other")),
        without(access(), "iss"),
        with(access(), "client_id", json!("another")),
        without(access(), "client_id"),
        with(access(), "token_use", json!("refresh")),
        without(access(), "token_use"),
        // An access token's client does not stand for an id token's audience, nor the other way.
        with(access(), "token_use", json!("id")),
        with(without(access(), "client_id"), "aud", json!(CLIENT)),
        without(access(), "sub"),
        with(access(), "sub", json!("")),
        without(access(), "username"),
        without(access(), "exp"),
        with(access(), "exp", json!((now() + 60).to_string())),
        with(access(), "exp", json!(null)),
        with(access(), "nbf", json!(now() + 600)),
    ] {
        assert!(
            is_refused(&verifier, &sign(&claims, "k1", &KEY)).await,
            "{claims}"
        );
    }
}

#[tokio::test]
async fn an_expired_token_is_said_to_be_expired() {
    let claims = with(access(), "exp", json!(now() - 60));
    let error = verifier()
        .verify(&sign(&claims, "k1", &KEY))
        .await
        .expect_err("expired");
    assert_eq!(error, expired());
}

#[tokio::test]
async fn the_algorithm_is_the_keys_own() {
    let verifier = verifier();
    let claims = access();
    assert!(is_refused(&verifier, &sign_as(Algorithm::RS512, &claims, "k1", &KEY)).await);

    let payload = BASE64.encode(claims.to_string());
    for alg in ["none", "None", "HS256"] {
        let header = BASE64.encode(json!({ "alg": alg, "kid": "k1", "typ": "JWT" }).to_string());
        assert!(
            is_refused(&verifier, &format!("{header}.{payload}.")).await,
            "{alg}"
        );
    }
    // The public key as a shared secret.
    let mut header = Header::new(Algorithm::HS256);
    header.kid = Some("k1".to_owned());
    let secret = EncodingKey::from_secret(&KEY.n().to_bytes_be());
    let forged = jsonwebtoken::encode(&header, &claims, &secret).expect("a token");
    assert!(is_refused(&verifier, &forged).await);

    let strange = Published::new(&json!([jwk("k1", &KEY, "RS512")]));
    assert!(is_refused(&verifier_of(&strange), &sign(&claims, "k1", &KEY)).await);
}

#[tokio::test]
async fn what_was_not_signed_by_the_pool_is_refused() {
    let verifier = verifier();
    assert!(is_refused(&verifier, &sign(&access(), "k1", &OTHER_KEY)).await);

    let token = sign(&access(), "k1", &KEY);
    let (signed, signature) = token.rsplit_once('.').expect("three parts");
    let header = signed.split('.').next().expect("a header");
    let payload = BASE64.encode(with(access(), "sub", json!("u2")).to_string());
    assert!(is_refused(&verifier, &format!("{header}.{payload}.{signature}")).await);
    for token in ["", ".", "..", "a.b.c", signed, &"a".repeat(20_000)] {
        assert!(is_refused(&verifier, token).await, "{token:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_unknown_key_is_looked_for_and_then_not_again_for_a_while() {
    let published = Published::new(&json!([jwk("k1", &KEY, "RS256")]));
    let verifier = verifier_of(&published);
    let (old, new) = (
        sign(&access(), "k1", &KEY),
        sign(&access(), "k2", &OTHER_KEY),
    );
    assert!(verifier.verify(&old).await.is_ok());
    assert!(is_refused(&verifier, &new).await);
    assert_eq!(published.asked(), 1, "it has only just been fetched");

    published
        .set(Some(json!([
            jwk("k1", &KEY, "RS256"),
            jwk("k2", &OTHER_KEY, "RS256")
        ])))
        .await;
    tokio::time::advance(Duration::from_secs(9)).await;
    assert!(is_refused(&verifier, &new).await);
    tokio::time::advance(Duration::from_secs(1)).await;
    assert!(verifier.verify(&new).await.is_ok(), "the key has come");
    assert!(verifier.verify(&old).await.is_ok());
    assert_eq!(published.asked(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_outage_of_the_keys_is_no_fault_of_the_user() {
    let keys = json!([jwk("k1", &KEY, "RS256")]);
    let published = Published::new(&keys);
    let verifier = verifier_of(&published);
    let token = sign(&access(), "k1", &KEY);
    published.set(None).await;
    for _ in 0..3 {
        assert!(matches!(
            verifier.verify(&token).await,
            Err(Error::Transient(_))
        ));
    }
    assert_eq!(published.asked(), 1, "it is not asked again at once");
    published.set(Some(keys)).await;
    tokio::time::advance(Duration::from_secs(1)).await;
    assert!(verifier.verify(&token).await.is_ok());

    published.set(None).await;
    tokio::time::advance(Duration::from_hours(2)).await;
    assert!(
        verifier.verify(&token).await.is_ok(),
        "who was let in before is let in still"
    );
    published.set(Some(json!([]))).await;
    tokio::time::advance(Duration::from_secs(1)).await;
    assert!(is_refused(&verifier, &token).await, "a withdrawn key ends");
}

#[tokio::test(start_paused = true)]
async fn keys_that_hang_keep_nobody_out_who_was_let_in_before() {
    let published = Published::new(&json!([jwk("k1", &KEY, "RS256")]));
    let verifier = verifier_of(&published);
    let token = sign(&access(), "k1", &KEY);
    assert!(verifier.verify(&token).await.is_ok());
    tokio::time::advance(Duration::from_hours(2)).await;
    let hangs = published.0.0.lock().await;
    let began = tokio::time::Instant::now();
    for _ in 0..10 {
        let in_time = tokio::time::timeout(Duration::from_secs(1), verifier.verify(&token));
        assert!(in_time.await.expect("in time").is_ok());
    }
    assert!(
        began.elapsed() <= Duration::from_secs(1),
        "only the first waits"
    );
    assert_eq!(published.asked(), 2, "one fetch is under way");
    drop(hangs);
    // The fetch comes to its end.
    tokio::time::sleep(Duration::from_secs(1)).await;
    published.set(Some(json!([]))).await;
    tokio::time::advance(Duration::from_hours(2)).await;
    assert!(is_refused(&verifier, &token).await, "a withdrawn key ends");
}
