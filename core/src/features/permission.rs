//! What a feature may do in AWS, one action on one resource at a time: what its role needs, and no
//! more. The stories hold a row to it: see `handlers/tests/stories`.

use serde::{Serialize, Serializer};

use super::resources::{
    FRAMES_PREFIX, OPEN_INDEX, UPLOADS_PREFIX, USER_INDEX, VIDEO_DEAD_LETTERS, VIDEO_QUEUE,
    VIDEO_TOPIC,
};

/// One action on one resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Permission {
    /// As IAM names it: `dynamodb:GetItem`.
    pub action: &'static str,
    /// What it is done to.
    pub resource: Resource,
}

/// What an action is done to, without the stage's prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Resource {
    /// The status table.
    Table,
    /// An index of the status table.
    Index(&'static str),
    /// The bucket itself.
    Bucket,
    /// The bucket's objects whose keys begin so.
    Objects(&'static str),
    /// A queue.
    Queue(&'static str),
    /// A topic.
    Topic(&'static str),
    /// The address that mails come from.
    MailFrom,
    /// The user pool.
    UserPool,
}

impl Serialize for Resource {
    /// `{"queue": "video-queue"}`, or a word for what there is one of.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (kind, name) = match *self {
            Self::Table => ("table", ""),
            Self::Index(name) => ("index", name),
            Self::Bucket => ("bucket", ""),
            Self::Objects(prefix) => ("objects", prefix),
            Self::Queue(name) => ("queue", name),
            Self::Topic(name) => ("topic", name),
            Self::MailFrom => ("mail-from", ""),
            Self::UserPool => ("user-pool", ""),
        };
        if name.is_empty() {
            serializer.serialize_str(kind)
        } else {
            serializer.collect_map([(kind, name)])
        }
    }
}

const fn allow(action: &'static str, resource: Resource) -> Permission {
    Permission { action, resource }
}

impl Permission {
    /// Reads one record.
    pub const GET_VIDEO: Self = allow("dynamodb:GetItem", Resource::Table);
    /// Writes one record.
    pub const PUT_VIDEO: Self = allow("dynamodb:PutItem", Resource::Table);
    /// Lists a user's records.
    pub const LIST_VIDEOS: Self = allow("dynamodb:Query", Resource::Index(USER_INDEX));
    /// Lists the records of unfinished videos.
    pub const LIST_UNFINISHED: Self = allow("dynamodb:Query", Resource::Index(OPEN_INDEX));
    /// Lists objects, and has S3 say 404, and not 403, of one that is not there.
    pub const LIST_BUCKET: Self = allow("s3:ListBucket", Resource::Bucket);
    /// Reads uploads, or signs for it.
    pub const GET_UPLOAD: Self = allow("s3:GetObject", Resource::Objects(UPLOADS_PREFIX));
    /// Writes uploads, or signs for it.
    pub const PUT_UPLOAD: Self = allow("s3:PutObject", Resource::Objects(UPLOADS_PREFIX));
    /// Tells which parts of an upload are there.
    pub const LIST_PARTS: Self = allow(
        "s3:ListMultipartUploadParts",
        Resource::Objects(UPLOADS_PREFIX),
    );
    /// Throws away an upload in parts.
    pub const ABORT_UPLOAD: Self =
        allow("s3:AbortMultipartUpload", Resource::Objects(UPLOADS_PREFIX));
    /// Removes uploads.
    pub const DELETE_UPLOAD: Self = allow("s3:DeleteObject", Resource::Objects(UPLOADS_PREFIX));
    /// Reads zips, or signs for it.
    pub const GET_ZIP: Self = allow("s3:GetObject", Resource::Objects(FRAMES_PREFIX));
    /// Writes zips.
    pub const PUT_ZIP: Self = allow("s3:PutObject", Resource::Objects(FRAMES_PREFIX));
    /// Throws away a zip in parts.
    pub const ABORT_ZIP: Self = allow("s3:AbortMultipartUpload", Resource::Objects(FRAMES_PREFIX));
    /// Removes zips.
    pub const DELETE_ZIP: Self = allow("s3:DeleteObject", Resource::Objects(FRAMES_PREFIX));
    /// Sends jobs.
    pub const SEND_JOB: Self = allow("sqs:SendMessage", Resource::Queue(VIDEO_QUEUE));
    /// Puts messages onto the dead-letter queue of jobs.
    pub const SEND_DEAD_LETTER: Self =
        allow("sqs:SendMessage", Resource::Queue(VIDEO_DEAD_LETTERS));
    /// Publishes notices.
    pub const PUBLISH_NOTICE: Self = allow("sns:Publish", Resource::Topic(VIDEO_TOPIC));
    /// Sends mails.
    pub const SEND_MAIL: Self = allow("ses:SendEmail", Resource::MailFrom);
    /// Registers a user.
    pub const SIGN_UP: Self = allow("cognito-idp:SignUp", Resource::UserPool);
    /// Confirms a registration.
    pub const CONFIRM_SIGN_UP: Self = allow("cognito-idp:ConfirmSignUp", Resource::UserPool);
    /// Mails the code of a registration again.
    pub const RESEND_CODE: Self = allow("cognito-idp:ResendConfirmationCode", Resource::UserPool);
    /// Mails a code for a new password.
    pub const FORGOT_PASSWORD: Self = allow("cognito-idp:ForgotPassword", Resource::UserPool);
    /// Sets a password with a code.
    pub const RESET_PASSWORD: Self = allow("cognito-idp:ConfirmForgotPassword", Resource::UserPool);
    /// Answers what is wanted before tokens are given.
    pub const ANSWER_CHALLENGE: Self =
        allow("cognito-idp:RespondToAuthChallenge", Resource::UserPool);
    /// Gives tokens.
    pub const INITIATE_AUTH: Self = allow("cognito-idp:InitiateAuth", Resource::UserPool);
    /// Ends a user's sessions.
    pub const SIGN_OUT: Self = allow("cognito-idp:GlobalSignOut", Resource::UserPool);
    /// Looks a user up.
    pub const GET_USER: Self = allow("cognito-idp:AdminGetUser", Resource::UserPool);
}
