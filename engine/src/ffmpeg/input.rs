//! A source as ffmpeg's input: a local file by its name, anything else through the loopback server.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;

use crate::error::ExtractError;
use crate::ffmpeg::confinement::Access;
use crate::io::loopback::{Blocks, Loopback, Shape};
use crate::io::source::Source;

/// What ffmpeg is given to read, for as long as it may read it.
#[derive(Debug)]
pub(crate) enum Input {
    /// A local file.
    File(PathBuf),
    /// An address on the loopback interface.
    Served(Loopback),
}

impl Input {
    /// Makes `source` readable for ffmpeg, in blocks of `shape` where it is served.
    pub(crate) fn new(source: &Arc<dyn Source>, shape: Shape) -> Result<Self, ExtractError> {
        if let Some(path) = source.path() {
            return Ok(Self::File(path.to_owned()));
        }
        Loopback::start(Blocks::new(Arc::clone(source), shape)).map(Self::Served)
    }

    /// The protocols that it takes, for `-protocol_whitelist`.
    pub(crate) fn protocols(&self) -> &'static str {
        match self {
            Self::File(_) => "file",
            Self::Served(_) => "http,tcp",
        }
    }

    /// The arguments that make ffmpeg read it.
    pub(crate) fn arguments(&self) -> Vec<OsString> {
        let address = match self {
            Self::File(path) => {
                // With the protocol in front, no other one can be read out of the name.
                let mut name = OsString::from("file:");
                name.push(path);
                name
            }
            Self::Served(server) => server.url().into(),
        };
        vec!["-i".into(), address]
    }

    /// What ffmpeg must be let to, so that it can read it.
    pub(crate) fn access(&self) -> Access {
        match self {
            Self::File(path) => Access {
                file: Some(path.clone()),
                port: None,
            },
            Self::Served(server) => Access {
                file: None,
                port: Some(server.port()),
            },
        }
    }

    /// An error of the source, which ffmpeg cannot tell from an early end.
    pub(crate) fn check(&self) -> Result<(), ExtractError> {
        match self {
            Self::File(_) => Ok(()),
            Self::Served(server) => server.failure().map_or(Ok(()), |error| Err(error.into())),
        }
    }
}
