//! The identity provider: a Cognito user pool and its app client.

mod refusal;

use std::sync::Arc;

use async_trait::async_trait;
use aws_sdk_cognitoidentityprovider::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_cognitoidentityprovider::operation::admin_get_user::AdminGetUserError;
use aws_sdk_cognitoidentityprovider::operation::initiate_auth::InitiateAuthOutput;
use aws_sdk_cognitoidentityprovider::types::{
    AttributeType, AuthFlowType, AuthenticationResultType, ChallengeNameType,
};
use aws_sdk_s3::config::http::HttpResponse;
use fotograma_core::ports::{Identity, Login, PasswordWanted, Tokens};
use fotograma_core::{Error, Result};
use http::StatusCode;

use super::Aws;
use super::error::{missing_from_answer, sdk_error};
use refusal::{Call, is_nobody_to_mail, refusal};

/// [`Identity`] over Cognito. Passwords go through it and are kept nowhere.
pub struct CognitoIdentity(Arc<Aws>);

impl CognitoIdentity {
    /// The pool and the client that `aws` names.
    #[must_use]
    pub fn new(aws: Arc<Aws>) -> Self {
        Self(aws)
    }

    async fn authenticate(
        &self,
        call: Call,
        flow: AuthFlowType,
        parameters: &[(&str, &str)],
    ) -> Result<Login> {
        let mut auth = self
            .0
            .cognito()
            .initiate_auth()
            .auth_flow(flow)
            .client_id(self.0.client_id().await?);
        for (name, value) in parameters {
            auth = auth.auth_parameters(*name, *value);
        }
        let output = auth.send().await.map_err(|error| refused(call, &error))?;
        outcome(output)
    }
}

#[async_trait]
impl Identity for CognitoIdentity {
    async fn sign_up(&self, username: &str, password: &str, email: &str) -> Result<String> {
        let email = AttributeType::builder().name("email").value(email).build();
        let output = self
            .0
            .cognito()
            .sign_up()
            .client_id(self.0.client_id().await?)
            .username(username)
            .password(password)
            .user_attributes(email.map_err(|error| Error::operational(error.to_string()))?)
            .send()
            .await
            .map_err(|error| refused(Call::SignUp, &error))?;
        Ok(output.user_sub)
    }

    async fn confirm(&self, username: &str, code: &str) -> Result<()> {
        let confirm = self
            .0
            .cognito()
            .confirm_sign_up()
            .client_id(self.0.client_id().await?);
        confirm
            .username(username)
            .confirmation_code(code)
            .send()
            .await
            .map_err(|error| refused(Call::Confirm, &error))?;
        Ok(())
    }

    async fn resend_code(&self, username: &str) -> Result<()> {
        let resend = self
            .0
            .cognito()
            .resend_confirmation_code()
            .client_id(self.0.client_id().await?);
        let sent = resend.username(username).send().await;
        mailed(Call::Resend, sent)
    }

    async fn forgot_password(&self, username: &str) -> Result<()> {
        let forgot = self
            .0
            .cognito()
            .forgot_password()
            .client_id(self.0.client_id().await?);
        let sent = forgot.username(username).send().await;
        mailed(Call::Forgot, sent)
    }

    async fn reset_password(&self, username: &str, code: &str, password: &str) -> Result<()> {
        let reset = self
            .0
            .cognito()
            .confirm_forgot_password()
            .client_id(self.0.client_id().await?);
        reset
            .username(username)
            .confirmation_code(code)
            .password(password)
            .send()
            .await
            .map_err(|error| refused(Call::Reset, &error))?;
        Ok(())
    }

    async fn choose_password(
        &self,
        username: &str,
        session: &str,
        password: &str,
    ) -> Result<Tokens> {
        let respond = self
            .0
            .cognito()
            .respond_to_auth_challenge()
            .client_id(self.0.client_id().await?)
            .challenge_name(ChallengeNameType::NewPasswordRequired)
            .session(session)
            .challenge_responses("USERNAME", username)
            .challenge_responses("NEW_PASSWORD", password);
        let output = respond.send().await;
        let output = output.map_err(|error| refused(Call::Challenge, &error))?;
        match output.challenge_name {
            Some(challenge) => Err(not_offered(&challenge)),
            None => tokens(output.authentication_result),
        }
    }

    async fn login(&self, username: &str, password: &str) -> Result<Login> {
        let parameters = [("USERNAME", username), ("PASSWORD", password)];
        self.authenticate(Call::Login, AuthFlowType::UserPasswordAuth, &parameters)
            .await
    }

    async fn refresh(&self, refresh_token: &str) -> Result<Tokens> {
        let parameters = [("REFRESH_TOKEN", refresh_token)];
        let flow = AuthFlowType::RefreshTokenAuth;
        match self.authenticate(Call::Refresh, flow, &parameters).await? {
            Login::Done(tokens) => Ok(tokens),
            Login::PasswordWanted(_) => Err(not_offered(&ChallengeNameType::NewPasswordRequired)),
        }
    }

    async fn logout(&self, access_token: &str) -> Result<()> {
        let sign_out = self
            .0
            .cognito()
            .global_sign_out()
            .access_token(access_token);
        sign_out
            .send()
            .await
            .map_err(|error| refused(Call::Logout, &error))?;
        Ok(())
    }

    async fn email(&self, username: &str) -> Result<Option<String>> {
        let get = self
            .0
            .cognito()
            .admin_get_user()
            .user_pool_id(self.0.user_pool_id().await?);
        let output = match get.username(username).send().await {
            Ok(output) => output,
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(AdminGetUserError::is_user_not_found_exception) =>
            {
                return Ok(None);
            }
            Err(error) => return Err(sdk_error("cognito-idp AdminGetUser", &error)),
        };
        let attributes = output.user_attributes.unwrap_or_default();
        let value = |name: &str| {
            let attribute = attributes.iter().find(|attribute| attribute.name == name);
            attribute.and_then(|attribute| attribute.value.clone())
        };
        // Any other may be anybody's.
        let is_verified = value("email_verified").is_some_and(|verified| verified == "true");
        Ok(value("email").filter(|email| is_verified && !email.is_empty()))
    }
}

/// What came of sending somebody a code: that there is nobody, or no need, is no error.
fn mailed<T, E>(call: Call, sent: Result<T, SdkError<E, HttpResponse>>) -> Result<()>
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    match sent {
        Ok(_) => Ok(()),
        Err(error) => {
            let code = error
                .as_service_error()
                .and_then(ProvideErrorMetadata::code);
            if code.is_some_and(is_nobody_to_mail) {
                tracing::debug!(code, "no code was mailed");
                return Ok(());
            }
            Err(refused(call, &error))
        }
    }
}

fn outcome(output: InitiateAuthOutput) -> Result<Login> {
    match output.challenge_name {
        None => tokens(output.authentication_result).map(Login::Done),
        Some(ChallengeNameType::NewPasswordRequired) => {
            let session = output.session;
            let session = session.ok_or_else(|| missing_from_answer(INITIATE_AUTH, "session"))?;
            Ok(Login::PasswordWanted(PasswordWanted {
                challenge: ChallengeNameType::NewPasswordRequired.to_string(),
                session,
            }))
        }
        Some(challenge) => Err(not_offered(&challenge)),
    }
}

fn not_offered(challenge: &ChallengeNameType) -> Error {
    Error::rejected(
        StatusCode::FORBIDDEN,
        format!("this account needs a further step that is not offered here: {challenge}"),
    )
}

const INITIATE_AUTH: &str = "cognito-idp InitiateAuth";

fn tokens(result: Option<AuthenticationResultType>) -> Result<Tokens> {
    const CALL: &str = INITIATE_AUTH;
    let result = result.ok_or_else(|| missing_from_answer(CALL, "authentication result"))?;
    Ok(Tokens {
        access_token: result
            .access_token
            .ok_or_else(|| missing_from_answer(CALL, "access token"))?,
        id_token: result
            .id_token
            .ok_or_else(|| missing_from_answer(CALL, "id token"))?,
        refresh_token: result.refresh_token,
        token_type: result.token_type.unwrap_or_else(|| "Bearer".to_owned()),
        expires_in: i64::from(result.expires_in),
    })
}

fn refused<E>(call: Call, error: &SdkError<E, HttpResponse>) -> Error
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    let said = error
        .as_service_error()
        .and_then(|e| Some((e.code()?, e.message())));
    said.and_then(|(code, message)| refusal(call, code, message.unwrap_or_default()))
        .unwrap_or_else(|| sdk_error(&format!("cognito-idp {}", call.operation()), error))
}
