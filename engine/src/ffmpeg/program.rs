//! Which ffmpeg is used, and how many threads it gets.

use std::io::ErrorKind;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::thread::available_parallelism;

use ffmpeg_sidecar::command::FfmpegCommand;
use ffmpeg_sidecar::log_parser::try_parse_version;
use ffmpeg_sidecar::paths::ffmpeg_path;
use tokio::process::Command;

use crate::error::ExtractError;
use crate::ffmpeg::confinement::{self, Access, Confinement};

/// Decoding gains little from more threads than these, and each costs memory.
const MAX_THREADS: usize = 8;

/// An ffmpeg on this machine, 5.1 or later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ffmpeg {
    /// The executable.
    pub path: PathBuf,
    /// What it says its version is.
    pub version: String,
    /// How many threads it may decode with.
    pub threads: NonZeroUsize,
    /// Whether it has libvpx, which alone decodes the transparency of VP8 and VP9.
    pub libvpx: bool,
    /// Whether it has libwebp, which alone writes WebP.
    pub libwebp: bool,
    /// What the kernel keeps it from; `None` where it has only limits, an empty environment and an
    /// empty folder.
    pub confinement: Option<Confinement>,
}

impl Ffmpeg {
    /// Takes the first of: `explicit` (and then only that), one beside this program, `ffmpeg` on
    /// the `PATH`. Nothing is looked for under the current folder. Asks it for its version. The threads are
    /// those that the cgroup's quota and the processor affinity allow, not those of the host.
    ///
    /// Where this program has a launcher (see [`crate::become_ffmpeg_if_asked`]), it is confined from then on. What
    /// it cannot be kept from here is a warning in the log.
    ///
    /// # Errors
    /// [`ExtractError::Machine`] if there is none, or one older than 5.1.
    pub async fn find(explicit: Option<&Path>) -> Result<Self, ExtractError> {
        let path = match explicit {
            Some(path) => path.to_owned(),
            None => discover()?,
        };
        let path = std::path::absolute(&path)
            .map_err(|e| ExtractError::Machine(format!("{}: {e}", path.display())))?;
        let (about, confinement) = ask_version(&path).await?;
        let version = about.version;
        if let Some((major, minor)) = numbers(&version)
            && (major, minor) < (5, 1)
        {
            return Err(ExtractError::Machine(format!(
                "{} is ffmpeg {version}; 5.1 or later is needed",
                path.display()
            )));
        }
        let threads = available_parallelism()
            .map_or(1, NonZeroUsize::get)
            .min(MAX_THREADS);
        let threads = NonZeroUsize::new(threads).unwrap_or(NonZeroUsize::MIN);
        Ok(Self {
            path,
            version,
            threads,
            libvpx: about.libvpx,
            libwebp: about.libwebp,
            confinement,
        })
    }

    /// A command that starts it with these arguments, and lets it come to no more than `access`.
    pub(super) fn command(&self, arguments: FfmpegCommand, access: &Access) -> Command {
        let command: std::process::Command = arguments.into();
        let command = match &self.confinement {
            Some(confinement) => confinement.launch(&command, access),
            None => command,
        };
        command.into()
    }

    /// Why this version should not be given strangers' videos, if that is known.
    ///
    /// Known for the two lines that Debian maintains: their last releases with security fixes, as
    /// of writing, are 5.1.9 and 7.1.5 (<https://security-tracker.debian.org/tracker/source-package/ffmpeg>).
    #[must_use]
    pub fn known_holes(&self) -> Option<&'static str> {
        let version = self.version.trim_start_matches('n');
        let mut parts = version.split(['.', '-', '+', '~']);
        let mut next = || parts.next().and_then(|part| part.parse::<u32>().ok());
        let (major, minor, patch) = (next()?, next()?, next().unwrap_or(0));
        let holes = match (major, minor) {
            (5, 1) => patch < 9,
            (7, 1) => patch < 5,
            _ => false,
        };
        holes.then_some("it lacks security fixes of later releases of its line")
    }
}

/// The one beside this program, else the first on the `PATH`.
fn discover() -> Result<PathBuf, ExtractError> {
    let found = ffmpeg_path();
    if found.is_absolute() {
        return Ok(found);
    }
    // Started with an empty environment, a bare name would be looked for on no `PATH`.
    let folders = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&folders)
        .filter(|folder| folder.is_absolute())
        .map(|folder| folder.join(&found))
        .find(|path| path.is_file())
        .ok_or_else(|| ExtractError::Machine("ffmpeg was not found; install it".into()))
}

/// What an ffmpeg says of itself.
struct About {
    version: String,
    libvpx: bool,
    libwebp: bool,
}

impl About {
    fn parse(said: &[u8]) -> Option<Self> {
        let text = String::from_utf8_lossy(said);
        Some(Self {
            version: text.lines().next().and_then(try_parse_version)?,
            libvpx: text.contains("--enable-libvpx"),
            libwebp: text.contains("--enable-libwebp"),
        })
    }
}

/// Asks the program at `path` for its version, and how it was built; finds out by the way how it can be
/// confined.
async fn ask_version(path: &Path) -> Result<(About, Option<Confinement>), ExtractError> {
    if let Some(launcher) = confinement::launcher() {
        match ask_confined(launcher, path).await {
            Ok((about, confinement)) => return Ok((about, Some(confinement))),
            Err(why) => {
                tracing::warn!(path = %path.display(), "ffmpeg is not confined: {why}");
            }
        }
    }
    let failed = |why: String| ExtractError::Machine(format!("{}: {why}", path.display()));
    let output = run_to_end(version_command(path)).await;
    let output = output.map_err(|e| match e.kind() {
        ErrorKind::NotFound => failed("there is no such program".into()),
        _ => failed(e.to_string()),
    })?;
    let about = About::parse(&output.stdout);
    let about = about.ok_or_else(|| failed("it does not answer as ffmpeg does".into()))?;
    Ok((about, None))
}

/// The same, asked through the launcher; why it cannot be, if so.
async fn ask_confined(launcher: &Path, path: &Path) -> Result<(About, Confinement), String> {
    if !confinement::can_be_launched(path) {
        return Err("it is a script, which would need a shell and whatever that starts".into());
    }
    let command = confinement::launch_and_try(launcher, &version_command(path));
    let output = run_to_end(command).await;
    let output = output.map_err(|error| format!("{}: {error}", launcher.display()))?;
    let said = String::from_utf8_lossy(&output.stderr);
    let last = said.lines().last().unwrap_or("it says nothing");
    let trial = confinement::read_trial(&said).zip(About::parse(&output.stdout));
    let ((keeps, lacks), about) = trial.ok_or_else(|| last.to_owned())?;
    for why in lacks {
        tracing::warn!(path = %path.display(), "ffmpeg is confined in part; what is missing: {why}");
    }
    Ok((about, Confinement::new(launcher, keeps)))
}

fn version_command(path: &Path) -> std::process::Command {
    let mut command = FfmpegCommand::new_with_path(path);
    command.arg("-version");
    command.into()
}

async fn run_to_end(command: std::process::Command) -> std::io::Result<Output> {
    Command::from(command)
        .env_clear()
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
}

/// Major and minor of a released version; a build from git ("N-12345-gabc") has none.
fn numbers(version: &str) -> Option<(u32, u32)> {
    let version = version.trim_start_matches('n');
    let mut parts = version.split(['.', '-', '+', '~']);
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_released_versions() {
        assert_eq!(numbers("5.1.9-0+deb12u1"), Some((5, 1)));
        assert_eq!(numbers("n7.1"), Some((7, 1)));
        assert_eq!(numbers("N-117000-gdeadbee"), None);
    }

    #[test]
    fn names_versions_with_holes() {
        let ffmpeg = |version: &str| Ffmpeg {
            path: "ffmpeg".into(),
            version: version.into(),
            threads: NonZeroUsize::MIN,
            libvpx: false,
            libwebp: false,
            confinement: None,
        };
        assert!(ffmpeg("5.1.1-1").known_holes().is_some());
        assert!(ffmpeg("5.1.9-0+deb12u1").known_holes().is_none());
        assert!(ffmpeg("n7.1").known_holes().is_some());
        assert!(ffmpeg("7.1.5").known_holes().is_none());
        assert!(ffmpeg("N-117000-gdeadbee").known_holes().is_none());
    }

    #[tokio::test]
    async fn a_missing_program_is_said() {
        let missing = Ffmpeg::find(Some(Path::new("/nowhere/ffmpeg"))).await;
        let Err(ExtractError::Machine(message)) = missing else {
            panic!("{missing:?}")
        };
        assert_eq!(message, "/nowhere/ffmpeg: there is no such program");
    }
}
