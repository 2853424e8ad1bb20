//! S3: the protocol is `s3s`'s, the store is ours. Bodies are files in `blobs/`, everything else is
//! in the state database.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::db::Durability;
use crate::dispatch::Cut;
use crate::error::ServiceError;
use crate::http_types::{Request, Response};
use crate::state::State;

pub(crate) const SCHEMA: &str = "";

/// The folder of bodies.
pub(crate) struct Blobs {
    _folder: PathBuf,
}

impl Blobs {
    pub(crate) fn open(folder: &Path, _durability: Durability) -> io::Result<Self> {
        std::fs::create_dir_all(folder)?;
        Ok(Self {
            _folder: folder.to_owned(),
        })
    }
}

/// Starts the loops in the background.
pub(crate) fn start(_state: &Arc<State>) {}

/// S3 as the dispatcher calls it.
#[derive(Clone)]
pub(crate) struct Service {}

impl Service {
    pub(crate) fn new(_state: &Arc<State>) -> Self {
        Self {}
    }

    pub(crate) async fn handle(
        &self,
        _request: Request,
        request_id: &str,
    ) -> Result<Response, Cut> {
        Ok(ServiceError::internal().into_json("application/json", request_id))
    }
}
