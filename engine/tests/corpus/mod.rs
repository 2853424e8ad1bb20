//! Real videos: those in the folder that `FOTOGRAMA_CORPUS` names, where it names one.

use std::path::{Path, PathBuf};

/// All of them, in the order of their names; `None`, having said so, where no folder is named.
pub(crate) fn corpus() -> Option<Vec<PathBuf>> {
    let Some(folder) = std::env::var_os("FOTOGRAMA_CORPUS") else {
        eprintln!("not run: FOTOGRAMA_CORPUS names no folder of videos");
        return None;
    };
    let mut paths = Vec::new();
    videos(folder.as_ref(), &mut paths);
    assert!(!paths.is_empty(), "the corpus is empty");
    paths.sort();
    Some(paths)
}

fn videos(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            videos(&path, into);
        } else if path.extension().is_some_and(|extension| extension != "tsv") {
            into.push(path);
        }
    }
}
