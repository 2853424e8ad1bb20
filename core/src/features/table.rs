//! The rows.

use super::{
    Access, App, DEAD_LETTER_PAUSE, Duration, Feature, FileForm, Method, OPERATORS, Permission,
    Route, SWEEP_EVERY, Trigger, auth_confirm, auth_login, auth_logout, auth_me, auth_refresh,
    auth_signup, dead_letter, http, notify_mail, notify_publish, process_video, sweep,
    upload_arrived, upload_complete, upload_create, upload_form, video_delete, video_download,
    video_get, video_list, video_patch,
};

/// Every feature there is.
pub static TABLE: &[Feature<App>] = &[
    Feature {
        name: "auth-signup",
        service: "auth-service",
        about: "registers a user, who gets a code by mail",
        trigger: http(Method::POST, "/auth/signup", Access::Public, |app, r| {
            Box::pin(auth_signup::handle(app, r))
        }),
        permissions: &[Permission::Identity],
    },
    Feature {
        name: "auth-confirm",
        service: "auth-service",
        about: "confirms a registration with the mailed code",
        trigger: http(Method::POST, "/auth/confirm", Access::Public, |app, r| {
            Box::pin(auth_confirm::handle(app, r))
        }),
        permissions: &[Permission::Identity],
    },
    Feature {
        name: "auth-login",
        service: "auth-service",
        about: "gives tokens for a name and a password",
        trigger: http(Method::POST, "/auth/login", Access::Public, |app, r| {
            Box::pin(auth_login::handle(app, r))
        }),
        permissions: &[Permission::Identity],
    },
    Feature {
        name: "auth-refresh",
        service: "auth-service",
        about: "gives new tokens for a refresh token",
        trigger: http(Method::POST, "/auth/refresh", Access::Public, |app, r| {
            Box::pin(auth_refresh::handle(app, r))
        }),
        permissions: &[Permission::Identity],
    },
    Feature {
        name: "auth-logout",
        service: "auth-service",
        about: "ends the sessions of the token's user",
        trigger: http(Method::POST, "/auth/logout", Access::User, |app, r| {
            Box::pin(auth_logout::handle(app, r))
        }),
        permissions: &[Permission::Identity],
    },
    Feature {
        name: "auth-me",
        service: "auth-service",
        about: "says whose the token is",
        trigger: http(Method::GET, "/auth/me", Access::User, |app, r| {
            Box::pin(auth_me::handle(app, r))
        }),
        permissions: &[Permission::Identity],
    },
    Feature {
        name: "upload-create",
        service: "video-uploader",
        about: "registers a video and gives a presigned PUT for it",
        trigger: http(Method::POST, "/uploads", Access::User, |app, r| {
            Box::pin(upload_create::handle(app, r))
        }),
        permissions: &[
            Permission::WriteVideos,
            Permission::WriteUploads,
            Permission::Identity,
        ],
    },
    Feature {
        name: "upload-complete",
        service: "video-uploader",
        about: "checks the uploaded object and queues the job; with retry, queues an ended one again",
        trigger: http(
            Method::POST,
            "/uploads/{video_id}/complete",
            Access::User,
            |app, r| Box::pin(upload_complete::handle(app, r)),
        ),
        permissions: &[
            Permission::ReadVideos,
            Permission::WriteVideos,
            Permission::ReadUploads,
            Permission::SendJobs,
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
                key: upload_form::key,
                fields: &["every", "mode"],
            }),
            handle: |app, r| Box::pin(upload_form::handle(app, r)),
        }),
        permissions: &[
            Permission::ReadVideos,
            Permission::WriteVideos,
            Permission::ReadUploads,
            Permission::WriteUploads,
            Permission::SendJobs,
            Permission::Identity,
        ],
    },
    Feature {
        name: "upload-arrived",
        service: "video-uploader",
        about: "queues the job of a registered video whose file has arrived, should nobody say so",
        trigger: Trigger::S3 {
            prefix: "uploads/",
            queue: "upload-queue",
            handle: |app, event| Box::pin(upload_arrived::handle(app, event)),
        },
        permissions: &[
            Permission::ReadVideos,
            Permission::WriteVideos,
            Permission::ReadUploads,
            Permission::SendJobs,
        ],
    },
    Feature {
        name: "process-video",
        service: "video-processor",
        about: "takes a job and turns the video into a zip of its frames",
        trigger: Trigger::Sqs {
            queue: "video-queue",
            pause: Duration::ZERO,
            handle: |app, event| Box::pin(process_video::handle(app, event)),
        },
        permissions: &[
            Permission::ReadVideos,
            Permission::WriteVideos,
            Permission::ReadUploads,
            Permission::WriteFrames,
            Permission::SendJobs,
            Permission::Publish,
        ],
    },
    Feature {
        name: "dead-letter",
        service: "video-processor",
        about: "marks a video failed when its job was given up, and tells the user",
        trigger: Trigger::Sqs {
            queue: "video-dlq",
            pause: DEAD_LETTER_PAUSE,
            handle: |app, event| Box::pin(dead_letter::handle(app, event)),
        },
        permissions: &[
            Permission::ReadVideos,
            Permission::WriteVideos,
            Permission::Publish,
        ],
    },
    Feature {
        name: "sweep",
        service: "video-processor",
        about: "finds videos that stand still: lost jobs, unpublished outcomes, uploads that never came",
        trigger: Trigger::Schedule {
            every: SWEEP_EVERY,
            handle: |app, event| Box::pin(sweep::handle(app, event)),
        },
        permissions: &[
            Permission::ReadVideos,
            Permission::WriteVideos,
            Permission::ReadUploads,
            Permission::SendJobs,
            Permission::Publish,
        ],
    },
    Feature {
        name: "notify-publish",
        service: "notification-service",
        about: "publishes a notice by hand",
        trigger: http(
            Method::POST,
            "/notify",
            Access::Group(OPERATORS),
            |app, r| Box::pin(notify_publish::handle(app, r)),
        ),
        permissions: &[Permission::ReadVideos, Permission::Publish],
    },
    Feature {
        name: "notify-mail",
        service: "notification-service",
        about: "turns a notice into a mail to the user",
        trigger: Trigger::Sns {
            topic: "video-topic",
            queue: "notification-queue",
            handle: |app, event| Box::pin(notify_mail::handle(app, event)),
        },
        permissions: &[
            Permission::ReadVideos,
            Permission::WriteVideos,
            Permission::ReadFrames,
            Permission::SendMail,
        ],
    },
    Feature {
        name: "video-list",
        service: "status-service",
        about: "lists a user's videos, newest first",
        trigger: http(Method::GET, "/videos/{user_id}", Access::User, |app, r| {
            Box::pin(video_list::handle(app, r))
        }),
        permissions: &[Permission::ReadVideos],
    },
    Feature {
        name: "video-get",
        service: "status-service",
        about: "tells of one video",
        trigger: http(
            Method::GET,
            "/videos/{user_id}/{video_id}",
            Access::User,
            |app, r| Box::pin(video_get::handle(app, r)),
        ),
        permissions: &[Permission::ReadVideos],
    },
    Feature {
        name: "video-download",
        service: "status-service",
        about: "redirects to a presigned GET of the zip",
        trigger: http(
            Method::GET,
            "/videos/{user_id}/{video_id}/download",
            Access::User,
            |app, r| Box::pin(video_download::handle(app, r)),
        ),
        permissions: &[Permission::ReadVideos, Permission::ReadFrames],
    },
    Feature {
        name: "video-patch",
        service: "status-service",
        about: "lets an operator fail a video or queue an ended one again",
        trigger: http(
            Method::PATCH,
            "/videos/{user_id}/{video_id}",
            Access::Group(OPERATORS),
            |app, r| Box::pin(video_patch::handle(app, r)),
        ),
        permissions: &[
            Permission::ReadVideos,
            Permission::WriteVideos,
            Permission::SendJobs,
            Permission::Publish,
        ],
    },
    Feature {
        name: "video-delete",
        service: "status-service",
        about: "removes a video, its upload and its zip",
        trigger: http(
            Method::DELETE,
            "/videos/{user_id}/{video_id}",
            Access::User,
            |app, r| Box::pin(video_delete::handle(app, r)),
        ),
        permissions: &[
            Permission::ReadVideos,
            Permission::WriteVideos,
            Permission::WriteUploads,
            Permission::WriteFrames,
        ],
    },
];
