//! Containers: what a file is, what it says of itself, and where its frames lie.

mod avi;
pub(crate) mod index_unusable;
pub(crate) mod isobmff;
pub(crate) mod matroska;
pub(crate) mod sniff;
pub(crate) mod structure;
mod tail;

use bytes::Bytes;

use crate::io::source::{Source, SourceError};
use sniff::ContainerFormat;
use structure::Structure;

/// Looks at the structure of `source`, whose first bytes are `head`.
pub(crate) async fn inspect_structure(
    source: &dyn Source,
    format: ContainerFormat,
    head: &Bytes,
) -> Result<Structure, SourceError> {
    match format {
        ContainerFormat::Iso => isobmff::inspect_structure(source, head).await,
        ContainerFormat::Avi => Ok(avi::inspect_structure(head, source.len())),
        ContainerFormat::Matroska => Ok(matroska::inspect_structure(head, source.len())),
        ContainerFormat::Ogg => tail::inspect_ogg(source).await,
        ContainerFormat::Gif => tail::inspect_gif(source).await,
        _ => Ok(Structure::default()),
    }
}
