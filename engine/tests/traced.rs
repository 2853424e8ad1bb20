//! Which files and sockets hostile videos make ffmpeg open, as the kernel sees it (by `strace`).

mod support;

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use fotograma_engine::{FileSource, IgnoreProgress, OnDamage, Options, extract};
use support::{Kept, clip, ffmpeg, folder};

/// Names the folder whose videos [`extracts_all`] extracts.
const FOLDER: &str = "FOTOGRAMA_TRACED_FOLDER";

#[test]
fn only_the_video_itself_is_opened() {
    if Command::new("strace")
        .arg("-V")
        .stdout(Stdio::null())
        .status()
        .is_err()
    {
        eprintln!("not tested: there is no strace");
        return;
    }
    let (folder, log) = (folder(), support::folder());
    let secret = log.path().join("secret.mp4");
    std::fs::copy(clip(&folder, "good.mp4", 1, "-c:v libx264"), &secret).expect("a copy");
    let secret = secret.display();
    let front = "\0\0\0\u{18}ftypisom\0\0\0\0isommp41\n";
    for (name, text) in [
        (
            "hls.mp4",
            format!("{front}#EXTM3U\n#EXTINF:1,\nfile://{secret}\n#EXT-X-ENDLIST\n"),
        ),
        (
            "concat.mp4",
            format!("{front}ffconcat version 1.0\nfile '{secret}'\n"),
        ),
        (
            "sdp.mp4",
            format!("{front}c=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\n"),
        ),
        (
            "dash.mp4",
            format!("{front}<MPD><Period><BaseURL>{secret}</BaseURL></Period></MPD>"),
        ),
        ("ts.ts", format!("{}{secret}", "G".repeat(188 * 8))),
    ] {
        std::fs::write(folder.path().join(name), text).expect("a file");
    }
    let trace = log.path().join("trace");
    let status = Command::new("strace")
        .args([
            "-f",
            "-qq",
            "-s",
            "300",
            "-e",
            "trace=open,openat,socket,connect,bind,execve",
            "-o",
        ])
        .arg(&trace)
        .arg(std::env::current_exe().expect("this test"))
        .args(["--exact", "extracts_all", "--ignored"])
        .env(FOLDER, folder.path())
        .stdout(Stdio::null())
        .status()
        .expect("strace runs");
    assert!(status.success());
    let trace = std::fs::read_to_string(&trace).expect("a trace");
    assert_eq!(
        trace.matches("/ffmpeg\", [").count(),
        6 + 1,
        "six videos and the version"
    );
    let opened = trace.lines().filter(|line| line.contains("open"));
    let of_ours = |line: &&str| line.contains("secret") || line.contains("O_WRONLY|O_CREAT");
    assert_eq!(opened.filter(of_ours).count(), 0, "{trace}");
    for call in ["AF_INET", "connect(", "bind("] {
        assert!(!trace.contains(call), "{call}");
    }
    assert!(
        trace.contains("good.mp4\", O_RDONLY"),
        "the trace shows what is opened"
    );
}

#[tokio::test]
#[ignore = "run by the test above, under strace"]
async fn extracts_all() {
    let folder = std::env::var_os(FOLDER).expect("run by the test above");
    let ffmpeg = ffmpeg().await;
    let options = Options {
        damaged: OnDamage::Keep,
        every: std::time::Duration::from_millis(40),
        ..Options::default()
    };
    for entry in std::fs::read_dir(Path::new(&folder))
        .expect("a folder")
        .flatten()
    {
        let source = Arc::new(FileSource::open(entry.path()).await.expect("a file"));
        let sink = Box::new(Kept::default());
        let done = extract(&ffmpeg, source, sink, &options, &IgnoreProgress).await;
        assert_eq!(done.is_ok(), entry.path().ends_with("good.mp4"));
    }
}
