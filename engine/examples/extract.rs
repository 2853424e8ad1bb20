//! Extracts the frames of a local video: `extract [--served] VIDEO ZIP [OPTIONS-AS-JSON]`.
//!
//! With `--served` ffmpeg does not open the file itself, as if it lay in an object store.
//! With the options `previews` and `contact_sheet` those pictures come beside the zip.
//! `FOTOGRAMA_FFMPEG` names another ffmpeg than the one on the `PATH`.

use std::ops::Range;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use fotograma_engine::{
    Ffmpeg, FileSink, FileSource, IgnoreProgress, Options, Source, SourceError,
    become_ffmpeg_if_asked, extract,
};

/// A file that hides its path.
struct Served(FileSource);

#[async_trait]
impl Source for Served {
    fn len(&self) -> u64 {
        self.0.len()
    }

    async fn read(&self, range: Range<u64>) -> Result<Bytes, SourceError> {
        self.0.read(range).await
    }
}

fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
    // This program is also what confines ffmpeg.
    if let Some(status) = become_ffmpeg_if_asked(std::env::args_os()) {
        return Ok(status);
    }
    run().map(|()| ExitCode::SUCCESS)
}

#[tokio::main]
async fn run() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments: Vec<_> = std::env::args().skip(1).collect();
    let served = arguments.first().is_some_and(|first| first == "--served");
    arguments.drain(..usize::from(served));
    let [video, zip, rest @ ..] = arguments.as_slice() else {
        return Err("usage: extract [--served] VIDEO ZIP [OPTIONS-AS-JSON]".into());
    };
    let options = match rest.first() {
        Some(json) => serde_json::from_str(json)?,
        None => Options::default(),
    };
    let path = std::env::var_os("FOTOGRAMA_FFMPEG");
    let ffmpeg = Ffmpeg::find(path.as_ref().map(Path::new)).await?;
    let source = FileSource::open(video).await?;
    let source: Arc<dyn Source> = if served {
        Arc::new(Served(source))
    } else {
        Arc::new(source)
    };
    let sink = FileSink::create(zip, true).await?;
    let done = extract(&ffmpeg, source, Box::new(sink), &options, &IgnoreProgress).await?;
    if let Some(made) = &done.previews {
        let beside = |end: &str| Path::new(zip).with_extension(end);
        std::fs::write(beside("poster.jpg"), &made.poster)?;
        std::fs::write(beside("storyboard.jpg"), &made.storyboard.sheet)?;
        if let Some(sheet) = &made.contact_sheet {
            std::fs::write(beside("contact.jpg"), sheet)?;
        }
    }
    let mut facts = serde_json::to_value(&done)?;
    facts["peak_memory"] = peak_memory().into();
    println!("{facts:#}");
    Ok(())
}

/// The most memory that this process, ffmpeg apart, has had at any time, in bytes.
fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kibibytes = peak.and_then(|peak| peak.trim().trim_end_matches(" kB").parse().ok());
    kibibytes.map_or(0, |kibibytes: u64| kibibytes * 1024)
}
