//! What the engine gives opens in the programs that people have, and in those that read a zip from
//! its front, as a pipe.

mod support;

use std::path::Path;
use std::process::Command;

use fotograma_engine::{Format, Options};
use support::{Memory, clip, every, folder, run};

/// Programs that test or read a zip, with what stands before its name. `.ci/install test` installs them.
const READERS: [&[&str]; 5] = [
    &["unzip", "-t"],
    &["python3", "-m", "zipfile", "-t"],
    &["7zz", "t"],
    // What macOS reads zips by.
    &["bsdtar", "-tvf"],
    // A pipe: what is read has no end to look for a directory at.
    &["sh", "-c", "bsdtar -xOf - <\"$0\" >\"$0.out\""],
];

/// One that is tried where a machine happens to have it.
const JAR: &[&str] = &["jar", "tf"];

/// Whether the machine has the program `name`.
fn has(name: &str) -> bool {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&folders).any(|folder| folder.join(name).is_file())
}

fn opens(path: &Path) {
    for reader in READERS.into_iter().chain(has("jar").then_some(JAR)) {
        let output = Command::new(reader[0])
            .args(&reader[1..])
            .arg(path)
            .output();
        let output = output.unwrap_or_else(|error| panic!("{reader:?}: {error}"));
        assert!(output.status.success(), "{reader:?}: {output:?}");
    }
}

/// The little-endian number at `at`.
fn number(bytes: &[u8], at: usize, length: usize) -> u64 {
    let bytes = &bytes[at..at + length];
    bytes
        .iter()
        .rev()
        .fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// The fields of a directory's entry that stand in front of the file too: what is needed, flags, method,
/// time, date, checksum, both sizes, and the name (APPNOTE 4.3.7 and 4.3.12).
fn fields(entry: &[u8], from: usize, name: usize) -> (&[u8], &[u8]) {
    let length = usize::try_from(number(entry, from + 22, 2)).expect("it is short");
    (&entry[from..from + 22], &entry[name..name + length])
}

/// Each entry, by the directory, is as what stands in front of it says, and nothing stands behind it.
fn agrees(zip: &[u8]) {
    let end = zip
        .windows(4)
        .rposition(|four| four == b"PK\x05\x06")
        .expect("an end");
    let count = number(zip, end + 10, 2);
    let mut at = usize::try_from(number(zip, end + 16, 4)).expect("it fits");
    let directory = at;
    let mut next = 0;
    for _ in 0..count {
        let central = &zip[at..];
        assert!(central.starts_with(b"PK\x01\x02"));
        let front = usize::try_from(number(central, 42, 4)).expect("it fits");
        assert_eq!(
            front, next,
            "entries follow each other with nothing between them"
        );
        let local = &zip[front..];
        assert!(local.starts_with(b"PK\x03\x04"));
        let (said, name) = fields(central, 6, 46);
        assert_eq!((said, name), fields(local, 4, 30));
        let flags = number(said, 2, 2);
        assert_eq!(flags & 1 << 3, 0, "no data descriptor");
        assert_eq!(flags & 1, 0, "no encryption");
        assert_eq!(number(said, 4, 2), 0, "stored");
        let text = std::str::from_utf8(name).expect("UTF-8");
        assert!(
            text.is_ascii() || flags & 1 << 11 != 0,
            "{text} is said to be UTF-8"
        );
        assert!(!text.contains(['/', '\\', ':']), "{text}");
        let extra = |entry: &[u8], at| usize::try_from(number(entry, at, 2)).expect("short");
        let size = usize::try_from(number(said, 14, 4)).expect("it fits");
        next = front + 30 + name.len() + extra(local, 28) + size;
        at += 46 + name.len() + extra(central, 30) + extra(central, 32);
    }
    assert_eq!((next, at), (directory, end));
}

#[tokio::test]
async fn the_zip_opens_in_every_program() {
    let folder = folder();
    let video = clip(&folder, "a.mp4", 4, "-c:v libx264 -preset ultrafast");
    for format in [Format::Jpg, Format::Png] {
        let options = Options {
            format,
            modified: 1_700_000_000,
            ..every(500)
        };
        let (done, kept) = run(Memory::of(&video), &options).await;
        assert_eq!(done.expect("frames").frames, 8);
        let path = folder.path().join("frames.zip");
        std::fs::write(&path, kept.bytes()).expect("a file");
        agrees(&kept.bytes());
        opens(&path);
    }
}
