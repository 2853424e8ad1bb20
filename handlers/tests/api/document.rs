//! `core/openapi.json` is what the table and the types say, with samples of `events/`: `UPDATE=1` rewrites
//! it, and `docs/problems.md`; the diff is to be reviewed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use fotograma_core::features::TABLE;
use fotograma_core::features::problems::PROBLEMS;
use fotograma_core::openapi::{self, Example};
use lambda_anywhere::conformance::Case;
use serde_json::Value;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The samples of each feature: what is sent, and what the story says comes back.
fn examples() -> BTreeMap<String, Vec<Example>> {
    let mut examples: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for case in Case::read_all(&root().join("events"), TABLE) {
        if case.feature.route().is_none() {
            continue;
        }
        let story = std::fs::read_to_string(case.path.with_extension("story")).expect("a story");
        let reply = story
            .lines()
            .filter_map(|line| line.strip_prefix("reply "))
            .next_back();
        let (status, body) = reply.map_or(("", ""), |reply| {
            reply.split_once(' ').unwrap_or((reply, ""))
        });
        let request = case.event["body"].as_str();
        let example = Example {
            request: request.and_then(|body| serde_json::from_str(body).ok()),
            status: status.parse().unwrap_or_default(),
            response: serde_json::from_str(body).ok(),
        };
        let of_feature = examples.entry(case.feature.name.to_owned()).or_default();
        of_feature.push(example);
    }
    examples
}

fn document() -> Value {
    openapi::document(env!("CARGO_PKG_VERSION"), &examples())
}

fn hold(path: &str, made: &str) {
    let path = root().join(path);
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, made).expect("a file");
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        kept == made,
        "{} is not what the types say: UPDATE=1",
        path.display()
    );
}

#[test]
fn the_document_is_what_the_types_say() {
    hold("core/openapi.json", &format!("{:#}\n", document()));
}

#[test]
fn each_kind_of_problem_is_told_of() {
    let mut page = "# Problems\n\nAn answer that is no success is `application/problem+json` (RFC 9457). Its `type` is \
        `/problems#` and one of these kinds,\nan address on the server that answered; `detail` is a sentence for \
        people, `field` names the field at fault where there is\none, `request_id` is what to tell the \
        operator.\n\n| kind | status | what it means |\n|---|---|---|\n"
        .to_owned();
    for kind in PROBLEMS {
        let row = [
            "",
            &format!(" `{}` ", kind.name),
            &format!(" {} ", kind.status),
            &format!(" {} ", kind.about),
            "\n",
        ];
        page += &row.join("|");
    }
    hold("docs/problems.md", &page);
    let mut names: Vec<_> = PROBLEMS.iter().map(|kind| kind.name).collect();
    names.sort_unstable();
    assert!(
        names.windows(2).all(|pair| pair[0] != pair[1]),
        "a kind is told of twice"
    );
}

/// Kinds stand as words in the code: each that stands there is told of, and each that is told of stands there.
#[test]
fn kinds_in_the_code_are_those_that_are_told_of() {
    let mut said = String::new();
    for folder in ["core/src", "handlers/src", "runtime/src"] {
        read_all(&root().join(folder), &mut said);
    }
    for (at, _) in said.match_indices(".of_kind(\"") {
        let kind = said[at..].split('"').nth(1).unwrap_or_default();
        assert!(
            PROBLEMS.iter().any(|known| known.name == kind),
            "nothing is told of {kind}"
        );
    }
    for kind in PROBLEMS {
        let quoted = format!("\"{}\"", kind.name);
        // Once in the list itself.
        assert!(
            said.matches(&quoted).count() > 1,
            "nothing says {}",
            kind.name
        );
    }
}

fn read_all(folder: &Path, into: &mut String) {
    for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            read_all(&path, into);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            *into += &std::fs::read_to_string(&path).expect("a source");
        }
    }
}

/// Where a schema has no room for anything else, and says what it is.
#[test]
fn every_body_is_strict() {
    let document = document();
    let mut bodies = 0;
    for (path, methods) in document["paths"].as_object().expect("paths") {
        for (method, operation) in methods.as_object().expect("methods") {
            for (_, content) in operation["requestBody"]["content"]
                .as_object()
                .into_iter()
                .flatten()
            {
                bodies += 1;
                let schema = match content["schema"]["$ref"].as_str() {
                    Some(found) => document.pointer(&found[1..]).expect("a schema"),
                    None => &content["schema"],
                };
                assert_eq!(schema["additionalProperties"], false, "{method} {path}");
            }
        }
    }
    assert!(bodies >= 8, "{bodies}");
}
