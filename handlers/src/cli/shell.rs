//! `fotograma completions` and `fotograma man`: what a shell and `man` know of the command line, made
//! from it.

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Args, CommandFactory};
use clap_complete::Shell;

#[derive(Debug, Args)]
pub(super) struct CompletionsArgs {
    /// The shell
    shell: Shell,
}

#[derive(Debug, Args)]
pub(super) struct ManArgs {
    /// The folder to write a page for each command into
    folder: PathBuf,
}

pub(super) fn print_completions(args: &CompletionsArgs) -> ExitCode {
    let mut command = super::Cli::command();
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command, "fotograma", &mut script);
    // A reader that has gone wants no more of it.
    let _ = io::Write::write_all(&mut io::stdout(), &script);
    ExitCode::SUCCESS
}

pub(super) fn write_man_pages(args: &ManArgs) -> Result<ExitCode> {
    let write = || {
        std::fs::create_dir_all(&args.folder)?;
        clap_mangen::generate_to(super::Cli::command(), &args.folder)
    };
    write().with_context(|| format!("{} cannot be written", args.folder.display()))?;
    Ok(ExitCode::SUCCESS)
}
