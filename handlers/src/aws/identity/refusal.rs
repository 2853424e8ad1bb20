//! What Cognito refuses, as a user should hear it.
//!
//! Nobody learns here whether a name is taken, other than by trying to register it.

use fotograma_core::Error;
use http::StatusCode;

/// What was asked of Cognito.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Call {
    SignUp,
    Confirm,
    Resend,
    Forgot,
    Reset,
    Challenge,
    Login,
    Refresh,
    Logout,
}

impl Call {
    /// The operation's name.
    pub(super) fn operation(self) -> &'static str {
        match self {
            Self::SignUp => "SignUp",
            Self::Confirm => "ConfirmSignUp",
            Self::Resend => "ResendConfirmationCode",
            Self::Forgot => "ForgotPassword",
            Self::Reset => "ConfirmForgotPassword",
            Self::Challenge => "RespondToAuthChallenge",
            Self::Login | Self::Refresh => "InitiateAuth",
            Self::Logout => "GlobalSignOut",
        }
    }
}

/// The refusal for an error code, if it is the user's fault.
/// <https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/CommonErrors.html>
pub(super) fn refusal(call: Call, code: &str, message: &str) -> Option<Error> {
    let (status, kind, detail) = match (call, code) {
        (
            _,
            "TooManyRequestsException"
            | "LimitExceededException"
            | "TooManyFailedAttemptsException",
        ) => (
            StatusCode::TOO_MANY_REQUESTS,
            "too-many-requests",
            "too many attempts; wait a while and try again",
        ),
        (Call::Login, "NotAuthorizedException" | "UserNotFoundException") => (
            StatusCode::UNAUTHORIZED,
            "wrong-credentials",
            "the name or the password is wrong",
        ),
        (Call::Refresh, "NotAuthorizedException" | "UserNotFoundException") => (
            StatusCode::UNAUTHORIZED,
            "token-invalid",
            "the refresh token is not valid any more; log in again",
        ),
        (Call::Logout, "NotAuthorizedException" | "UserNotFoundException") => (
            StatusCode::UNAUTHORIZED,
            "token-invalid",
            "the access token is not valid any more; log in again",
        ),
        (
            Call::Challenge,
            "NotAuthorizedException" | "UserNotFoundException" | "CodeMismatchException",
        ) => (
            StatusCode::UNAUTHORIZED,
            "token-invalid",
            "the session is over; log in again",
        ),
        // An unknown name hears the same as a wrong code, and so does somebody who has nothing to reset.
        (Call::Confirm | Call::Reset, "CodeMismatchException" | "UserNotFoundException")
        | (Call::Reset, "UserNotConfirmedException" | "NotAuthorizedException") => (
            StatusCode::BAD_REQUEST,
            "wrong-code",
            "this is not the code that was mailed",
        ),
        (_, "UserNotConfirmedException") => (
            StatusCode::FORBIDDEN,
            "not-confirmed",
            "this account is not confirmed yet; send the code that was mailed",
        ),
        (_, "PasswordResetRequiredException") => (
            StatusCode::FORBIDDEN,
            "password-reset-required",
            "this account's password must be reset first",
        ),
        (Call::SignUp, "UsernameExistsException") => {
            (StatusCode::CONFLICT, "name-taken", "this name is taken")
        }
        (_, "AliasExistsException") => (
            StatusCode::CONFLICT,
            "address-taken",
            "this mail address belongs to another account",
        ),
        (Call::Confirm | Call::Reset, "ExpiredCodeException") => (
            StatusCode::BAD_REQUEST,
            "expired-code",
            "this code is not valid any more",
        ),
        (Call::Confirm, "NotAuthorizedException") => (
            StatusCode::CONFLICT,
            "conflict",
            "this account cannot be confirmed now; if it is already, log in",
        ),
        // What a password needs is the pool's own setting, and only Cognito knows it.
        (_, "InvalidPasswordException") => (StatusCode::BAD_REQUEST, "weak-password", message),
        (_, "InvalidParameterException") => {
            tracing::debug!(message, "Cognito does not take a parameter");
            (
                StatusCode::BAD_REQUEST,
                "invalid-field",
                "a name, a password, a code, a token or a mail address is not of a form that is taken",
            )
        }
        (_, "UserLambdaValidationException") => (StatusCode::BAD_REQUEST, "bad-request", message),
        (Call::SignUp, "NotAuthorizedException") => (
            StatusCode::FORBIDDEN,
            "forbidden",
            "nobody can register here by themselves",
        ),
        _ => return None,
    };
    Some(Error::rejected(status, detail).of_kind(kind))
}

/// Whether an error code says that there is nobody to mail a code to, or no need: what is asked for is done then,
/// and nobody learns who is registered.
pub(super) fn is_nobody_to_mail(code: &str) -> bool {
    matches!(
        code,
        "UserNotFoundException"
            | "InvalidParameterException"
            | "NotAuthorizedException"
            | "UserNotConfirmedException"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(call: Call, code: &str) -> Option<u16> {
        match refusal(call, code, "Cognito's words")? {
            Error::Rejected { status, .. } => Some(status.as_u16()),
            other => panic!("{other:?} is not the user's fault"),
        }
    }

    #[test]
    fn each_fault_has_its_status() {
        for (call, code, expected) in [
            (Call::Login, "NotAuthorizedException", 401),
            (Call::Login, "UserNotConfirmedException", 403),
            (Call::Refresh, "NotAuthorizedException", 401),
            (Call::Logout, "NotAuthorizedException", 401),
            (Call::SignUp, "UsernameExistsException", 409),
            (Call::SignUp, "InvalidPasswordException", 400),
            (Call::SignUp, "InvalidParameterException", 400),
            (Call::Confirm, "CodeMismatchException", 400),
            (Call::Confirm, "ExpiredCodeException", 400),
            (Call::Confirm, "NotAuthorizedException", 409),
            (Call::Reset, "CodeMismatchException", 400),
            (Call::Reset, "InvalidPasswordException", 400),
            (Call::Challenge, "NotAuthorizedException", 401),
            (Call::Challenge, "InvalidPasswordException", 400),
            (Call::Forgot, "LimitExceededException", 429),
            (Call::Login, "TooManyRequestsException", 429),
            (Call::Confirm, "LimitExceededException", 429),
        ] {
            assert_eq!(status(call, code), Some(expected), "{call:?} {code}");
        }
    }

    #[test]
    fn a_login_does_not_tell_whether_the_name_exists() {
        let wrong = refusal(
            Call::Login,
            "NotAuthorizedException",
            "Incorrect username or password.",
        );
        assert_eq!(
            wrong,
            refusal(Call::Login, "UserNotFoundException", "User does not exist.")
        );
        let mismatch = refusal(Call::Confirm, "CodeMismatchException", "a");
        assert_eq!(
            mismatch,
            refusal(Call::Confirm, "UserNotFoundException", "b")
        );
        let mismatch = refusal(Call::Reset, "CodeMismatchException", "a");
        for code in ["UserNotFoundException", "UserNotConfirmedException"] {
            assert_eq!(mismatch, refusal(Call::Reset, code, "b"), "{code}");
        }
    }

    #[test]
    fn a_bad_password_is_refused_in_cognitos_words() {
        let error = refusal(Call::SignUp, "InvalidPasswordException", "too short");
        assert_eq!(
            error,
            Some(Error::bad_request("too short").of_kind("weak-password"))
        );
    }

    #[test]
    fn what_is_not_the_users_fault_stays_a_fault() {
        for code in [
            "ResourceNotFoundException",
            "InternalErrorException",
            "AccessDeniedException",
        ] {
            assert_eq!(refusal(Call::Login, code, ""), None);
        }
    }
}
