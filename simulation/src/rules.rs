//! Switches that put a known fault back, so that it can be seen that the judge finds it.

/// Which rule is broken; none in a true run.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    clap::ValueEnum,
    serde::Serialize,
    serde::Deserialize,
)]
pub(crate) enum Rules {
    /// As the product is.
    #[default]
    AsTheyAre,
    /// Planted: a message is deleted as soon as it is received.
    AcknowledgeBeforeTheWrite,
    /// Planted: an outcome is published before it is stored.
    PublishBeforeTheWrite,
    /// Planted: an attempt does not see that another one has the lease.
    NoLeaseCheck,
    /// Planted: a write does not need the version that it was decided on.
    NoVersion,
    /// Planted: a mailer does not see that another one is at it.
    NoClaim,
    /// Once so: a message does not say which round of the video it belongs to.
    NoRounds,
    /// Once so: whatever SQS gave up on ends its video.
    DeadLettersEndVideos,
    /// Once so: what is deleted is removed once, and not looked at again.
    DeletedOnce,
    /// Once so: the client sends a mail again when there is no answer.
    MailClientRetries,
    /// Once so: a claim is shorter than a send.
    ShortMailClaim,
    /// Once so: nobody looks for outcomes whose mail has not gone.
    NoMailSweep,
    /// Once so: the completion of a zip may take for ever.
    NoCompletionLimit,
    /// Once so: each word that the file is there sends a job.
    EachCompleteSends,
    /// Once so: a lease is over when somebody's own clock says so.
    NoClockMargin,
    /// Once so: a message that a user's video and another user are named in ends the video.
    ForeignDeadLetters,
    /// Once so: what is given back in order uses up a receive, and there are five.
    StopsUseUpReceives,
    /// Once so: an attempt ends at the first renewal that fails.
    OneFailedRenewal,
    /// Once so: a retry begins before the outcome so far was published.
    RetryBeforePublication,
    /// Once so: the zips of all attempts have one key.
    OneZipKey,
}

impl Rules {
    /// All that are broken.
    pub(crate) fn broken() -> impl Iterator<Item = Self> {
        use clap::ValueEnum;
        Self::value_variants()
            .iter()
            .copied()
            .filter(|rules| *rules != Self::AsTheyAre)
    }
}
