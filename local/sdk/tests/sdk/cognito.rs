//! Cognito: an operator's account, a login, a refresh, a sign-out, across a restart.

use aws_sdk_cognitoidentityprovider::types::{
    AuthFlowType, ExplicitAuthFlowsType, MessageActionType,
};

use super::{Aws, code};

#[tokio::test]
async fn a_user_logs_in_refreshes_and_signs_out() {
    let aws = Aws::start().await;
    let cognito = aws.cognito();
    let pool = cognito
        .create_user_pool()
        .pool_name("users")
        .send()
        .await
        .expect("a pool");
    let pool = pool.user_pool.and_then(|pool| pool.id).expect("its id");
    let client = cognito
        .create_user_pool_client()
        .user_pool_id(&pool)
        .client_name("web")
        .explicit_auth_flows(ExplicitAuthFlowsType::AllowUserPasswordAuth)
        .explicit_auth_flows(ExplicitAuthFlowsType::AllowRefreshTokenAuth)
        .send()
        .await
        .expect("a client");
    let client = client
        .user_pool_client
        .and_then(|client| client.client_id)
        .expect("its id");
    cognito
        .admin_create_user()
        .user_pool_id(&pool)
        .username("paulo")
        .message_action(MessageActionType::Suppress)
        .send()
        .await
        .expect("a user");
    cognito
        .admin_set_user_password()
        .user_pool_id(&pool)
        .username("paulo")
        .password("Senha123@")
        .permanent(true)
        .send()
        .await
        .expect("a password");
    let aws = aws.restart().await;
    let cognito = aws.cognito();
    let login = |password: &str| {
        cognito
            .initiate_auth()
            .auth_flow(AuthFlowType::UserPasswordAuth)
            .client_id(&client)
            .auth_parameters("USERNAME", "paulo")
            .auth_parameters("PASSWORD", password)
            .send()
    };
    let wrong = login("Senha124@").await.expect_err("a wrong password");
    assert_eq!(code(&wrong), Some("NotAuthorizedException"));
    let tokens = login("Senha123@")
        .await
        .expect("a login")
        .authentication_result
        .expect("tokens");
    let (access, refresh) = (
        tokens.access_token.expect("access"),
        tokens.refresh_token.expect("refresh"),
    );
    let me = cognito
        .get_user()
        .access_token(&access)
        .send()
        .await
        .expect("the user");
    assert_eq!(me.username(), "paulo");
    let refreshed = || {
        cognito
            .initiate_auth()
            .auth_flow(AuthFlowType::RefreshTokenAuth)
            .client_id(&client)
            .auth_parameters("REFRESH_TOKEN", &refresh)
            .send()
    };
    refreshed().await.expect("new tokens");
    cognito
        .global_sign_out()
        .access_token(&access)
        .send()
        .await
        .expect("a sign-out");
    let refused = refreshed().await.expect_err("signed out");
    assert_eq!(code(&refused), Some("NotAuthorizedException"));
    aws.local.stop().await;
}
