//! The HTTP API: the one document that tells of it, and who may do what.

mod access;
mod document;
