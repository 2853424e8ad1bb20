//! How many descriptors the process may have open: each connection is one.

use std::io::Result;

/// Raises the soft limit of descriptors to the hard one, for this process and the children that it will
/// have; gives the limit that is in force then. The soft one is 1,024 on many systems, for the sake of
/// programs that use `select`: so few that the idle connections of one service starve all others of a
/// process.
///
/// # Errors
/// When the system refuses it.
#[cfg(unix)]
pub fn raise_descriptor_limit() -> Result<Option<u64>> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current != maximum {
        let raised = Rlimit {
            current: maximum,
            maximum,
        };
        setrlimit(Resource::Nofile, raised)?;
    }
    Ok(maximum)
}

/// There is no such limit here.
///
/// # Errors
/// None.
#[cfg(not(unix))]
pub fn raise_descriptor_limit() -> Result<Option<u64>> {
    Ok(None)
}
