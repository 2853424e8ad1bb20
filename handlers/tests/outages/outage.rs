//! What goes away, and how.

use fotograma_local::{Fault, FaultKind, ServiceName};

use crate::world::{Program, World};

/// What goes away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Peer {
    S3Read,
    S3Write,
    DynamoDb,
    SqsSend,
    SnsPublish,
    Ses,
    Cognito,
    Ffmpeg,
}

/// How it is away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Error,
    AccessDenied,
    Throttled,
    Hanging,
}

/// An outage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Outage {
    pub(crate) peer: Peer,
    pub(crate) kind: Kind,
}

impl Peer {
    pub(crate) const ALL: [Self; 8] = [
        Self::S3Read,
        Self::S3Write,
        Self::DynamoDb,
        Self::SqsSend,
        Self::SnsPublish,
        Self::Ses,
        Self::Cognito,
        Self::Ffmpeg,
    ];

    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::S3Read => "s3_read",
            Self::S3Write => "s3_write",
            Self::DynamoDb => "dynamodb",
            Self::SqsSend => "sqs_send",
            Self::SnsPublish => "sns_publish",
            Self::Ses => "ses",
            Self::Cognito => "cognito",
            Self::Ffmpeg => "ffmpeg",
        }
    }
}

impl Kind {
    pub(crate) const ALL: [Self; 4] = [
        Self::Error,
        Self::AccessDenied,
        Self::Throttled,
        Self::Hanging,
    ];

    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::AccessDenied => "denied",
            Self::Throttled => "throttled",
            Self::Hanging => "hanging",
        }
    }

    fn fault(self) -> Fault {
        Fault::new(match self {
            Self::Error => FaultKind::Error,
            Self::AccessDenied => FaultKind::AccessDenied,
            Self::Throttled => FaultKind::Throttle,
            Self::Hanging => FaultKind::Hang,
        })
    }

    /// What stands in ffmpeg's place. A program is not throttled: it is killed for its memory.
    fn program(self) -> Program {
        match self {
            Self::Error => Program::EndsInSilence,
            Self::AccessDenied => Program::NotExecutable,
            Self::Throttled => Program::Killed,
            Self::Hanging => Program::Hangs,
        }
    }
}

impl Outage {
    pub(crate) fn begin(self, world: &World) {
        let on = |service, operations: &[&str]| {
            for operation in operations {
                world
                    .local
                    .faults()
                    .add(self.kind.fault().on(service, operation));
            }
        };
        let all_of = |service| {
            let fault = self.kind.fault().on_service(service);
            world.local.faults().add(fault);
        };
        match self.peer {
            Peer::S3Read => on(ServiceName::S3, &["HeadObject", "GetObject"]),
            Peer::S3Write => on(
                ServiceName::S3,
                &[
                    "PutObject",
                    "CreateMultipartUpload",
                    "UploadPart",
                    "CompleteMultipartUpload",
                ],
            ),
            Peer::DynamoDb => all_of(ServiceName::DynamoDb),
            Peer::SqsSend => {
                on(ServiceName::Sqs, &["SendMessage"]);
                // So that jobs are there which would have to be sent again.
                let put = Fault::new(FaultKind::Error).on(ServiceName::S3, "PutObject");
                world.local.faults().add(put);
            }
            Peer::SnsPublish => on(ServiceName::Sns, &["Publish"]),
            Peer::Ses => all_of(ServiceName::Ses),
            Peer::Cognito => all_of(ServiceName::Cognito),
            Peer::Ffmpeg => world.ffmpeg.become_program(self.kind.program()),
        }
    }
}

/// Ends every outage.
pub(crate) fn end_outage(world: &World) {
    world.local.faults().clear();
    world.ffmpeg.become_program(Program::Sound);
}
