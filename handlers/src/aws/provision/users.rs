//! The user pool with its app client, the operators' group and a user to try things with.

use aws_sdk_cognitoidentityprovider::types::{
    AttributeType, ExplicitAuthFlowsType, MessageActionType, UserStatusType, VerifiedAttributeType,
};
use fotograma_core::Result;

use super::{made, wrong};
use crate::aws::Aws;
use crate::aws::error::{fault, unexpected};

/// Name, password and address of the user that is there from the start.
pub const DEMO_USER: (&str, &str, &str) = ("paulo", "Senha123@", "paulo@example.com");

/// The group whose members may do what other users may not.
const OPERATORS: &str = "operators";

pub(super) async fn pool(aws: &Aws) -> Result<()> {
    let name = aws.settings().user_pool_name();
    let pool = match aws.pool_named(&name).await? {
        Some(id) => id,
        None => create_pool(aws, &name).await?,
    };
    tokio::try_join!(client(aws, &pool), demo_user(aws, &pool))?;
    Ok(())
}

async fn create_pool(aws: &Aws, name: &str) -> Result<String> {
    let create = aws.cognito().create_user_pool().pool_name(name);
    let output = create
        .auto_verified_attributes(VerifiedAttributeType::Email)
        .send()
        .await
        .map_err(|error| fault("cognito-idp CreateUserPool", &error))?;
    let id = output.user_pool.and_then(|pool| pool.id);
    id.ok_or_else(|| unexpected("cognito-idp CreateUserPool", "pool id"))
}

async fn client(aws: &Aws, pool: &str) -> Result<()> {
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
        .send()
        .await
        .map_err(|error| fault("cognito-idp CreateUserPoolClient", &error))?;
    Ok(())
}

async fn demo_user(aws: &Aws, pool: &str) -> Result<()> {
    let (name, password, email) = DEMO_USER;
    let group = aws
        .cognito()
        .create_group()
        .user_pool_id(pool)
        .group_name(OPERATORS);
    let attribute = |name: &str, value: &str| {
        AttributeType::builder()
            .name(name)
            .value(value)
            .build()
            .map_err(wrong)
    };
    let user = aws
        .cognito()
        .admin_create_user()
        .user_pool_id(pool)
        .username(name)
        .message_action(MessageActionType::Suppress)
        .user_attributes(attribute("email", email)?)
        .user_attributes(attribute("email_verified", "true")?);
    let (group, user) = tokio::join!(group.send(), user.send());
    made("cognito-idp CreateGroup", group, &["GroupExistsException"])?;
    made(
        "cognito-idp AdminCreateUser",
        user,
        &["UsernameExistsException"],
    )?;

    let add = aws
        .cognito()
        .admin_add_user_to_group()
        .user_pool_id(pool)
        .username(name);
    let add = add.group_name(OPERATORS).send().await;
    add.map_err(|error| fault("cognito-idp AdminAddUserToGroup", &error))?;
    first_password(aws, pool, name, password).await
}

/// Gives a user the password once: who has changed it since keeps the new one.
async fn first_password(aws: &Aws, pool: &str, name: &str, password: &str) -> Result<()> {
    let get = aws
        .cognito()
        .admin_get_user()
        .user_pool_id(pool)
        .username(name)
        .send()
        .await;
    let user = get.map_err(|error| fault("cognito-idp AdminGetUser", &error))?;
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
        .map_err(|error| fault("cognito-idp AdminSetUserPassword", &error))?;
    Ok(())
}
