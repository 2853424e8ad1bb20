//! What the README shows is what there is: the examples' diffs, each of at most ten changed lines.

use std::path::Path;
use std::process::Command;

/// Changed lines between two files, as `diff` has them, with two lines around each.
fn diff(before: &Path, after: &Path, name: &str) -> String {
    let output = Command::new("diff")
        .arg("-U2")
        .args(["--label", &format!("before/{name}.rs")])
        .args(["--label", &format!("{name}.rs")])
        .args([before, after])
        .output()
        .expect("the diff program");
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn the_diffs_shown_are_the_real_ones_and_have_at_most_ten_changed_lines() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = std::fs::read_to_string(root.join("README.md")).expect("the README");
    for name in ["sqs", "http", "sns", "scheduled"] {
        let file = format!("{name}.rs");
        let examples = root.join("examples");
        let diff = diff(
            &examples.join("before").join(&file),
            &examples.join(&file),
            name,
        );
        let changed = diff
            .lines()
            .filter(|line| line.starts_with(['+', '-']))
            .filter(|line| !line.starts_with("+++") && !line.starts_with("---"));
        let changed = changed.count();
        assert!((1..=10).contains(&changed), "{name}: {changed}\n{diff}");
        let shown = format!("```diff\n{diff}```\n");
        assert!(
            readme.contains(&shown),
            "the README does not show:\n{shown}"
        );
    }
}
