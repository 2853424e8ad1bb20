//! The kinds of problems that answers tell of: what a program may go by, and what it means.

/// A kind of problem.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProblemKind {
    /// What the `type` ends with.
    pub name: &'static str,
    /// The status that it comes with.
    pub status: u16,
    /// What it means, and what to do.
    pub about: &'static str,
}

const fn kind(status: u16, name: &'static str, about: &'static str) -> ProblemKind {
    ProblemKind {
        name,
        status,
        about,
    }
}

/// All of them, in the order of their statuses.
pub const PROBLEMS: &[ProblemKind] = &[
    kind(
        400,
        "bad-request",
        "The request cannot be understood; `detail` says why.",
    ),
    kind(
        400,
        "malformed-body",
        "The body is not JSON, or not an object.",
    ),
    kind(
        400,
        "invalid-field",
        "A field of the body, the form or the query is not as it must be; `field` names it.",
    ),
    kind(
        400,
        "missing-field",
        "A field that must be there is not; `field` names it.",
    ),
    kind(
        400,
        "unknown-field",
        "There is no such field or parameter here; `field` names it.",
    ),
    kind(
        400,
        "wrong-code",
        "The code is not the one that was mailed.",
    ),
    kind(
        400,
        "expired-code",
        "The code was mailed too long ago, or was used; ask for another.",
    ),
    kind(
        400,
        "weak-password",
        "The password is not one that may be chosen; `detail` says what it needs.",
    ),
    kind(
        401,
        "token-missing",
        "There is no access token: send `Authorization: Bearer`.",
    ),
    kind(
        401,
        "token-expired",
        "The access token has expired: refresh it, and try again.",
    ),
    kind(
        401,
        "token-invalid",
        "The token is not one of this system's, or not of this use: log in again.",
    ),
    kind(
        401,
        "wrong-credentials",
        "The name or the password is wrong.",
    ),
    kind(401, "unauthorized", "It is not known who asks."),
    kind(403, "forbidden", "This is for others, such as operators."),
    kind(
        403,
        "not-confirmed",
        "The account is not confirmed yet: send the code that was mailed.",
    ),
    kind(
        403,
        "password-reset-required",
        "The password must be reset before the next login.",
    ),
    kind(
        404,
        "not-found",
        "There is no such thing, or it is somebody else's.",
    ),
    kind(
        404,
        "no-such-path",
        "There is no such path on this service.",
    ),
    kind(
        405,
        "method-not-allowed",
        "The path has other methods: those of the header `Allow`.",
    ),
    kind(408, "request-timeout", "The body did not arrive in time."),
    kind(
        409,
        "conflict",
        "It does not fit what is there; `detail` says how.",
    ),
    kind(409, "name-taken", "Another user has this name."),
    kind(
        409,
        "address-taken",
        "The mail address belongs to another account.",
    ),
    kind(
        409,
        "not-uploaded",
        "The file is not there yet: put it, and say so again.",
    ),
    kind(
        409,
        "other-size",
        "The file has another length than was announced: put the right one, and say so again.",
    ),
    kind(
        409,
        "other-part",
        "A part is not the one that was named: it was sent again since. Ask which are there.",
    ),
    kind(409, "not-in-parts", "The upload is one PUT, not parts."),
    kind(
        409,
        "upload-over",
        "The upload is complete, or was given up: there are no parts any more.",
    ),
    kind(409, "not-done", "There is no zip: the video is not done."),
    kind(
        409,
        "not-ended",
        "Only a video that is done or failed can be retried.",
    ),
    kind(
        409,
        "too-many-retries",
        "The video was retried as often as a video may be: upload it again.",
    ),
    kind(409, "no-such-step", "A video's life has no such step."),
    kind(
        413,
        "too-large",
        "The file or the body is longer than what is taken.",
    ),
    kind(
        415,
        "unsupported-media-type",
        "The body is of another type than is taken here.",
    ),
    kind(
        422,
        "unprocessable",
        "It is understood, but cannot be taken.",
    ),
    kind(
        429,
        "too-many-requests",
        "Too many of these: wait for `Retry-After` seconds.",
    ),
    kind(
        500,
        "internal-error",
        "A fault of this system: tell its operator the `request_id`.",
    ),
    kind(
        503,
        "unavailable",
        "A part of the system cannot be reached, or there is no room: try again after `Retry-After` seconds.",
    ),
    kind(504, "took-too-long", "It took too long; try again."),
];
