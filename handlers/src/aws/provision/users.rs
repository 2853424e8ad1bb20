//! The user pool with its app client, the groups that routes are kept for, and a user who is in all
//! of them to try things with.

use aws_sdk_cognitoidentityprovider::types::{
    AttributeType, ExplicitAuthFlowsType, MessageActionType, UserStatusType, VerifiedAttributeType,
};
use fotograma_core::Result;

use super::{builder_error, unless_there};
use crate::aws::Aws;
use crate::aws::error::{missing_from_answer, sdk_error};

/// Name, password and address of the user that is there from the start.
pub const DEMO_USER: (&str, &str, &str) = ("paulo", "Senha123@", "paulo@example.com");

pub(super) async fn create_pool_and_client(aws: &Aws, groups: &[&str]) -> Result<()> {
    let name = aws.settings().user_pool_name();
    let pool = match aws.pool_named(&name).await? {
        Some(id) => id,
        None => create_pool(aws, &name).await?,
    };
    tokio::try_join!(
        create_client(aws, &pool),
        create_demo_user(aws, &pool, groups)
    )?;
    Ok(())
}

async fn create_pool(aws: &Aws, name: &str) -> Result<String> {
    let create = aws.cognito().create_user_pool().pool_name(name);
    let output = create
        .auto_verified_attributes(VerifiedAttributeType::Email)
        .send()
        .await
        .map_err(|error| sdk_error("cognito-idp CreateUserPool", &error))?;
    let id = output.user_pool.and_then(|pool| pool.id);
    id.ok_or_else(|| missing_from_answer("cognito-idp CreateUserPool", "pool id"))
}

async fn create_client(aws: &Aws, pool: &str) -> Result<()> {
    let name = aws.settings().client_name();
    if aws.client_named(pool, &name).await?.is_some() {
        return Ok(());
    }
    let create = aws
        .cognito()
        .create_user_pool_client()
        .user_pool_id(pool)
        .client_name(name);
    create
        .explicit_auth_flows(ExplicitAuthFlowsType::AllowUserPasswordAuth)
        .explicit_auth_flows(ExplicitAuthFlowsType::AllowRefreshTokenAuth)
        // What users give when they sign up, and nothing else.
        .write_attributes("email")
        .send()
        .await
        .map_err(|error| sdk_error("cognito-idp CreateUserPoolClient", &error))?;
    Ok(())
}

async fn create_demo_user(aws: &Aws, pool: &str, groups: &[&str]) -> Result<()> {
    let (name, password, email) = DEMO_USER;
    let attribute = |name: &str, value: &str| {
        AttributeType::builder()
            .name(name)
            .value(value)
            .build()
            .map_err(builder_error)
    };
    let user = aws
        .cognito()
        .admin_create_user()
        .user_pool_id(pool)
        .username(name)
        .message_action(MessageActionType::Suppress)
        .user_attributes(attribute("email", email)?)
        .user_attributes(attribute("email_verified", "true")?);
    unless_there(
        "cognito-idp AdminCreateUser",
        user.send().await,
        &["UsernameExistsException"],
    )?;
    for group in groups {
        let create = aws.cognito().create_group().user_pool_id(pool);
        unless_there(
            "cognito-idp CreateGroup",
            create.group_name(*group).send().await,
            &["GroupExistsException"],
        )?;
        let add = aws
            .cognito()
            .admin_add_user_to_group()
            .user_pool_id(pool)
            .username(name);
        let add = add.group_name(*group).send().await;
        add.map_err(|error| sdk_error("cognito-idp AdminAddUserToGroup", &error))?;
    }
    set_first_password(aws, pool, name, password).await
}

/// Gives a user the password once: who has changed it since keeps the new one.
async fn set_first_password(aws: &Aws, pool: &str, name: &str, password: &str) -> Result<()> {
    let get = aws
        .cognito()
        .admin_get_user()
        .user_pool_id(pool)
        .username(name)
        .send()
        .await;
    let user = get.map_err(|error| sdk_error("cognito-idp AdminGetUser", &error))?;
    if user.user_status != Some(UserStatusType::ForceChangePassword) {
        return Ok(());
    }
    let set = aws
        .cognito()
        .admin_set_user_password()
        .user_pool_id(pool)
        .username(name);
    set.password(password)
        .permanent(true)
        .send()
        .await
        .map_err(|error| sdk_error("cognito-idp AdminSetUserPassword", &error))?;
    Ok(())
}
