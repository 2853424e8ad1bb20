//! What a feature's deployment gives it, by what it does. Functions, their queues and the cluster's
//! manifests derive from it.

use std::time::Duration;

use lambda_anywhere::Limits;

const SMALL_MIB: u32 = 256;
/// Lambda gives a function one whole processor at this much memory.
const ONE_PROCESSOR_MIB: u32 = 1769;

/// Answers a request. API Gateway waits 30 s; the answer that says so should be ours.
pub(super) const REQUEST: Limits = Limits {
    memory_mib: SMALL_MIB,
    timeout: Duration::from_secs(29),
    concurrency: None,
};

/// Works on messages that are soon done.
pub(super) const MESSAGES: Limits = Limits {
    memory_mib: SMALL_MIB,
    timeout: Duration::from_mins(1),
    concurrency: Some(5),
};

/// Makes frames, for as long as a function may run at all.
pub(super) const WHOLE_VIDEO: Limits = Limits {
    memory_mib: ONE_PROCESSOR_MIB,
    timeout: Duration::from_mins(15),
    concurrency: Some(50),
};

/// Looks through what is unfinished. It is over before it begins again.
pub(super) const SWEEP: Limits = Limits {
    memory_mib: SMALL_MIB,
    timeout: Duration::from_mins(4),
    concurrency: Some(1),
};
