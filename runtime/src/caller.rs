//! Who calls. An adapter puts a [`Caller`] into a request's extensions after it has verified a
//! token (or API Gateway has); nothing that a client can send sets it.

use crate::{Error, Result, problem};
use http::StatusCode;

/// Who is behind a request, as a verified token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The token's `sub`: never changes and is never given to somebody else.
    pub user_id: String,
    /// The name that the user logs in with.
    pub username: String,
    /// The address, where the token says that it is verified: only id tokens do.
    pub email: Option<String>,
    /// The groups that the user is in.
    pub groups: Vec<String>,
}

impl Caller {
    /// Whether the user is in this group.
    #[must_use]
    pub fn is_in(&self, group: &str) -> bool {
        self.groups.iter().any(|g| g == group)
    }
}

/// The id of one request, for logs and error answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestId(pub String);

/// Who may call a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Access {
    /// Anybody.
    Public,
    /// Anybody with a valid token.
    User,
    /// Members of this group.
    Group(&'static str),
}

impl Access {
    /// Lets a caller through, or says why not.
    ///
    /// # Errors
    /// 401 without a caller where one is needed, 403 outside the group.
    pub fn check(self, caller: Option<&Caller>) -> Result<()> {
        match (self, caller) {
            (Self::Public, _) | (Self::User, Some(_)) => Ok(()),
            (Self::Group(group), Some(caller)) if caller.is_in(group) => Ok(()),
            (Self::Group(group), Some(_)) => Err(Error::rejected(
                StatusCode::FORBIDDEN,
                format!("this needs the group {group}"),
            )),
            (_, None) => Err(Error::rejected(
                StatusCode::UNAUTHORIZED,
                "a valid token is needed: Authorization: Bearer <access token>",
            )
            .of_kind(problem::TOKEN_MISSING)),
        }
    }
}

/// The caller of a request whose route needs one.
///
/// # Errors
/// 401 when the adapter found none.
pub fn require_caller<T>(request: &http::Request<T>) -> Result<&Caller> {
    let caller = request.extensions().get::<Caller>();
    Access::User.check(caller)?;
    caller.ok_or_else(|| Error::permanent("a caller was let through but is not there"))
}
