//! A launcher for ffmpeg, for programs that use the engine and do not call
//! [`fotograma_engine::become_ffmpeg_if_asked`] at their own beginning, as tests.

use std::process::ExitCode;

fn main() -> ExitCode {
    let asked = fotograma_engine::become_ffmpeg_if_asked(std::env::args_os());
    asked.unwrap_or_else(|| {
        eprintln!("it is started by a program that uses the engine");
        ExitCode::from(2)
    })
}
