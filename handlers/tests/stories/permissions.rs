//! A row of the table holds the permissions that its feature's stories use, and no others.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use fotograma_core::features::TABLE;
use lambda_anywhere::conformance::{Case, through_server};

use super::{recorder, stage};

pub(super) fn rows_are_what_stories_use(events: &Path) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| error.to_string())?;
    let mut by_feature = BTreeMap::new();
    for case in Case::read_all(events, TABLE) {
        let recorder = recorder(&case);
        // Only there does a form's file come in.
        runtime.block_on(through_server(&case, stage(&case, Arc::clone(&recorder))));
        let uses: &mut BTreeSet<_> = by_feature.entry(case.feature.name).or_default();
        uses.extend(recorder.permissions());
    }
    let mut wrong = Vec::new();
    for feature in TABLE {
        let row: BTreeSet<_> = feature.permissions.iter().copied().collect();
        let uses = by_feature.remove(feature.name).unwrap_or_default();
        for permission in uses.difference(&row) {
            wrong.push(format!("{} needs {permission:?}", feature.name));
        }
        for permission in row.difference(&uses) {
            wrong.push(format!("no story of {} uses {permission:?}", feature.name));
        }
    }
    if wrong.is_empty() {
        Ok(())
    } else {
        Err(wrong.join("\n"))
    }
}
