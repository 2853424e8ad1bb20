use std::sync::Arc;

use aws_sdk_cognitoidentityprovider::error::ProvideErrorMetadata;
use aws_sdk_cognitoidentityprovider::types::AttributeType;
use fotograma::aws::CognitoIdentity;
use fotograma::tokens::Verifier;
use fotograma_core::Result;
use fotograma_core::ports::{Identity, Login, Tokens};

use super::world::{World, status};

const PASSWORD: &str = "Segredo1!";

async fn setup() -> (World, CognitoIdentity) {
    let world = World::new().await;
    let identity = CognitoIdentity::new(Arc::clone(&world.aws));
    (world, identity)
}

/// The code in the newest mail to an address.
async fn code(world: &World, email: &str) -> String {
    let mails = world.mails(email).await;
    let text = mails[0]["text"].as_str().expect("a text").to_owned();
    let code = text
        .split(|c: char| !c.is_ascii_digit())
        .find(|digits| digits.len() == 6);
    code.expect("a code of six digits").to_owned()
}

fn logged_in(outcome: Result<Login>) -> Tokens {
    match outcome.expect("a login") {
        Login::Done(tokens) => tokens,
        Login::PasswordWanted(_) => panic!("another password is wanted"),
    }
}

#[tokio::test]
async fn a_forgotten_password_is_reset_and_nobody_learns_who_is_registered() {
    const NEW: &str = "Segredo2!";
    let (world, identity) = setup().await;
    let signed_up = identity.sign_up("ana", PASSWORD, "ana@example.com").await;
    signed_up.expect("a user");
    let first = code(&world, "ana@example.com").await;
    assert_eq!(identity.resend_code("ana").await, Ok(()));
    let mails = world.mails("ana@example.com").await;
    assert_eq!(mails.len(), 2, "it was mailed again");
    let newest = code(&world, "ana@example.com").await;
    let confirmed = identity.confirm("ana", &newest).await;
    assert_eq!(confirmed, Ok(()), "not with {first}, maybe");

    assert_eq!(identity.forgot_password("ana").await, Ok(()));
    let right = code(&world, "ana@example.com").await;
    let wrong = if right == "000000" {
        "000001"
    } else {
        "000000"
    };
    let mistaken = identity
        .reset_password("ana", wrong, NEW)
        .await
        .expect_err("wrong");
    assert_eq!(status(&mistaken), 400);
    let weak = identity
        .reset_password("ana", &right, "short")
        .await
        .expect_err("weak");
    assert_eq!(status(&weak), 400);
    assert_eq!(identity.reset_password("ana", &right, NEW).await, Ok(()));
    let old = identity
        .login("ana", PASSWORD)
        .await
        .err()
        .expect("the old one");
    assert_eq!(status(&old), 401);
    logged_in(identity.login("ana", NEW).await);

    let before = world.mails("ana@example.com").await.len();
    for name in ["ana", "nobody"] {
        assert_eq!(identity.resend_code(name).await, Ok(()), "{name}");
    }
    assert_eq!(identity.forgot_password("nobody").await, Ok(()));
    let after = world.mails("ana@example.com").await.len();
    assert_eq!(before, after, "nobody needs a code");
    let unknown = identity
        .reset_password("nobody", wrong, NEW)
        .await
        .expect_err("nobody");
    assert_eq!(status(&unknown), 400);
}

#[tokio::test]
async fn a_temporary_password_is_changed_before_tokens_are_given() {
    const CHOSEN: &str = "Segredo2!";
    let (world, identity) = setup().await;
    let pool = world.aws.user_pool_id().await.expect("a pool");
    let created = world
        .aws
        .cognito()
        .admin_create_user()
        .user_pool_id(pool)
        .username("rui")
        .temporary_password(PASSWORD)
        .send()
        .await;
    created.expect("a user");
    let Ok(Login::PasswordWanted(wanted)) = identity.login("rui", PASSWORD).await else {
        panic!("another password is wanted");
    };
    assert_eq!(wanted.challenge, "NEW_PASSWORD_REQUIRED");
    let weak = identity
        .choose_password("rui", &wanted.session, "short")
        .await;
    assert_eq!(status(&weak.err().expect("it is weak")), 400);
    let over = identity
        .choose_password("rui", "another session", CHOSEN)
        .await;
    assert_eq!(status(&over.err().expect("no session")), 401);
    let Ok(Login::PasswordWanted(wanted)) = identity.login("rui", PASSWORD).await else {
        panic!("it still is");
    };
    let tokens = identity
        .choose_password("rui", &wanted.session, CHOSEN)
        .await;
    assert!(tokens.is_ok_and(|tokens| tokens.refresh_token.is_some()));
    logged_in(identity.login("rui", CHOSEN).await);
}

#[tokio::test]
async fn a_user_registers_confirms_and_logs_in() {
    let (world, identity) = setup().await;
    let user_id = identity
        .sign_up("ana", PASSWORD, "ana@example.com")
        .await
        .expect("a user");
    let taken = identity.sign_up("ana", PASSWORD, "other@example.com").await;
    assert_eq!(status(&taken.expect_err("taken")), 409);
    let early = identity
        .login("ana", PASSWORD)
        .await
        .err()
        .expect("not confirmed");
    assert_eq!(status(&early), 403);

    let right = code(&world, "ana@example.com").await;
    let wrong = if right == "000000" {
        "000001"
    } else {
        "000000"
    };
    assert_eq!(
        status(&identity.confirm("ana", wrong).await.expect_err("wrong")),
        400
    );
    identity
        .confirm("ana", &right)
        .await
        .expect("it is confirmed");
    let again = identity.confirm("ana", &right).await;
    assert!([400, 409].contains(&status(&again.expect_err("confirmed already"))));

    let tokens = logged_in(identity.login("ana", PASSWORD).await);
    assert_eq!(tokens.token_type, "Bearer");
    assert!(tokens.expires_in > 0 && tokens.refresh_token.is_some());
    let verifier = Verifier::new(&world.aws).await.expect("a verifier");
    for token in [&tokens.access_token, &tokens.id_token] {
        let caller = verifier.verify(token).await.expect("a caller");
        assert_eq!(
            (caller.user_id.as_str(), caller.username.as_str()),
            (user_id.as_str(), "ana")
        );
        assert!(caller.groups.is_empty());
    }
    let caller = verifier.verify(&tokens.id_token).await.expect("a caller");
    assert_eq!(caller.email.as_deref(), Some("ana@example.com"));
    assert_eq!(
        identity.email("ana").await,
        Ok(Some("ana@example.com".to_owned()))
    );
    assert_eq!(identity.email("nobody").await, Ok(None));
}

/// Sets an attribute by the user's own token, past our services.
async fn set_attribute(world: &World, token: &str, name: &str, value: &str) -> Result<(), String> {
    let attribute = AttributeType::builder().name(name).value(value).build();
    let update = world.aws.cognito().update_user_attributes();
    let update = update.access_token(token);
    let updated = update.user_attributes(attribute.expect("an attribute"));
    match updated.send().await {
        Ok(_) => Ok(()),
        Err(error) => Err(error.code().unwrap_or_default().to_owned()),
    }
}

#[tokio::test]
async fn nobody_is_mailed_at_an_address_that_is_not_proven_theirs() {
    let (world, identity) = setup().await;
    let login = async || logged_in(identity.login("paulo", "Senha123@").await);
    let token = login().await.access_token;
    let changed = set_attribute(&world, &token, "email", "victim@example.com").await;
    assert_eq!(changed, Ok(()));
    assert_eq!(identity.email("paulo").await, Ok(None));
    let verifier = Verifier::new(&world.aws).await.expect("a verifier");
    let caller = verifier.verify(&login().await.id_token).await;
    assert_eq!(caller.expect("a caller").email, None);
}

#[tokio::test]
async fn a_user_writes_only_what_signing_up_needs() {
    let (world, identity) = setup().await;
    let tokens = logged_in(identity.login("paulo", "Senha123@").await);
    for name in ["name", "phone_number", "email_verified"] {
        let refused = set_attribute(&world, &tokens.access_token, name, "true").await;
        assert_eq!(refused, Err("NotAuthorizedException".to_owned()), "{name}");
    }
}

#[tokio::test]
async fn a_wrong_name_and_a_wrong_password_sound_the_same() {
    let (_world, identity) = setup().await;
    let wrong = identity
        .login("paulo", "Errada123@")
        .await
        .err()
        .expect("a wrong password");
    let unknown = identity
        .login("nobody", "Errada123@")
        .await
        .err()
        .expect("a wrong name");
    assert_eq!(wrong, unknown);
    assert_eq!(status(&wrong), 401);
}

#[tokio::test]
async fn bad_registrations_are_refused_with_the_reason() {
    let (_world, identity) = setup().await;
    let weak = identity
        .sign_up("bia", "short", "bia@example.com")
        .await
        .expect_err("weak");
    assert_eq!(status(&weak), 400);
    assert!(
        weak.to_string().to_lowercase().contains("password"),
        "{weak}"
    );
    let address = identity.sign_up("bia", PASSWORD, "no address").await;
    assert_eq!(status(&address.expect_err("no address")), 400);
    assert_eq!(
        status(
            &identity
                .confirm("nobody", "123456")
                .await
                .expect_err("nobody")
        ),
        400
    );
}

#[tokio::test]
async fn a_session_is_renewed_until_it_is_ended() {
    let (world, identity) = setup().await;
    let tokens = logged_in(identity.login("paulo", "Senha123@").await);
    let verifier = Verifier::new(&world.aws).await.expect("a verifier");
    let caller = verifier
        .verify(&tokens.access_token)
        .await
        .expect("a caller");
    assert_eq!(caller.groups, ["operators"]);

    let refresh_token = tokens.refresh_token.expect("a refresh token");
    let renewed = identity.refresh(&refresh_token).await.expect("new tokens");
    assert!(verifier.verify(&renewed.access_token).await.is_ok());
    identity
        .logout(&renewed.access_token)
        .await
        .expect("the sessions end");
    let ended = identity
        .refresh(&refresh_token)
        .await
        .err()
        .expect("it has ended");
    assert_eq!(status(&ended), 401);
    assert_eq!(
        status(
            &identity
                .logout(&renewed.access_token)
                .await
                .expect_err("ended")
        ),
        401
    );
    assert_eq!(
        status(&identity.logout("nonsense").await.expect_err("no token")),
        401
    );
    assert_eq!(
        status(&identity.refresh("nonsense").await.err().expect("no token")),
        401
    );
}
