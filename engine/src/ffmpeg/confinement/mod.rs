//! What ffmpeg may do, taken from it by the kernel before its first instruction.
//!
//! Rights that a process has given up stay given up in what it becomes. So ffmpeg is not started
//! itself: a *launcher* is, a program that calls [`become_ffmpeg_if_asked`] at its very beginning, confines
//! itself, and becomes ffmpeg. It needs no `unsafe` code, and what has begun as ffmpeg can start no
//! other process, which the thread that starts ffmpeg could not give up for it.
//!
//! - *Landlock* (Linux 5.13): it reads its libraries, its own folder and its input, and writes nothing.
//!   From Linux 6.7 on it connects to no TCP port but its input's; from 6.12 on it signals nobody.
//! - *seccomp*: of the kernel's calls it has those that a decoder needs.
//!
//! What a kernel lacks, or does not let a container have, is found out once, when ffmpeg is looked for,
//! and is from then on the same for every start: a launcher that can keep less ends.

mod calls;
mod files;

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io::Read;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::OnceLock;

/// The argument by which a launcher knows that it is one.
const ASKED: &str = "become-ffmpeg";

/// Stands for what it must be able to keep, where that is to be found out.
const WHATEVER: &str = "whatever";

/// A line by which a launcher tells what it keeps, and one that says why it does not keep more.
const KEEPS: &str = "[info] confinement keeps ";
const LACKS: &str = "[info] confinement lacks ";

/// What a launcher says where it does not become ffmpeg.
pub(crate) const NOT_CONFINED: &str = "ffmpeg cannot be confined";

/// What a shell ends with where it cannot start a program.
const NOT_STARTED: u8 = 127;

/// This program, whatever has become of its file.
const THIS_PROGRAM: &str = "/proc/self/exe";

/// What a program begins with that is no script.
const ELF: &[u8] = b"\x7fELF";

static LAUNCHER: OnceLock<PathBuf> = OnceLock::new();

/// Becomes ffmpeg where this program was started to be its launcher, and else makes this program the
/// launcher of those ffmpegs that it finds from now on. To be called at the very beginning of `main`, with
/// all arguments, as [`std::env::args_os`] gives them.
///
/// It returns a status only where it should have become ffmpeg and could not: the program ends with it.
pub fn become_ffmpeg_if_asked(arguments: impl IntoIterator<Item = OsString>) -> Option<ExitCode> {
    let mut arguments = arguments.into_iter().skip(1).peekable();
    if arguments.peek().map(OsString::as_os_str) != Some(OsStr::new(ASKED)) {
        launch_ffmpeg_by(Path::new(THIS_PROGRAM));
        return None;
    }
    let why = become_ffmpeg(arguments.skip(1));
    // As ffmpeg says it, so that it is read the same way.
    eprintln!("[fatal] {NOT_CONFINED}: {why}");
    Some(NOT_STARTED.into())
}

/// Makes `program`, which calls [`become_ffmpeg_if_asked`], the launcher of those ffmpegs that this
/// program finds from now on. The first that is named stays.
pub fn launch_ffmpeg_by(program: &Path) {
    let _ = LAUNCHER.set(program.to_owned());
}

/// Where there is one, the launcher.
pub(super) fn launcher() -> Option<&'static Path> {
    LAUNCHER.get().map(PathBuf::as_path)
}

/// How an ffmpeg is confined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confinement {
    launcher: PathBuf,
    /// What the kernel keeps ffmpeg from here.
    pub keeps: Kept,
}

/// What the kernel keeps ffmpeg from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// Files that it does not need.
    pub files: bool,
    /// TCP ports but its input's.
    pub ports: bool,
    /// Calls that no decoder needs.
    pub calls: bool,
}

/// What an ffmpeg reads that is no library.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Access {
    /// A file, beside those of its folder.
    pub(crate) file: Option<PathBuf>,
    /// A port on this machine.
    pub(crate) port: Option<u16>,
}

impl Confinement {
    pub(super) fn new(launcher: &Path, keeps: Kept) -> Self {
        Self {
            launcher: launcher.to_owned(),
            keeps,
        }
    }

    /// The command that does the same as `ffmpeg`, with no more than `access`.
    pub(super) fn launch(&self, ffmpeg: &Command, access: &Access) -> Command {
        launch(&self.launcher, &self.keeps.to_string(), ffmpeg, access)
    }
}

/// The command that does the same as `ffmpeg` and finds out what it can be kept from.
pub(super) fn launch_and_try(launcher: &Path, ffmpeg: &Command) -> Command {
    launch(launcher, WHATEVER, ffmpeg, &Access::default())
}

fn launch(launcher: &Path, keeps: &str, ffmpeg: &Command, access: &Access) -> Command {
    let file = access.file.as_deref().unwrap_or(Path::new(""));
    let port = access.port.map(|port| port.to_string());
    let mut command = Command::new(launcher);
    command
        .args([ASKED, keeps])
        .arg(file)
        .arg(port.unwrap_or_default())
        .arg(ffmpeg.get_program())
        .args(ffmpeg.get_args());
    command
}

/// What a launcher that tried has said on its standard error: what it keeps, and why not more.
pub(super) fn read_trial(said: &str) -> Option<(Kept, Vec<&str>)> {
    let keeps = said.lines().find_map(|line| line.strip_prefix(KEEPS))?;
    let lacks = said.lines().filter_map(|line| line.strip_prefix(LACKS));
    Some((Kept::parse(keeps), lacks.collect()))
}

/// Whether a launcher can keep `program`: a script would need its shell, and whatever that starts.
pub(super) fn can_be_launched(program: &Path) -> bool {
    let mut start = [0; ELF.len()];
    let read = std::fs::File::open(program).and_then(|mut file| file.read_exact(&mut start));
    read.is_ok() && start == ELF
}

/// Confines this process and makes it the program that the arguments name; gives why it could not.
fn become_ffmpeg(mut arguments: impl Iterator<Item = OsString>) -> String {
    let (Some(wanted), Some(file), Some(port), Some(program)) = (
        arguments.next(),
        arguments.next(),
        arguments.next(),
        arguments.next(),
    ) else {
        return "no program is named".into();
    };
    let access = Access {
        file: (!file.is_empty()).then(|| file.into()),
        port: port.to_str().and_then(|port| port.parse().ok()),
    };
    let program = PathBuf::from(program);
    let (kept, lacks) = confine_this_process(&program, &access);
    if wanted == WHATEVER {
        for why in lacks {
            eprintln!("{LACKS}{why}");
        }
        eprintln!("{KEEPS}{kept}");
    } else if wanted != *kept.to_string() {
        return format!("less can be kept than before: {}", lacks.join("; "));
    }
    // It returns only where it fails.
    let error = Command::new(&program).args(arguments).exec();
    format!("{}: {error}", program.display())
}

/// Gives up what this process can give up; says what that is, and why it is not more.
fn confine_this_process(program: &Path, access: &Access) -> (Kept, Vec<String>) {
    let mut lacks = Vec::new();
    let (mut files, mut ports, mut calls) = (false, false, true);
    match files::keep_to(program, access) {
        Ok(kept) => {
            (files, ports) = (kept.files, kept.ports);
            if !files {
                lacks
                    .push("Landlock: the kernel has none, so that it may open any file".to_owned());
            } else if !ports {
                lacks.push(
                    "Landlock 4: the kernel has an older one, so that it may connect".to_owned(),
                );
            }
        }
        Err(error) => lacks.push(format!("Landlock: {error}")),
    }
    if let Err(error) = calls::filter(access.port.is_some()) {
        calls = false;
        lacks.push(format!("seccomp: {error}"));
    }
    let kept = Kept {
        files,
        ports,
        calls,
    };
    (kept, lacks)
}

impl Kept {
    fn parse(text: &str) -> Self {
        let has = |word: &str| text.split('+').any(|part| part == word);
        Self {
            files: has("files"),
            ports: has("ports"),
            calls: has("calls"),
        }
    }
}

/// `files+ports+calls`, or fewer, or `nothing`.
impl fmt::Display for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [
            ("files", self.files),
            ("ports", self.ports),
            ("calls", self.calls),
        ];
        let mut kept = parts.iter().filter(|(_, is_kept)| *is_kept).peekable();
        if kept.peek().is_none() {
            return f.write_str("nothing");
        }
        let mut separator = "";
        for (word, _) in kept {
            write!(f, "{separator}{word}")?;
            separator = "+";
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_told_from_one_process_to_the_other() {
        for (files, ports, calls) in [
            (true, true, true),
            (true, false, true),
            (false, false, false),
        ] {
            let kept = Kept {
                files,
                ports,
                calls,
            };
            let said = format!("{LACKS}one\nother\n{KEEPS}{kept}\nffmpeg version 5.1\n");
            assert_eq!(read_trial(&said), Some((kept, vec!["one"])));
        }
        assert_eq!(read_trial("ffmpeg version 5.1"), None);
    }
}
