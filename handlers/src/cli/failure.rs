//! What a person is told when a command fails: one sentence, what is behind it, and what to do.

use std::fmt::{self, Display};
use std::process::ExitCode;

use clap::builder::styling::{AnsiColor, Style};

use crate::aws::UNREACHABLE;

/// The exit status for what was asked wrongly, as clap's own.
const USAGE: u8 = 2;

/// How the first word of an error is shown.
const ERROR: Style = AnsiColor::Red.on_default().bold();

/// How the first word of a hint is shown.
const HINT: Style = AnsiColor::Green.on_default();

/// What was asked cannot be meant so: exit status 2, like a flag that is not known.
#[derive(Debug)]
pub(super) struct Usage(pub(super) String);

impl Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Usage {}

/// A failure, and what a person can do about it.
#[derive(Debug)]
pub(super) struct Hinted {
    sentence: String,
    hint: &'static str,
}

impl Display for Hinted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence)
    }
}

impl std::error::Error for Hinted {}

/// An error with a hint.
pub(super) fn hinted(sentence: impl Into<String>, hint: &'static str) -> anyhow::Error {
    let sentence = sentence.into();
    anyhow::Error::new(Hinted { sentence, hint })
}

/// Tells a failure on standard error; gives the exit status.
pub(super) fn report(error: &anyhow::Error) -> ExitCode {
    if let Some(usage) = error.downcast_ref::<Usage>() {
        // As clap says it.
        anstream::eprintln!(
            "{ERROR}error:{ERROR:#} {usage}\n\nFor more information, try '--help'."
        );
        return ExitCode::from(USAGE);
    }
    let mut sentences: Vec<String> = Vec::new();
    for cause in error.chain() {
        let cause = cause.to_string();
        // Some errors repeat what is behind them.
        if !sentences.last().is_some_and(|last| last.contains(&cause)) {
            sentences.push(cause);
        }
    }
    anstream::eprintln!("{ERROR}fotograma:{ERROR:#} {}", sentences.join(": "));
    if let Some(hint) = hint(error, &sentences) {
        anstream::eprintln!("  {HINT}hint:{HINT:#} {hint}");
    }
    ExitCode::FAILURE
}

fn hint(error: &anyhow::Error, sentences: &[String]) -> Option<&'static str> {
    let given = error.chain().find_map(|cause| cause.downcast_ref());
    if let Some(Hinted { hint, .. }) = given {
        return Some(hint);
    }
    let says = |text: &str| sentences.iter().any(|sentence| sentence.contains(text));
    if says(UNREACHABLE) {
        Some(
            "is the system running? `make up`, or `fotograma dev`, starts it; --endpoint-url names another",
        )
    } else if says("AccessDenied") || says("UnrecognizedClient") || says("InvalidClientTokenId") {
        Some("these credentials may not do that here: `fotograma doctor` says which are used")
    } else {
        None
    }
}
