//! ffmpeg as a confined child.
//!
//! It gets nothing that it does not need: an empty environment (no credentials), an empty working
//! folder of its own, only its three standard streams, and resource limits under which it can
//! write no file at all. It leads its own process group, which is killed when this is dropped. What
//! the kernel keeps it from besides stands in [`super::confinement`].

use std::ffi::OsStr;
use std::os::fd::OwnedFd;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use ffmpeg_sidecar::command::FfmpegCommand;
use rustix::process::{Pid, Resource, Rlimit, Signal, kill_process_group, prlimit};
use tempfile::TempDir;
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout};
use tokio::task::JoinHandle;

use crate::error::ExtractError;
use crate::ffmpeg::confinement::Access;
use crate::ffmpeg::input::Input;
use crate::ffmpeg::log::{EventReceiver, Log, MAX_WAITING_EVENTS};
use crate::ffmpeg::program::Ffmpeg;
use crate::limits::Limits;

/// The largest single allocation ffmpeg makes, in bytes.
const MAX_ALLOC: &str = "536870912";

/// Descriptors are few: the streams, the input, a socket or two, and what the loader opens.
const MAX_FILES: u64 = 64;

/// What ffmpeg reads.
#[derive(Debug)]
pub(crate) enum Reads<'a> {
    /// This, which its arguments name.
    Input(&'a Input),
    /// On its standard input what is written to [`Running::stdin`].
    Written,
    /// On its standard input what another one writes to this pipe.
    Pipe(OwnedFd),
}

/// A running ffmpeg.
#[derive(Debug)]
pub(crate) struct Running {
    /// Where its input is written to, if piped. Drop it to end the input.
    pub(crate) stdin: Option<ChildStdin>,
    /// Where its images come from, until they are taken.
    pub(crate) stdout: Option<ChildStdout>,
    /// What it tells while it works.
    pub(crate) events: EventReceiver,
    log: JoinHandle<Log>,
    group: ProcessGroup,
}

/// How an ffmpeg ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) log: Log,
}

/// The process group, killed on drop.
#[derive(Debug)]
struct ProcessGroup {
    child: Child,
    /// `None` once it is known to have ended, when the number may be another's.
    leader: Option<Pid>,
    _folder: TempDir,
}

impl Running {
    /// Starts `ffmpeg` with the arguments common to every use, then `arguments`, in a folder that
    /// holds `files`.
    pub(crate) fn start<A: AsRef<OsStr>>(
        ffmpeg: &Ffmpeg,
        limits: &Limits,
        reads: Reads<'_>,
        files: &[(&str, String)],
        arguments: impl IntoIterator<Item = A>,
    ) -> Result<Self, ExtractError> {
        // Whatever this process was itself given when it was started stays with it.
        close_fds::set_fds_cloexec_threadsafe(3, &[]);
        let folder = tempfile::Builder::new()
            .prefix("fotograma-")
            .tempdir()
            .map_err(|e| ExtractError::Machine(format!("no working folder for ffmpeg: {e}")))?;
        for (name, contents) in files {
            std::fs::write(folder.path().join(name), contents)
                .map_err(|e| ExtractError::Machine(format!("ffmpeg's working folder: {e}")))?;
        }
        let access = match &reads {
            Reads::Input(input) => input.access(),
            Reads::Written | Reads::Pipe(_) => Access::default(),
        };
        let mut builder = FfmpegCommand::new_with_path(&ffmpeg.path);
        builder
            .hide_banner()
            .args(["-nostdin", "-nostats"])
            .args(["-loglevel", "repeat+level+info", "-max_alloc", MAX_ALLOC])
            .args(arguments);
        let mut child = ffmpeg
            .command(builder, &access)
            .env_clear()
            .current_dir(folder.path())
            .process_group(0)
            .stdin(match reads {
                Reads::Input(_) => Stdio::null(),
                Reads::Written => Stdio::piped(),
                Reads::Pipe(pipe) => pipe.into(),
            })
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|e| ExtractError::Machine(format!("{}: {e}", ffmpeg.path.display())))?;
        let leader = child
            .id()
            .and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        let (stdin, stdout, stderr) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let group = ProcessGroup {
            child,
            leader,
            _folder: folder,
        };
        limit(leader, limits)?;
        let (log, events) = follow(stderr);
        Ok(Self {
            stdin,
            stdout,
            events,
            log,
            group,
        })
    }

    /// Waits for the end, having closed the input.
    pub(crate) async fn wait(mut self) -> Result<Ended, ExtractError> {
        drop(self.stdin.take());
        // A log that nobody takes events from would wait for ever.
        self.events.close();
        let status = self.group.child.wait().await;
        self.group.leader = None;
        let status = status.map_err(|e| ExtractError::Machine(format!("ffmpeg: {e}")))?;
        let log = self
            .log
            .await
            .map_err(|e| ExtractError::Machine(e.to_string()))?;
        Ok(Ended { status, log })
    }

    /// Ends it at once and waits until it is gone.
    pub(crate) async fn kill(mut self) -> Result<Log, ExtractError> {
        self.group.kill();
        Ok(self.wait().await?.log)
    }
}

fn follow(stderr: Option<ChildStderr>) -> (JoinHandle<Log>, EventReceiver) {
    let (sender, events) = tokio::sync::mpsc::channel(MAX_WAITING_EVENTS);
    let log = tokio::spawn(async move {
        match stderr {
            Some(stderr) => Log::follow(stderr, sender).await,
            None => Log::default(),
        }
    });
    (log, events)
}

/// Sets the child's limits from outside: `unsafe` code would be needed to set them before its
/// first instruction, and it cannot have read a byte of the video by now.
fn limit(leader: Option<Pid>, limits: &Limits) -> Result<(), ExtractError> {
    let at_most = |n: u64| Rlimit {
        current: Some(n),
        maximum: Some(n),
    };
    let seconds = limits
        .cpu
        .saturating_add(Duration::from_millis(999))
        .as_secs()
        .max(1);
    let all = [
        // A signal at the soft limit tells this end from others; the hard one is out of reach.
        (
            Resource::Cpu,
            Rlimit {
                current: Some(seconds),
                maximum: Some(seconds + 5),
            },
        ),
        (Resource::Data, at_most(limits.memory)),
        (Resource::Fsize, at_most(0)),
        (Resource::Core, at_most(0)),
        (Resource::Nofile, at_most(MAX_FILES)),
    ];
    for (resource, limit) in all {
        match prlimit(leader, resource, limit) {
            // It has already ended; its status says why.
            Ok(_) | Err(rustix::io::Errno::SRCH) => {}
            Err(e) => return Err(ExtractError::Machine(format!("ffmpeg's limits: {e}"))),
        }
    }
    Ok(())
}

impl ProcessGroup {
    fn kill(&mut self) {
        if let Some(leader) = self.leader {
            // It fails only where there is nobody left to kill.
            let _ = kill_process_group(leader, Signal::KILL);
        }
    }
}

impl Drop for ProcessGroup {
    fn drop(&mut self) {
        self.kill();
    }
}
