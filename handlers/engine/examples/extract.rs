//! Extracts the frames of a local video: `extract VIDEO ZIP [OPTIONS-AS-JSON]`.

use std::sync::Arc;

use fotograma_engine::{Ffmpeg, FileSink, FileSource, Options, Unwatched, extract};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(video), Some(zip)) = (arguments.next(), arguments.next()) else {
        return Err("usage: extract VIDEO ZIP [OPTIONS-AS-JSON]".into());
    };
    let options = match arguments.next() {
        Some(json) => serde_json::from_str(&json)?,
        None => Options::default(),
    };
    let ffmpeg = Ffmpeg::find(None).await?;
    let source = FileSource::open(video).await?;
    let sink = FileSink::create(zip, true).await?;
    let done = extract(
        &ffmpeg,
        Arc::new(source),
        Box::new(sink),
        &options,
        &Unwatched,
    )
    .await?;
    println!("{}", serde_json::to_string_pretty(&done)?);
    Ok(())
}
