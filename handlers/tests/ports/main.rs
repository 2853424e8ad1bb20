//! Every port over the AWS SDKs, on success and on failure, against the embedded AWS.
#![cfg(feature = "local")]

mod frames;
mod identity;
mod messages;
mod objects;
mod outage;
mod provision;
mod streams;
mod table;
mod videos;
mod world;
