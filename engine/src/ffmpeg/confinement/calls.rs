//! The kernel's calls that ffmpeg has, by seccomp; of all others it hears that there is no such call,
//! as from an older kernel, and libraries take the way that they take there.
//!
//! Files are opened for reading only, sockets are those of TCP, and only where its input has a port. No
//! other process is started, traced, signalled or changed.

use std::collections::BTreeMap;

use libc::c_long;
use seccompiler::SeccompCmpArgLen::{Dword, Qword};
use seccompiler::SeccompCmpOp::{Eq, MaskedEq};
use seccompiler::{
    BackendError, BpfProgram, Error, SeccompAction, SeccompCmpArgLen, SeccompCmpOp,
    SeccompCondition, SeccompFilter, SeccompRule, apply_filter,
};

/// Allowed whatever the arguments are.
const ALLOWED: &[c_long] = &[
    // Memory.
    libc::SYS_brk,
    libc::SYS_get_mempolicy,
    libc::SYS_madvise,
    libc::SYS_membarrier,
    libc::SYS_mlock,
    libc::SYS_mmap,
    libc::SYS_mprotect,
    libc::SYS_mremap,
    libc::SYS_munlock,
    libc::SYS_munmap,
    // What is open already, and what files are.
    libc::SYS_close,
    libc::SYS_dup,
    libc::SYS_dup3,
    libc::SYS_eventfd2,
    libc::SYS_faccessat,
    libc::SYS_faccessat2,
    libc::SYS_fadvise64,
    libc::SYS_fstat,
    libc::SYS_fstatfs,
    libc::SYS_getcwd,
    libc::SYS_getdents64,
    libc::SYS_lseek,
    libc::SYS_newfstatat,
    libc::SYS_pipe2,
    libc::SYS_ppoll,
    libc::SYS_pread64,
    libc::SYS_preadv,
    libc::SYS_pselect6,
    libc::SYS_read,
    libc::SYS_readlinkat,
    libc::SYS_readv,
    libc::SYS_statfs,
    libc::SYS_statx,
    libc::SYS_write,
    libc::SYS_writev,
    // Itself, its threads and the time.
    libc::SYS_clock_getres,
    libc::SYS_clock_gettime,
    libc::SYS_clock_nanosleep,
    libc::SYS_exit,
    libc::SYS_exit_group,
    libc::SYS_futex,
    libc::SYS_getcpu,
    libc::SYS_getegid,
    libc::SYS_geteuid,
    libc::SYS_getgid,
    libc::SYS_getpid,
    libc::SYS_getppid,
    libc::SYS_getrandom,
    libc::SYS_getrusage,
    libc::SYS_gettid,
    libc::SYS_gettimeofday,
    libc::SYS_getuid,
    libc::SYS_nanosleep,
    libc::SYS_restart_syscall,
    libc::SYS_rseq,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sched_get_priority_max,
    libc::SYS_sched_get_priority_min,
    libc::SYS_sched_getaffinity,
    libc::SYS_sched_getparam,
    libc::SYS_sched_getscheduler,
    libc::SYS_sched_yield,
    libc::SYS_set_robust_list,
    libc::SYS_set_tid_address,
    libc::SYS_sigaltstack,
    libc::SYS_sysinfo,
    libc::SYS_times,
    libc::SYS_uname,
    // What this process becomes; Landlock says what that may be.
    libc::SYS_execve,
];

/// More of it, by older names that only this architecture has.
#[cfg(target_arch = "x86_64")]
const ALLOWED_HERE: &[c_long] = &[
    libc::SYS_access,
    libc::SYS_arch_prctl,
    libc::SYS_dup2,
    libc::SYS_getrlimit,
    libc::SYS_lstat,
    libc::SYS_pipe,
    libc::SYS_poll,
    libc::SYS_readlink,
    libc::SYS_select,
    libc::SYS_stat,
    libc::SYS_time,
];
#[cfg(not(target_arch = "x86_64"))]
const ALLOWED_HERE: &[c_long] = &[];

/// Of one whose input has a port.
const ALLOWED_OF_SOCKETS: &[c_long] = &[
    libc::SYS_connect,
    libc::SYS_getpeername,
    libc::SYS_getsockname,
    libc::SYS_getsockopt,
    libc::SYS_recvfrom,
    libc::SYS_setsockopt,
    libc::SYS_shutdown,
];

/// What is asked of a stream that is open: how large a terminal it is, how much there is to read, not
/// to wait for it.
const REQUESTS: [c_long; 4] = [0x5401, 0x5413, 0x541b, 0x5421];

/// What is done with a descriptor: copies, flags, and the size of a pipe.
const OF_DESCRIPTORS: [i32; 7] = [
    libc::F_DUPFD,
    libc::F_DUPFD_CLOEXEC,
    libc::F_GETFD,
    libc::F_SETFD,
    libc::F_GETFL,
    libc::F_SETFL,
    libc::F_GETPIPE_SZ,
];

/// Of `prctl`: threads have names, and so have their parts of memory; what root could be is asked.
const OF_PROCESSES: [i32; 4] = [
    libc::PR_SET_NAME,
    libc::PR_GET_NAME,
    libc::PR_SET_VMA,
    libc::PR_CAPBSET_READ,
];

/// The lowest bits of a socket's type tell which kind it is; others are flags.
const KIND_OF_SOCKET: u64 = 0xf;

/// Keeps this process, and what it becomes, to the calls of a decoder. Sockets are for one that reads
/// its input from a port.
pub(super) fn filter(with_sockets: bool) -> Result<(), Error> {
    let architecture = std::env::consts::ARCH.try_into()?;
    let unknown = SeccompAction::Errno(libc::ENOSYS.unsigned_abs());
    let calls = allowed_calls(with_sockets)?;
    let filter = SeccompFilter::new(calls, unknown, SeccompAction::Allow, architecture)?;
    let program: BpfProgram = filter.try_into()?;
    apply_filter(&program)
}

fn allowed_calls(with_sockets: bool) -> Result<BTreeMap<c_long, Vec<SeccompRule>>, BackendError> {
    let whatever = ALLOWED.iter().chain(ALLOWED_HERE);
    let mut calls: BTreeMap<_, _> = whatever.map(|&call| (call, Vec::new())).collect();
    // To read only: neither made, nor emptied, nor written to.
    let writes = MaskedEq(number(libc::O_ACCMODE | libc::O_CREAT | libc::O_TRUNC));
    let reads = number(libc::O_RDONLY);
    calls.insert(
        libc::SYS_openat,
        vec![rule(&[(2, Dword, writes.clone(), reads)])?],
    );
    #[cfg(target_arch = "x86_64")]
    calls.insert(libc::SYS_open, vec![rule(&[(1, Dword, writes, reads)])?]);
    // A thread of its own, and no process.
    let thread = number(libc::CLONE_THREAD);
    calls.insert(
        libc::SYS_clone,
        vec![rule(&[(0, Qword, MaskedEq(thread), thread)])?],
    );
    // It signals itself where it gives up. Its number stays the same.
    let own = u64::from(std::process::id());
    calls.insert(libc::SYS_tgkill, vec![rule(&[(0, Dword, Eq, own)])?]);
    calls.insert(libc::SYS_prlimit64, any_of(0, [0, own].into_iter())?);
    calls.insert(
        libc::SYS_ioctl,
        any_of(1, REQUESTS.into_iter().map(c_long::unsigned_abs))?,
    );
    calls.insert(
        libc::SYS_fcntl,
        any_of(1, OF_DESCRIPTORS.into_iter().map(number))?,
    );
    calls.insert(
        libc::SYS_prctl,
        any_of(0, OF_PROCESSES.into_iter().map(number))?,
    );
    if with_sockets {
        calls.extend(ALLOWED_OF_SOCKETS.iter().map(|&call| (call, Vec::new())));
        let mut tcp = Vec::new();
        // By name or by default: others, as MPTCP, pass Landlock by.
        for protocol in [0, libc::IPPROTO_TCP] {
            tcp.push(rule(&[
                (0, Dword, Eq, number(libc::AF_INET)),
                (
                    1,
                    Dword,
                    MaskedEq(KIND_OF_SOCKET),
                    number(libc::SOCK_STREAM),
                ),
                (2, Dword, Eq, number(protocol)),
            ])?);
        }
        calls.insert(libc::SYS_socket, tcp);
        // To where it is connected: a first packet with an address would pass Landlock by.
        let fast_open = number(libc::MSG_FASTOPEN);
        let connected = rule(&[(3, Dword, MaskedEq(fast_open), 0), (4, Qword, Eq, 0)])?;
        calls.insert(libc::SYS_sendto, vec![connected]);
    }
    Ok(calls)
}

/// One of these as the argument of this number.
fn any_of(
    argument: u8,
    values: impl Iterator<Item = u64>,
) -> Result<Vec<SeccompRule>, BackendError> {
    values
        .map(|value| rule(&[(argument, Dword, Eq, value)]))
        .collect()
}

/// All of these hold: an argument's number, how much of it is looked at, how, and what it is to be.
fn rule(
    conditions: &[(u8, SeccompCmpArgLen, SeccompCmpOp, u64)],
) -> Result<SeccompRule, BackendError> {
    let conditions = conditions.iter().map(|(argument, length, how, value)| {
        SeccompCondition::new(*argument, length.clone(), how.clone(), *value)
    });
    SeccompRule::new(conditions.collect::<Result<_, _>>()?)
}

fn number(constant: i32) -> u64 {
    constant.unsigned_abs().into()
}
