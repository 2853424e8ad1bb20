//! A sample event, the world that it comes into, and its story.

use std::path::{Path, PathBuf};

use fotograma_core::App;
use fotograma_core::features;
use fotograma_core::story::Given;
use lambda_anywhere::Feature;
use libtest_mimic::Failed;
use serde_json::Value;

pub(super) struct Case {
    path: PathBuf,
    pub(super) feature: &'static Feature<App>,
    pub(super) event: Value,
}

impl Case {
    /// Every event below `events/`, by name.
    pub(super) fn all(events: &Path) -> Vec<Self> {
        let mut paths: Vec<_> = files(events)
            .into_iter()
            .flat_map(|folder| files(&folder))
            .filter(|path| {
                let name = path.to_string_lossy();
                name.ends_with(".json") && !name.ends_with(".given.json")
            })
            .collect();
        paths.sort();
        paths.iter().map(|path| Self::read(path)).collect()
    }

    pub(super) fn read(path: &Path) -> Self {
        let folder = path
            .parent()
            .and_then(Path::file_name)
            .expect("events/<feature>/<case>.json");
        let folder = folder.to_string_lossy();
        let feature = features::find(&folder).unwrap_or_else(|| panic!("no feature {folder}"));
        let text = std::fs::read_to_string(path).expect("an event");
        let event =
            serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        Self {
            path: path.to_owned(),
            feature,
            event,
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn name(&self) -> String {
        let case = self.path.file_stem().expect("a name").to_string_lossy();
        format!("{}::{case}", self.feature.name)
    }

    pub(super) fn given(&self) -> Given {
        match std::fs::read_to_string(self.path.with_extension("given.json")) {
            Ok(text) => serde_json::from_str(&text).expect("what is given"),
            Err(_) => Given::default(),
        }
    }

    /// Compares what was told in one way with the story.
    pub(super) fn expect(&self, way: &str, told: &[String]) -> Result<(), Failed> {
        let story = self.path.with_extension("story");
        let told = told.join("\n") + "\n";
        if std::env::var_os("UPDATE").is_some() && way == "replay" {
            std::fs::write(&story, &told)?;
        }
        let expected = std::fs::read_to_string(&story).unwrap_or_default();
        if told == expected {
            return Ok(());
        }
        Err(format!("through {way}:\n{told}\nbut the story is:\n{expected}").into())
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    entries
        .map(|entry| entry.expect("an entry").path())
        .collect()
}
