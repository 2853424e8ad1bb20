//! The words of the domain and what may follow from what: plain data, pure functions.

pub mod attempt;
pub mod every;
pub mod job;
pub mod keys;
pub mod mail;
pub mod mailing;
pub mod notice;
pub mod overdue;
pub mod status;
pub mod video;

pub use attempt::{Attempt, Begin};
pub use job::{Job, Mode};
pub use mail::Mail;
pub use mailing::{Claim, Mailing};
pub use notice::Notice;
pub use status::Status;
pub use video::Video;
