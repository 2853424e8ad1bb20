//! A sample event.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::{Caller, Context, Feature, claims};

/// A sample event, and the feature that it is for.
pub struct Case<C: Context> {
    /// Its file: `<folder>/<feature>/<case>.json`.
    pub path: PathBuf,
    /// The feature that its folder is named after.
    pub feature: &'static Feature<C>,
    /// The event as Lambda would get it.
    pub event: Value,
}

impl<C: Context> Case<C> {
    /// Every `<feature>/<case>.json` below `events`, by name. A file with another dot in its name
    /// (`<case>.given.json`) is no event.
    ///
    /// # Panics
    /// When a folder is named after no feature, or a file is no JSON: the samples are wrong then.
    #[must_use]
    pub fn read_all(events: &Path, table: &'static [Feature<C>]) -> Vec<Self> {
        let is_event = |path: &PathBuf| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.strip_suffix(".json")
                .is_some_and(|stem| !stem.contains('.'))
        };
        let mut paths: Vec<_> = files(events)
            .into_iter()
            .filter(|path| path.is_dir())
            .flat_map(|folder| {
                let name = folder.file_name().unwrap_or_default().to_string_lossy();
                let known = table.iter().any(|feature| feature.name == name);
                assert!(known, "{} names no feature", folder.display());
                files(&folder)
            })
            .filter(is_event)
            .collect();
        paths.sort();
        paths.iter().map(|path| Self::read(path, table)).collect()
    }

    /// The event in this file.
    ///
    /// # Panics
    /// When it is none.
    pub(super) fn read(path: &Path, table: &'static [Feature<C>]) -> Self {
        let folder = path.parent().and_then(Path::file_name).unwrap_or_default();
        let folder = folder.to_string_lossy();
        let feature = table.iter().find(|feature| feature.name == folder);
        let feature = feature.unwrap_or_else(|| panic!("no feature is named {folder}"));
        let text = std::fs::read_to_string(path)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let event = serde_json::from_str(&text)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        Self {
            path: path.to_owned(),
            feature,
            event,
        }
    }

    /// `<feature>::<case>`.
    #[must_use]
    pub fn name(&self) -> String {
        let stem = self.path.file_stem().unwrap_or_default().to_string_lossy();
        format!("{}::{stem}", self.feature.name)
    }

    /// Whoever the event's authorizer names.
    #[must_use]
    pub fn caller(&self) -> Option<Caller> {
        claims::caller(&self.event)
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries =
        std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    entries.flatten().map(|entry| entry.path()).collect()
}
