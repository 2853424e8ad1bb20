//! Shows how the frames of local videos would be got at: `plan OPTIONS-AS-JSON VIDEO…`, one line
//! of JSON for each.

use fotograma_engine::{FileSource, Options, plan};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let options: Options = serde_json::from_str(&arguments.next().unwrap_or_default())?;
    for video in arguments {
        let source = FileSource::open(&video).await?;
        match plan(&source, &options).await {
            Ok(plan) => println!("{}", serde_json::to_string(&plan)?),
            Err(error) => eprintln!("{video}: {error}"),
        }
    }
    Ok(())
}
