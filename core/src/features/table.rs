//! The rows.

use super::resources::{
    NOTIFICATION_QUEUE, UPLOAD_QUEUE, UPLOADS_PREFIX, VIDEO_DEAD_LETTERS, VIDEO_QUEUE, VIDEO_TOPIC,
};
use super::{
    Access, App, DEAD_LETTER_PAUSE, Duration, Feature, FileForm, LOG_INS, Method, OPERATORS,
    Permission, RETRIES, Route, SIGN_UPS, SWEEP_EVERY, Trigger, UPLOADS, auth, dead_letter,
    followed_route, http_route, limited_route, limits, notices, process_video, query_route, sweep,
    upload_parts, uploads, video_events, videos,
};

/// Every feature there is.
pub static TABLE: &[Feature<App>] = &[
    Feature {
        name: "auth-signup",
        service: "auth-service",
        about: "registers a user, who gets a code by mail",
        trigger: limited_route(SIGN_UPS, "/auth/signup", Access::Public, |app, r| {
            Box::pin(auth::sign_up(app, r))
        }),
        limits: limits::REQUEST,
        permissions: &[Permission::SIGN_UP],
    },
    Feature {
        name: "auth-confirm",
        service: "auth-service",
        about: "confirms a registration with the mailed code",
        trigger: limited_route(LOG_INS, "/auth/confirm", Access::Public, |app, r| {
            Box::pin(auth::confirm_sign_up(app, r))
        }),
        limits: limits::REQUEST,
        permissions: &[Permission::CONFIRM_SIGN_UP],
    },
    Feature {
        name: "auth-resend",
        service: "auth-service",
        about: "mails the code of a registration once more",
        trigger: limited_route(LOG_INS, "/auth/resend", Access::Public, |app, r| {
            Box::pin(auth::resend_code(app, r))
        }),
        limits: limits::REQUEST,
        permissions: &[Permission::RESEND_CODE],
    },
    Feature {
        name: "auth-forgot",
        service: "auth-service",
        about: "mails a code by which a password can be reset",
        trigger: limited_route(LOG_INS, "/auth/forgot", Access::Public, |app, r| {
            Box::pin(auth::forgot_password(app, r))
        }),
        limits: limits::REQUEST,
        permissions: &[Permission::FORGOT_PASSWORD],
    },
    Feature {
        name: "auth-reset",
        service: "auth-service",
        about: "sets a password with the mailed code",
        trigger: limited_route(LOG_INS, "/auth/reset", Access::Public, |app, r| {
            Box::pin(auth::reset_password(app, r))
        }),
        limits: limits::REQUEST,
        permissions: &[Permission::RESET_PASSWORD],
    },
    Feature {
        name: "auth-password",
        service: "auth-service",
        about: "sets a password in the place of a temporary one",
        trigger: limited_route(LOG_INS, "/auth/password", Access::Public, |app, r| {
            Box::pin(auth::choose_password(app, r))
        }),
        limits: limits::REQUEST,
        permissions: &[Permission::ANSWER_CHALLENGE],
    },
    Feature {
        name: "auth-login",
        service: "auth-service",
        about: "gives tokens for a name and a password",
        trigger: limited_route(LOG_INS, "/auth/login", Access::Public, |app, r| {
            Box::pin(auth::log_in(app, r))
        }),
        limits: limits::REQUEST,
        permissions: &[Permission::INITIATE_AUTH],
    },
    Feature {
        name: "auth-refresh",
        service: "auth-service",
        about: "gives new tokens for a refresh token",
        trigger: limited_route(LOG_INS, "/auth/refresh", Access::Public, |app, r| {
            Box::pin(auth::refresh_tokens(app, r))
        }),
        limits: limits::REQUEST,
        permissions: &[Permission::INITIATE_AUTH],
    },
    Feature {
        name: "auth-logout",
        service: "auth-service",
        about: "ends the sessions of the token's user",
        trigger: http_route(Method::POST, "/auth/logout", Access::User, |app, r| {
            Box::pin(auth::log_out(app, r))
        }),
        limits: limits::REQUEST,
        permissions: &[Permission::SIGN_OUT],
    },
    Feature {
        name: "auth-me",
        service: "auth-service",
        about: "says whose the token is",
        trigger: http_route(Method::GET, "/auth/me", Access::User, |app, r| {
            Box::pin(auth::current_user(app, r))
        }),
        limits: limits::REQUEST,
        permissions: &[Permission::GET_USER],
    },
    Feature {
        name: "upload-create",
        service: "video-uploader",
        about: "registers a video and gives a presigned PUT for it",
        trigger: limited_route(UPLOADS, "/uploads", Access::User, |app, r| {
            Box::pin(uploads::create_upload(app, r))
        }),
        limits: limits::REQUEST,
        permissions: &[
            Permission::PUT_UPLOAD,
            Permission::GET_USER,
            Permission::PUT_VIDEO,
        ],
    },
    Feature {
        name: "upload-complete",
        service: "video-uploader",
        about: "checks the uploaded object and queues the job; with retry, queues an ended one again",
        trigger: limited_route(
            RETRIES,
            "/uploads/{video_id}/complete",
            Access::User,
            |app, r| Box::pin(uploads::complete_upload(app, r)),
        ),
        limits: limits::REQUEST,
        permissions: &[
            Permission::GET_VIDEO,
            Permission::LIST_BUCKET,
            Permission::GET_UPLOAD,
            Permission::LIST_PARTS,
            Permission::PUT_UPLOAD,
            Permission::SEND_JOB,
            Permission::PUT_VIDEO,
            Permission::PUBLISH_NOTICE,
        ],
    },
    Feature {
        name: "upload-sign-parts",
        service: "video-uploader",
        about: "gives addresses for some parts of a long file",
        trigger: http_route(
            Method::POST,
            "/uploads/{video_id}/parts",
            Access::User,
            |app, r| Box::pin(upload_parts::sign_parts(app, r)),
        ),
        limits: limits::REQUEST,
        permissions: &[Permission::GET_VIDEO, Permission::PUT_UPLOAD],
    },
    Feature {
        name: "upload-list-parts",
        service: "video-uploader",
        about: "tells which parts of a long file are there",
        trigger: http_route(
            Method::GET,
            "/uploads/{video_id}/parts",
            Access::User,
            |app, r| Box::pin(upload_parts::list_parts(app, r)),
        ),
        limits: limits::REQUEST,
        permissions: &[Permission::GET_VIDEO, Permission::LIST_PARTS],
    },
    Feature {
        name: "upload-abandon",
        service: "video-uploader",
        about: "abandons an upload, and the video with it",
        trigger: http_route(
            Method::DELETE,
            "/uploads/{video_id}",
            Access::User,
            |app, r| Box::pin(upload_parts::abandon_upload(app, r)),
        ),
        limits: limits::REQUEST,
        permissions: &[
            Permission::GET_VIDEO,
            Permission::PUT_VIDEO,
            Permission::ABORT_UPLOAD,
            Permission::DELETE_UPLOAD,
        ],
    },
    Feature {
        name: "upload-form",
        service: "video-uploader",
        about: "takes a video as a form upload and queues the job",
        trigger: Trigger::Http(Route {
            method: Method::POST,
            path: "/upload/",
            access: Access::User,
            form: Some(FileForm {
                key: uploads::form_object_key,
            }),
            rate_limit: Some(UPLOADS),
            follow: false,
            takes_query: false,
            handle: |app, r| Box::pin(uploads::form_upload(app, r)),
        }),
        limits: limits::REQUEST,
        permissions: &[
            Permission::PUT_UPLOAD,
            Permission::ABORT_UPLOAD,
            Permission::DELETE_UPLOAD,
            Permission::LIST_BUCKET,
            Permission::GET_UPLOAD,
            Permission::GET_USER,
            Permission::GET_VIDEO,
            Permission::PUT_VIDEO,
            Permission::SEND_JOB,
        ],
    },
    Feature {
        name: "upload-arrived",
        service: "video-uploader",
        about: "queues the job of a registered video whose file has arrived, should nobody say so",
        trigger: Trigger::S3 {
            prefix: UPLOADS_PREFIX,
            queue: UPLOAD_QUEUE,
            handle: |app, event| Box::pin(uploads::upload_arrived(app, event)),
        },
        limits: limits::MESSAGES,
        permissions: &[
            Permission::GET_VIDEO,
            Permission::LIST_BUCKET,
            Permission::GET_UPLOAD,
            Permission::SEND_JOB,
            Permission::PUT_VIDEO,
        ],
    },
    Feature {
        name: "process-video",
        service: "video-processor",
        about: "takes a job and turns the video into a zip of its frames",
        trigger: Trigger::Sqs {
            queue: VIDEO_QUEUE,
            pause: Duration::ZERO,
            handle: |app, event| Box::pin(process_video::process_jobs(app, event)),
        },
        limits: limits::WHOLE_VIDEO,
        permissions: &[
            Permission::GET_VIDEO,
            Permission::PUT_VIDEO,
            Permission::LIST_BUCKET,
            Permission::GET_UPLOAD,
            Permission::GET_ZIP,
            Permission::PUT_ZIP,
            Permission::ABORT_ZIP,
            Permission::DELETE_ZIP,
            Permission::SEND_JOB,
            Permission::SEND_DEAD_LETTER,
            Permission::PUBLISH_NOTICE,
        ],
    },
    Feature {
        name: "dead-letter",
        service: "video-processor",
        about: "sends a job back to its queue that SQS gave up on; what is no job stays for people",
        trigger: Trigger::Sqs {
            queue: VIDEO_DEAD_LETTERS,
            pause: DEAD_LETTER_PAUSE,
            handle: |app, event| Box::pin(dead_letter::settle_dead_letters(app, event)),
        },
        limits: limits::MESSAGES,
        permissions: &[
            Permission::GET_VIDEO,
            Permission::PUT_VIDEO,
            Permission::SEND_JOB,
            Permission::PUBLISH_NOTICE,
        ],
    },
    Feature {
        name: "sweep",
        service: "video-processor",
        about: "finds stale videos: lost jobs, unpublished outcomes, uploads that never came",
        trigger: Trigger::Schedule {
            every: SWEEP_EVERY,
            handle: |app, event| Box::pin(sweep::sweep_stale_videos(app, event)),
        },
        limits: limits::SWEEP,
        permissions: &[
            Permission::LIST_UNFINISHED,
            Permission::GET_VIDEO,
            Permission::PUT_VIDEO,
            Permission::LIST_BUCKET,
            Permission::GET_UPLOAD,
            Permission::ABORT_UPLOAD,
            Permission::DELETE_UPLOAD,
            Permission::DELETE_ZIP,
            Permission::SEND_JOB,
            Permission::PUBLISH_NOTICE,
        ],
    },
    Feature {
        name: "notify-publish",
        service: "notification-service",
        about: "publishes a notice by hand",
        trigger: http_route(
            Method::POST,
            "/notify",
            Access::Group(OPERATORS),
            |app, r| Box::pin(notices::publish_notice(app, r)),
        ),
        limits: limits::REQUEST,
        permissions: &[Permission::GET_VIDEO, Permission::PUBLISH_NOTICE],
    },
    Feature {
        name: "notify-mail",
        service: "notification-service",
        about: "turns a notice into a mail to the user",
        trigger: Trigger::Sns {
            topic: VIDEO_TOPIC,
            queue: NOTIFICATION_QUEUE,
            handle: |app, event| Box::pin(notices::mail_notices(app, event)),
        },
        limits: limits::MESSAGES,
        permissions: &[
            Permission::GET_VIDEO,
            Permission::PUT_VIDEO,
            Permission::GET_ZIP,
            Permission::SEND_MAIL,
        ],
    },
    Feature {
        name: "video-list",
        service: "status-service",
        about: "lists a user's videos, newest first",
        trigger: query_route("/videos/{user_id}", |app, r| {
            Box::pin(videos::list_videos(app, r))
        }),
        limits: limits::REQUEST,
        permissions: &[Permission::LIST_VIDEOS],
    },
    // Before the one below, whose path it would fit too.
    Feature {
        name: "videos-follow",
        service: "status-service",
        about: "tells what is new of a user's videos, as events",
        trigger: followed_route("/videos/{user_id}/events", |app, r| {
            Box::pin(video_events::follow_videos(app, r))
        }),
        limits: limits::REQUEST,
        permissions: &[Permission::LIST_VIDEOS],
    },
    Feature {
        name: "video-follow",
        service: "status-service",
        about: "tells what is new of one video, as events",
        trigger: followed_route("/videos/{user_id}/{video_id}/events", |app, r| {
            Box::pin(video_events::follow_video(app, r))
        }),
        limits: limits::REQUEST,
        permissions: &[Permission::GET_VIDEO],
    },
    Feature {
        name: "video-get",
        service: "status-service",
        about: "tells of one video",
        trigger: http_route(
            Method::GET,
            "/videos/{user_id}/{video_id}",
            Access::User,
            |app, r| Box::pin(videos::get_video(app, r)),
        ),
        limits: limits::REQUEST,
        permissions: &[Permission::GET_VIDEO],
    },
    Feature {
        name: "video-download",
        service: "status-service",
        about: "redirects to a presigned GET of the zip",
        trigger: query_route("/videos/{user_id}/{video_id}/download", |app, r| {
            Box::pin(videos::download_zip(app, r))
        }),
        limits: limits::REQUEST,
        permissions: &[Permission::GET_VIDEO, Permission::GET_ZIP],
    },
    Feature {
        name: "video-patch",
        service: "status-service",
        about: "renames a video; lets an operator fail one or queue an ended one again",
        trigger: http_route(
            Method::PATCH,
            "/videos/{user_id}/{video_id}",
            Access::User,
            |app, r| Box::pin(videos::patch_video(app, r)),
        ),
        limits: limits::REQUEST,
        permissions: &[
            Permission::GET_VIDEO,
            Permission::PUT_VIDEO,
            Permission::SEND_JOB,
            Permission::PUBLISH_NOTICE,
        ],
    },
    Feature {
        name: "video-retry",
        service: "status-service",
        about: "queues an ended video again, with other options if wanted",
        trigger: limited_route(
            RETRIES,
            "/videos/{user_id}/{video_id}/retry",
            Access::User,
            |app, r| Box::pin(videos::retry_video(app, r)),
        ),
        limits: limits::REQUEST,
        permissions: &[
            Permission::GET_VIDEO,
            Permission::PUT_VIDEO,
            Permission::SEND_JOB,
            Permission::PUBLISH_NOTICE,
        ],
    },
    Feature {
        name: "video-delete",
        service: "status-service",
        about: "removes a video, its upload and its zips",
        trigger: http_route(
            Method::DELETE,
            "/videos/{user_id}/{video_id}",
            Access::User,
            |app, r| Box::pin(videos::delete_video(app, r)),
        ),
        limits: limits::REQUEST,
        permissions: &[
            Permission::GET_VIDEO,
            Permission::PUT_VIDEO,
            Permission::LIST_BUCKET,
            Permission::ABORT_UPLOAD,
            Permission::DELETE_UPLOAD,
            Permission::DELETE_ZIP,
        ],
    },
];
