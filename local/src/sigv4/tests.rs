use super::*;

const KEYS: Keys<'_> = Keys {
    access: "AKIDEXAMPLE",
    secret: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
};
/// 2015-08-30T12:36:00Z.
const THEN_MS: i64 = 1_440_938_160_000;

/// The example of the IAM user guide, "Create a signed AWS API request".
fn example() -> http::request::Parts {
    let request = http::Request::get("/?Action=ListUsers&Version=2010-05-08")
        .header(
            "content-type",
            "application/x-www-form-urlencoded; charset=utf-8",
        )
        .header("host", "iam.amazonaws.com")
        .header("x-amz-date", "20150830T123600Z")
        .header(
            "authorization",
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, \
             SignedHeaders=content-type;host;x-amz-date, \
             Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7",
        );
    request.body(()).expect("a request").into_parts().0
}

#[test]
fn the_documented_example_is_accepted() {
    assert_eq!(check(KEYS, "iam", &example(), b"", THEN_MS), Ok(()));
}

#[test]
fn whatever_is_changed_breaks_the_signature() {
    let refused = |parts: &http::request::Parts, body: &[u8]| {
        matches!(
            check(KEYS, "iam", parts, body, THEN_MS),
            Err(Refusal::Mismatch(_))
        )
    };
    assert!(refused(&example(), b"x"), "the body");
    let mut parts = example();
    parts.uri = "/?Action=DeleteUser&Version=2010-05-08"
        .parse()
        .expect("an address");
    assert!(refused(&parts, b""), "the query");
    let mut parts = example();
    parts
        .headers
        .insert("host", "example.com".parse().expect("a value"));
    assert!(refused(&parts, b""), "a signed header");
    let mut parts = example();
    parts.method = Method::POST;
    assert!(refused(&parts, b""), "the method");
}

#[test]
fn the_time_the_key_and_the_service_count() {
    let parts = example();
    assert!(check(KEYS, "iam", &parts, b"", THEN_MS + SKEW_MS).is_ok());
    let late = check(KEYS, "iam", &parts, b"", THEN_MS + SKEW_MS + 1);
    assert!(matches!(late, Err(Refusal::Mismatch(_))));
    let stranger = Keys {
        access: "else",
        ..KEYS
    };
    assert_eq!(
        check(stranger, "iam", &parts, b"", THEN_MS),
        Err(Refusal::UnknownKey)
    );
    assert!(matches!(
        check(KEYS, "sqs", &parts, b"", THEN_MS),
        Err(Refusal::Mismatch(_))
    ));
    let mut bare = example();
    bare.headers.remove("authorization");
    assert_eq!(
        check(KEYS, "iam", &bare, b"", THEN_MS),
        Err(Refusal::Missing)
    );
}
