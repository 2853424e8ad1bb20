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
            Self::Login | Self::Refresh => "InitiateAuth",
            Self::Logout => "GlobalSignOut",
        }
    }
}

/// The refusal for an error code, if it is the user's fault.
/// <https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/CommonErrors.html>
pub(super) fn refusal(call: Call, code: &str, message: &str) -> Option<Error> {
    let (status, detail) = match (call, code) {
        (
            _,
            "TooManyRequestsException"
            | "LimitExceededException"
            | "TooManyFailedAttemptsException",
        ) => (
            StatusCode::TOO_MANY_REQUESTS,
            "too many attempts; wait a while and try again",
        ),
        (Call::Login, "NotAuthorizedException" | "UserNotFoundException") => (
            StatusCode::UNAUTHORIZED,
            "the name or the password is wrong",
        ),
        (Call::Refresh, "NotAuthorizedException" | "UserNotFoundException") => (
            StatusCode::UNAUTHORIZED,
            "the refresh token is not valid any more; log in again",
        ),
        (Call::Logout, "NotAuthorizedException" | "UserNotFoundException") => (
            StatusCode::UNAUTHORIZED,
            "the access token is not valid any more; log in again",
        ),
        (_, "UserNotConfirmedException") => (
            StatusCode::FORBIDDEN,
            "this account is not confirmed yet; send the code that was mailed",
        ),
        (_, "PasswordResetRequiredException") => (
            StatusCode::FORBIDDEN,
            "this account's password must be reset first",
        ),
        (Call::SignUp, "UsernameExistsException") => (StatusCode::CONFLICT, "this name is taken"),
        (_, "AliasExistsException") => (
            StatusCode::CONFLICT,
            "this mail address belongs to another account",
        ),
        // An unknown name hears the same as a wrong code.
        (Call::Confirm, "CodeMismatchException" | "UserNotFoundException") => (
            StatusCode::BAD_REQUEST,
            "this is not the code that was mailed",
        ),
        (Call::Confirm, "ExpiredCodeException") => {
            (StatusCode::BAD_REQUEST, "this code is not valid any more")
        }
        (Call::Confirm, "NotAuthorizedException") => (
            StatusCode::CONFLICT,
            "this account cannot be confirmed now; if it is already, log in",
        ),
        (
            _,
            "InvalidPasswordException"
            | "InvalidParameterException"
            | "UserLambdaValidationException",
        ) => (StatusCode::BAD_REQUEST, message),
        (Call::SignUp, "NotAuthorizedException") => (
            StatusCode::FORBIDDEN,
            "nobody can register here by themselves",
        ),
        _ => return None,
    };
    Some(Error::rejected(status, detail))
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
    }

    #[test]
    fn a_bad_password_is_refused_in_cognitos_words() {
        let error = refusal(Call::SignUp, "InvalidPasswordException", "too short");
        assert_eq!(error, Some(Error::bad_request("too short")));
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
