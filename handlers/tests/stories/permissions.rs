//! A row of the table holds the permissions that its feature's stories use, and no others.

use std::collections::{BTreeMap, BTreeSet};

use fotograma_core::features::TABLE;
use libtest_mimic::Failed;

use super::case::Case;
use super::ways;

pub(super) fn rows_are_what_stories_use(cases: &[Case]) -> Result<(), Failed> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let mut by_feature = BTreeMap::new();
    for case in cases {
        // A form's file goes through the server, which streams it into the store.
        let needed = runtime.block_on(ways::permissions(case));
        let uses: &mut BTreeSet<_> = by_feature.entry(case.feature.name).or_default();
        uses.extend(needed);
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
        Err(wrong.join("\n").into())
    }
}
