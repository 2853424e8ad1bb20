//! What a child of the engine finds itself with: told by a program in ffmpeg's place.

mod support;

use std::os::unix::fs::PermissionsExt;

use fotograma_engine::{ExtractError, Ffmpeg, IgnoreProgress, Limits, Options, Reason, extract};
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
