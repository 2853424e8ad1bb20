//! Where bytes come from and where they go.

pub(crate) mod file;
pub(crate) mod loopback;
pub(crate) mod metered;
pub(crate) mod remembered;
pub(crate) mod sink;
pub(crate) mod source;
