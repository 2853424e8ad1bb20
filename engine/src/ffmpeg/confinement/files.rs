//! Files and ports that ffmpeg is kept to, by Landlock (<https://docs.kernel.org/userspace-api/landlock.html>).

use std::path::Path;

use landlock::{
    ABI, Access as _, AccessFs, AccessNet, BitFlags, LandlockStatus, NetPort, Ruleset, RulesetAttr,
    RulesetCreatedAttr, RulesetError, Scope, path_beneath_rules,
};

use super::Access;

/// The newest Landlock whose rights are given up here; of an older one, those that it knows.
const KNOWN: ABI = ABI::V6;

/// Where the loader finds libraries, and what it reads to find them.
const LIBRARIES: [&str; 7] = [
    "/lib",
    "/lib64",
    "/usr/lib",
    "/usr/lib64",
    "/usr/local/lib",
    "/etc/ld.so.cache",
    "/etc/ld.so.preload",
];

/// Loaders: the kernel executes one of them for a program with libraries.
const LOADERS: [&str; 4] = [
    "/lib64/ld-linux-x86-64.so.2",
    "/lib/ld-linux-aarch64.so.1",
    "/lib/ld-musl-x86_64.so.1",
    "/lib/ld-musl-aarch64.so.1",
];

/// What Landlock keeps a process from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kept {
    pub(super) files: bool,
    pub(super) ports: bool,
}

/// Keeps this process to `program`, its libraries, the current folder and `access`.
pub(super) fn keep_to(program: &Path, access: &Access) -> Result<Kept, RulesetError> {
    let read = AccessFs::ReadFile | AccessFs::ReadDir;
    let execute = AccessFs::Execute | AccessFs::ReadFile;
    // Libraries that came with the program: `bin/ffmpeg` has them in `lib`.
    let own_libraries = program
        .canonicalize()
        .ok()
        .and_then(|program| Some(program.parent()?.parent()?.join("lib")));
    let ruleset = Ruleset::default()
        .handle_access(AccessFs::from_all(KNOWN))?
        .handle_access(AccessNet::from_all(KNOWN))?
        .scope(Scope::from_all(KNOWN))?
        .create()?
        .add_rules(path_beneath_rules(LIBRARIES, read))?
        .add_rules(path_beneath_rules(&own_libraries, read))?
        .add_rules(path_beneath_rules(LOADERS, execute))?
        .add_rules(path_beneath_rules([program], execute))?
        .add_rules(path_beneath_rules(["."], read))?
        .add_rules(path_beneath_rules(
            &access.file,
            BitFlags::from(AccessFs::ReadFile),
        ))?;
    let ruleset = match access.port {
        Some(port) => ruleset.add_rule(NetPort::new(port, AccessNet::ConnectTcp))?,
        None => ruleset,
    };
    let has = match ruleset.restrict_self()?.landlock {
        LandlockStatus::Available { effective_abi, .. } => effective_abi,
        _ => ABI::Unsupported,
    };
    Ok(Kept {
        files: has >= ABI::V1,
        ports: has >= ABI::V4,
    })
}
