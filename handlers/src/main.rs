//! `fotograma`: a video in, a zip of its frames out.

use std::process::ExitCode;

fn main() -> ExitCode {
    fotograma::cli::main()
}
