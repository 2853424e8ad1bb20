//! What each operation takes and gives.

use schemars::SchemaGenerator;
use serde_json::{Value, json};

use super::{Answer, Operation};
use crate::domain::GivenOptions;
use crate::features::auth::{
    ChosenPassword, Confirmation, Confirmed, CurrentUser, Login, Named, Refresh, Reset, SignedUp,
    Signup,
};
use crate::features::notices::{Notify, Published};
use crate::features::upload_parts::{PartTargets, PartsState, WantedParts};
use crate::features::uploads::{Complete, NewUpload, UploadTarget};
use crate::features::video_view::VideoView;
use crate::features::videos::{DownloadLink, DownloadQuery, ListQuery, Patch, VideoList};
use crate::ports::{self, Tokens};

const LOCATION: (&str, &str) = (
    "Location",
    "Where the video's record is, on `status-service`.",
);

/// The operation of this feature.
///
/// # Panics
/// When nothing is said of it: a new route is described here.
pub(super) fn of(feature: &str, schemas: &mut SchemaGenerator) -> Operation {
    auth(feature, schemas)
        .or_else(|| uploads(feature, schemas))
        .or_else(|| videos(feature, schemas))
        .unwrap_or_else(|| panic!("nothing is said of {feature}"))
}

/// A stream of events.
fn events(about: &'static str) -> Operation {
    let mut operation = Operation::new("videos").answers_with(Answer {
        status: 200,
        about,
        headers: Vec::new(),
        content: Some(("text/event-stream", json!({ "type": "string" }))),
    });
    operation.query = vec![json!({
        "name": "Last-Event-ID", "in": "header", "schema": { "type": "string" },
        "description": "The `id` of the last event that the client has; what it knows is not told again.",
    })];
    operation
}

/// Where the video of an answer leads.
fn to_video() -> Value {
    let video = json!({ "user_id": "me", "video_id": "$response.body#/video_id" });
    let link = |operation: &str| json!({ "operationId": operation, "parameters": video });
    json!({
        "video": link("video-get"),
        "retry": link("video-retry"),
        "rename": link("video-patch"),
        "download": link("video-download"),
        "delete": link("video-delete"),
    })
}

fn auth(feature: &str, schemas: &mut SchemaGenerator) -> Option<Operation> {
    Some(match feature {
        "auth-signup" => Operation::new("auth")
            .body::<Signup>(schemas, true)
            .answers::<SignedUp>(schemas, 201, "The user; a code was mailed.")
            .problems(&[
                "weak-password",
                "name-taken",
                "address-taken",
                "forbidden",
                "too-many-requests",
            ]),
        "auth-confirm" => Operation::new("auth")
            .body::<Confirmation>(schemas, true)
            .answers::<Confirmed>(schemas, 200, "The user may log in.")
            .problems(&[
                "wrong-code",
                "expired-code",
                "conflict",
                "address-taken",
                "too-many-requests",
            ]),
        "auth-resend" => Operation::new("auth")
            .body::<Named>(schemas, true)
            .answers_nothing(202, "If somebody of that name needs a code, it was mailed."),
        "auth-forgot" => Operation::new("auth")
            .body::<Named>(schemas, true)
            .answers_nothing(202, "If there is somebody of that name, a code was mailed."),
        "auth-reset" => Operation::new("auth")
            .body::<Reset>(schemas, true)
            .answers_nothing(204, "The password is set.")
            .problems(&["wrong-code", "expired-code", "weak-password"]),
        "auth-password" => Operation::new("auth")
            .body::<ChosenPassword>(schemas, true)
            .answers::<Tokens>(schemas, 200, "Tokens.")
            .problems(&["token-invalid", "weak-password", "forbidden"]),
        "auth-login" => Operation::new("auth")
            .body::<Login>(schemas, true)
            .answers::<ports::Login>(
                schemas,
                200,
                "Tokens; or the session in which a temporary password is to be changed.",
            )
            .problems(&[
                "wrong-credentials",
                "not-confirmed",
                "password-reset-required",
                "forbidden",
            ]),
        "auth-refresh" => Operation::new("auth")
            .body::<Refresh>(schemas, true)
            .answers::<Tokens>(
                schemas,
                200,
                "New tokens; `refresh_token` only where there is a new one.",
            )
            .problems(&[
                "token-invalid",
                "not-confirmed",
                "password-reset-required",
                "forbidden",
            ]),
        "auth-logout" => Operation::new("auth")
            .answers_nothing(
                204,
                "No session of the user is left. Access tokens live on until they expire.",
            )
            .problems(&["too-many-requests", "bad-request"]),
        "auth-me" => Operation::new("auth").answers::<CurrentUser<'_>>(schemas, 200, "The user."),
        _ => return None,
    })
}

fn uploads(feature: &str, schemas: &mut SchemaGenerator) -> Option<Operation> {
    Some(match feature {
        "upload-create" => Operation::new("uploads")
            .body_of_two::<NewUpload, GivenOptions>(schemas)
            .answers::<UploadTarget>(schemas, 201, "Where to put the file.")
            .header(LOCATION.0, LOCATION.1)
            .links({
                let mut links = to_video();
                links["complete"] = json!({
                    "operationId": "upload-complete",
                    "parameters": { "video_id": "$response.body#/video_id" },
                });
                links
            }),
        "upload-complete" => Operation::new("uploads")
            .body::<Complete>(schemas, false)
            .answers::<VideoView<'_>>(schemas, 202, "The video as it now is.")
            .problems(&[
                "not-uploaded",
                "other-size",
                "other-part",
                "upload-over",
                "too-many-retries",
            ])
            .links(to_video()),
        "upload-sign-parts" => Operation::new("uploads")
            .body::<WantedParts>(schemas, true)
            .answers::<PartTargets>(schemas, 200, "Where to put each of these parts.")
            .problems(&["not-in-parts", "upload-over"]),
        "upload-list-parts" => Operation::new("uploads")
            .answers::<PartsState>(schemas, 200, "Which parts are there.")
            .problems(&["not-in-parts", "upload-over"]),
        "upload-abandon" => Operation::new("uploads")
            .answers_nothing(204, "The upload is abandoned, and its video is gone.")
            .problems(&["upload-over"]),
        "upload-form" => Operation::new("uploads")
            .form::<GivenOptions>(schemas)
            .answers::<VideoView<'_>>(schemas, 202, "The video, which is queued.")
            .header(LOCATION.0, LOCATION.1)
            .links(to_video()),
        _ => return None,
    })
}

fn videos(feature: &str, schemas: &mut SchemaGenerator) -> Option<Operation> {
    Some(match feature {
        "notify-publish" => Operation::new("notices")
            .body::<Notify>(schemas, true)
            .answers::<Published>(schemas, 202, "It is published."),
        "video-list" => Operation::new("videos")
            .query::<ListQuery>(schemas)
            .answers::<VideoList<'_>>(schemas, 200, "A page of videos, newest first."),
        "videos-follow" => events(
            "Events: `video` with the record of each video that is new or has changed, then `videos` with \
             `video_ids` (the 50 newest) when one has come or gone. In pods the stream goes on for up to 15 minutes; \
             behind a gateway it ends at once, and `retry:` says when to come back.",
        ),
        "video-follow" => events(
            "Events: `video` with the record when it has changed; `problem` when it was deleted, which ends the \
             stream. In pods it goes on for up to 15 minutes; behind a gateway it ends at once, and `retry:` says \
             when to come back.",
        ),
        "video-get" => {
            Operation::new("videos").answers::<VideoView<'_>>(schemas, 200, "The video.")
        }
        "video-download" => Operation::new("videos")
            .query::<DownloadQuery>(schemas)
            .answers::<DownloadLink>(schemas, 200, "Where the zip is, to who asks for JSON.")
            .answers_with(Answer {
                status: 302,
                about: "To the zip.",
                headers: vec![(
                    "Location",
                    "A presigned address, which is good for some hours.",
                )],
                content: None,
            })
            .problems(&["not-done"]),
        "video-patch" => Operation::new("videos")
            .body::<Patch>(schemas, true)
            .answers::<VideoView<'_>>(schemas, 200, "The video as it now is.")
            .problems(&["bad-request", "forbidden", "no-such-step"]),
        "video-retry" => Operation::new("videos")
            .body::<GivenOptions>(schemas, false)
            .answers::<VideoView<'_>>(schemas, 202, "The video, which is queued.")
            .problems(&["bad-request", "not-ended", "too-many-retries"]),
        "video-delete" => Operation::new("videos")
            .answers_nothing(204, "The video is gone, as are its file and its frames."),
        _ => return None,
    })
}
