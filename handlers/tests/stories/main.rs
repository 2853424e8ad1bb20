//! Stories: each sample event in `events/` gives the same effects, the same reply and the same
//! acknowledgements through Lambda, the worker, the server and `replay`, and they are those of
//! the `.story` beside it. `UPDATE=1` rewrites the stories; the diff is to be reviewed.

mod permissions;
mod table;

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use fotograma_core::ports::Objects;
use fotograma_core::story::{self, Given, Recorder};
use fotograma_core::{App, Result, features};
use futures::TryStreamExt;
use futures::stream::BoxStream;
use lambda_anywhere::conformance::{Case, Outcome, Stage, Suite};
use lambda_anywhere::{FileStore, Host};

fn main() -> ExitCode {
    let events = Path::new(env!("CARGO_MANIFEST_DIR")).join("../events");
    let samples = events.clone();
    Suite::new(features::TABLE, &events, |case| stage(case, recorder(case)))
        .expecting(compare_with_story)
        .with_check(
            "permissions::a_row_holds_what_its_stories_use_and_no_more",
            move || permissions::rows_are_what_stories_use(&samples),
        )
        .with_check("table::invariants", table::invariants)
        .run()
}

/// A recorder in the world that the case gives.
fn recorder(case: &Case<App>) -> Arc<Recorder> {
    let given = match std::fs::read_to_string(case.path.with_extension("given.json")) {
        Ok(text) => serde_json::from_str(&text).expect("what is given"),
        Err(_) => Given::default(),
    };
    Arc::new(Recorder::new(given))
}

/// How an effect begins that the feature's row does not permit.
const NOT_PERMITTED: &str = "not permitted: ";

/// The features, with the recorder behind every port.
fn stage(case: &Case<App>, recorder: Arc<Recorder>) -> Stage<App> {
    let permitted = case.feature.permissions;
    let host = Host::new(story::app(&recorder), features::TABLE);
    let host = host.with_file_store(Arc::new(Uploads(Arc::clone(&recorder))));
    Stage::new(host, move || {
        let used = recorder.permissions();
        let beyond = used.iter().filter(|used| !permitted.contains(used));
        let beyond = beyond.map(|permission| format!("{NOT_PERMITTED}{permission:?}"));
        recorder.lines().into_iter().chain(beyond).collect()
    })
}

/// The store of form uploads, which the recorder writes down.
struct Uploads(Arc<Recorder>);

#[async_trait]
impl FileStore for Uploads {
    async fn store(
        &self,
        key: &str,
        _content_type: Option<&str>,
        file: BoxStream<'_, Result<Bytes>>,
    ) -> Result<u64> {
        let add = |sum, chunk: Bytes| async move { Ok(sum + chunk.len() as u64) };
        let length = file.try_fold(0, add).await?;
        self.0.upload(key, length).map(|()| length)
    }

    async fn remove(&self, key: &str) -> Result<()> {
        self.0.remove(key).await
    }
}

/// Holds what came of an event to the story beside it, and to what the feature's row permits.
fn compare_with_story(case: &Case<App>, outcome: &Outcome) -> Result<(), String> {
    let mut effects = outcome.effects.iter();
    if let Some(beyond) = effects.find(|effect| effect.starts_with(NOT_PERMITTED)) {
        return Err(format!(
            "{} goes beyond its row: {beyond}",
            case.feature.name
        ));
    }
    let path = case.path.with_extension("story");
    let mut told = outcome.effects.clone();
    told.push(format!("reply {}\n", outcome.reply));
    let told = told.join("\n");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &told).map_err(|error| error.to_string())?;
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    if told == expected {
        return Ok(());
    }
    Err(format!("{told}\nbut the story is:\n{expected}"))
}
