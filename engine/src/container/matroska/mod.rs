//! Matroska and `WebM` (RFC 9559, on EBML, RFC 8794).

pub(crate) mod cues;
mod ebml;
mod ids;
mod structure;

pub(crate) use structure::inspect_structure;
