//! What a child of the engine finds itself with: told by a program in ffmpeg's place.

mod support;

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use fotograma_engine::{
    ExtractError, Ffmpeg, FileSource, IgnoreProgress, Limits, Options, Reason, Source, extract,
};
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter};
use support::{Kept, Memory};

/// Runs `script` as ffmpeg, and gives what it says as a complaint.
async fn told(script: &str, options: &Options) -> Result<String, ExtractError> {
    let folder = support::folder();
    let path = folder.path().join("ffmpeg");
    std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).expect("a script");
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).expect("it is ours");
    let ffmpeg = Ffmpeg {
        path,
        version: "5.1".into(),
        threads: std::num::NonZeroUsize::MIN,
        libvpx: false,
        libwebp: false,
        confinement: None,
    };
    let video = Memory::new(&b"\x1a\x45\xdf\xa3"[..]);
    let done = extract(
        &ffmpeg,
        video,
        Box::new(Kept::default()),
        options,
        &IgnoreProgress,
    )
    .await;
    match done.expect_err("no frames") {
        ExtractError::Video(Reason::Damaged { detail, .. }) => Ok(detail),
        other => Err(other),
    }
}

async fn says(script: &str) -> String {
    // The limits are set from outside, just after the start.
    let when_confined = "while [ $(ulimit -f) != 0 ]; do :; done";
    let script = format!("{when_confined}\necho \"[error] $({script})\" >&2");
    told(&script, &Options::default()).await.expect("it speaks")
}

#[tokio::test]
async fn it_has_no_environment() {
    assert_eq!(says("tr '\\0' ' ' < /proc/$$/environ").await, "");
}

#[tokio::test]
async fn it_has_its_standard_streams_only() {
    // One that any process inherits: it is not closed on exec.
    let kept = rustix::io::dup(std::io::stdin()).expect("a descriptor");
    rustix::io::fcntl_setfd(&kept, rustix::io::FdFlags::empty()).expect("it is open");
    // The listing itself opens one, and the shell has its script as the tenth.
    let listed = says("echo $(ls /proc/self/fd)").await;
    let mut found: Vec<_> = listed.split(' ').filter(|fd| *fd != "10").collect();
    found.sort_unstable();
    assert_eq!(found, ["0", "1", "2", "3"]);
}

#[tokio::test]
async fn it_works_in_an_empty_folder_that_is_gone_afterwards() {
    let folder = says("pwd; ls -A").await;
    assert!(
        !folder.contains(' ') && folder.contains("fotograma-"),
        "{folder}"
    );
    assert!(!std::path::Path::new(&folder).exists());
}

#[tokio::test]
async fn it_leads_its_own_process_group() {
    let ids = says("echo $$ $(cut -d' ' -f5 /proc/$$/stat)").await;
    let (pid, group) = ids.split_once(' ').expect("two numbers");
    assert_eq!(pid, group);
}

#[tokio::test]
async fn its_limits_are_set() {
    let limits = Limits::default();
    let expected = format!("{} {} 0 64", limits.cpu.as_secs(), limits.memory / 1024);
    let found = says("echo $(ulimit -t) $(ulimit -d) $(ulimit -c) $(ulimit -n)").await;
    assert_eq!(found, expected);
}

#[tokio::test]
async fn it_can_write_no_file() {
    let script = "cd /tmp && (echo x > fotograma-must-not-be) 2>/dev/null; wc -c < fotograma-must-not-be; rm -f fotograma-must-not-be";
    assert_eq!(says(script).await.trim(), "0");
}

#[tokio::test]
async fn endless_talk_is_bounded() {
    let script = "i=0; while [ $i -lt 2000 ]; do echo \"[error] $i $(printf %05000d 0)\" >&2; i=$((i+1)); done";
    let detail = told(script, &Options::default()).await.expect("it speaks");
    assert!(
        detail.starts_with("0 0000") && detail.len() < 1000,
        "{}",
        detail.len()
    );
}

#[tokio::test]
async fn a_program_that_gives_no_images_is_not_believed() {
    let said = told("echo '[panic] 0.0' >&2; echo hello", &Options::default()).await;
    assert_eq!(said, Ok("ffmpeg gave up without saying why".into()));
}

#[tokio::test]
async fn one_that_is_killed_is_the_machines_fault() {
    let error = told("kill -KILL $$", &Options::default())
        .await
        .expect_err("killed");
    assert_eq!(
        error,
        ExtractError::Machine("ffmpeg was ended by signal 9".into())
    );
}

/// A program that tries what no ffmpeg must be able to do, compiled for another's folder and port.
struct Probe {
    folder: tempfile::TempDir,
    /// Where it is not to come to.
    _elsewhere: std::net::TcpListener,
    path: PathBuf,
}

impl Probe {
    fn compile() -> Self {
        let folder = support::folder();
        let other = folder.path().join("other");
        std::fs::create_dir(&other).expect("a folder");
        for name in ["secret", "emptied", "removed"] {
            std::fs::write(other.join(name), "of another tenant").expect("a file");
        }
        let elsewhere = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = elsewhere.local_addr().expect("its address").port();
        let path = folder.path().join("probe");
        let output = std::process::Command::new("cc")
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/probe/probe.c"))
            .args([
                format!("-DOTHER=\"{}\"", other.display()),
                format!("-DPORT={port}"),
            ])
            .args(["-Wall", "-Werror", "-o"])
            .arg(&path)
            .output()
            .expect("a compiler of C is installed");
        let complaints = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{complaints}");
        Self {
            folder,
            _elsewhere: elsewhere,
            path,
        }
    }

    /// What it could do, in the place of `ffmpeg`, where its input is a file or, if `served`, an address.
    async fn could(&self, ffmpeg: &Ffmpeg, served: bool) -> Vec<String> {
        let video = &b"\x1a\x45\xdf\xa3"[..];
        let source: Arc<dyn Source> = if served {
            Memory::new(video)
        } else {
            let path = self.folder.path().join("video");
            std::fs::write(&path, video).expect("a file");
            Arc::new(FileSource::open(&path).await.expect("a file"))
        };
        let sink = Box::new(Kept::default());
        let options = Options::default();
        let done = extract(ffmpeg, source, sink, &options, &IgnoreProgress).await;
        let Err(ExtractError::Video(Reason::Damaged { detail, .. })) = &done else {
            panic!("{done:?}");
        };
        let told = detail.strip_prefix("it could: ").expect("it speaks");
        let told = told
            .strip_suffix("and no more")
            .expect("it comes to its end");
        told.split_terminator(", ").map(str::to_owned).collect()
    }
}

/// What it could do where nothing but limits keeps it.
const WITHOUT: [&str; 18] = [
    "read /etc/passwd",
    "list /etc",
    "read another's folder",
    "make a file",
    "empty a file",
    "make a file in its folder",
    "remove a file",
    "change a mode",
    "connect elsewhere",
    "send a datagram",
    "listen",
    "make a socket of another kind",
    "signal its parent",
    "read its parent's memory",
    "make a namespace",
    "fork",
    "clone",
    "execute a shell",
];

#[tokio::test]
async fn a_program_in_its_place_can_do_nothing_but_read_its_input() {
    let probe = Probe::compile();
    let ffmpeg = support::find(Some(&probe.path)).await;
    let confinement = ffmpeg.confinement.clone().expect("it is confined");
    // An old kernel would keep it from less.
    assert_eq!(confinement.keeps.to_string(), "files+ports+calls");
    assert_eq!(probe.could(&ffmpeg, false).await, ["read its input"]);
    assert_eq!(probe.could(&ffmpeg, true).await, ["connect to its input"]);
    let is_there = |name| probe.folder.path().join("other").join(name).exists();
    assert!(is_there("removed") && !is_there("made"));

    // And it does try: this is what it could do else.
    let free = Ffmpeg {
        confinement: None,
        ..ffmpeg
    };
    let could = probe.could(&free, true).await;
    for what in WITHOUT {
        assert!(could.iter().any(|found| found == what), "{what}: {could:?}");
    }
}

/// A kernel that does not let this thread, and what it starts, have these calls.
fn kernel_without(calls: &[i64]) {
    let calls = calls.iter().map(|&call| (call, Vec::new())).collect();
    let (allow, refuse) = (SeccompAction::Allow, SeccompAction::Errno(1));
    let architecture = std::env::consts::ARCH.try_into().expect("it is known");
    let filter = SeccompFilter::new(calls, allow, refuse, architecture).expect("a filter");
    let program: BpfProgram = filter.try_into().expect("a filter");
    seccompiler::apply_filter(&program).expect("it is applied");
}

/// What an ffmpeg is kept from by a kernel without these calls, having made its frames, and the
/// warnings of it.
fn kept_without(calls: &'static [i64]) -> (String, Vec<String>) {
    let log = Arc::new(Mutex::new(Vec::new()));
    let writer = Arc::clone(&log);
    let thread = std::thread::spawn(move || {
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::WARN)
            .with_ansi(false)
            .with_writer(move || Log(Arc::clone(&writer)))
            .finish();
        let _guard = tracing::subscriber::set_default(subscriber);
        kernel_without(calls);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        runtime.expect("a runtime").block_on(async {
            let folder = support::folder();
            let path = support::clip(&folder, "a.avi", 2, "-c:v mpeg4");
            let ffmpeg = support::find(None).await;
            let (done, _) = support::run_by(&ffmpeg, Memory::of(&path), &Options::default()).await;
            assert_eq!(done.expect("frames").frames, 2);
            ffmpeg
                .confinement
                .expect("there is a launcher")
                .keeps
                .to_string()
        })
    });
    let keeps = thread.join().expect("no panic");
    let log = String::from_utf8(log.lock().expect("no panic").clone()).expect("text");
    (keeps, log.lines().map(str::to_owned).collect())
}

struct Log(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("no panic").extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn where_the_kernel_has_less_frames_are_made_and_it_is_said_once() {
    let (keeps, log) = kept_without(&[]);
    assert_eq!(
        (keeps.as_str(), log.len()),
        ("files+ports+calls", 0),
        "{log:?}"
    );

    let (keeps, log) = kept_without(&[libc::SYS_landlock_create_ruleset]);
    assert_eq!(keeps, "calls");
    assert!(
        log.len() == 1 && log[0].contains("missing: Landlock"),
        "{log:?}"
    );

    let none = &[libc::SYS_landlock_create_ruleset, libc::SYS_seccomp];
    let (keeps, log) = kept_without(none);
    assert_eq!(keeps, "nothing");
    assert!(
        log.len() == 2 && log[1].contains("missing: seccomp"),
        "{log:?}"
    );
}

#[tokio::test]
async fn where_it_can_be_kept_from_less_than_before_it_does_not_start() {
    let folder = support::folder();
    let path = support::clip(&folder, "a.avi", 2, "-c:v mpeg4");
    let ffmpeg = support::ffmpeg().await;
    assert!(ffmpeg.confinement.is_some());
    let thread = std::thread::spawn(move || {
        kernel_without(&[libc::SYS_landlock_create_ruleset]);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        runtime.expect("a runtime").block_on(async {
            let source = Memory::of(&path);
            support::run_by(&ffmpeg, source, &Options::default())
                .await
                .0
        })
    });
    let error = thread.join().expect("no panic").expect_err("no frames");
    let ExtractError::Machine(why) = &error else {
        panic!("{error:?}");
    };
    assert!(
        why.starts_with("ffmpeg cannot be confined: less can be kept"),
        "{why}"
    );
}

#[tokio::test]
async fn a_script_in_its_place_is_not_confined_and_works() {
    let folder = support::folder();
    let path = folder.path().join("ffmpeg");
    let real = support::ffmpeg().await.path;
    let script = format!("#!/bin/sh\nexec {} \"$@\"\n", real.display());
    std::fs::write(&path, script).expect("a script");
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).expect("it is ours");
    let ffmpeg = support::find(Some(&path)).await;
    assert_eq!(ffmpeg.confinement, None);
    let clip = support::clip(&folder, "a.avi", 2, "-c:v mpeg4");
    let done = support::run_by(&ffmpeg, Memory::of(&clip), &Options::default())
        .await
        .0;
    assert_eq!(done.expect("frames").frames, 2);
}
