//! The words of the domain and what may follow from what: plain data, pure functions. Nothing
//! here knows of ports, features or events.

pub mod attempt;
pub mod delivery;
pub mod every;
pub mod extraction;
pub mod foreign_text;
pub mod job;
pub mod keys;
pub mod notice;
pub mod options;
pub mod parts;
pub mod stale;
pub mod video;

pub use attempt::{Attempt, Begin, Release};
pub use delivery::{Delivery, DeliveryClaim};
pub use extraction::{Extraction, ExtractionRequest, Progress};
pub use job::{Job, Wait};
pub use notice::{Mail, Notice};
pub use options::{ExtractionOptions, Format, GivenOptions, Hdr, Mode, Samples};
pub use stale::{Stale, SweepThresholds, Unfinished};
pub use video::{Status, Video};

/// What is as it is by default stands in no record and no message.
fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
