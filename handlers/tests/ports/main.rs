//! Every port over the AWS SDKs, on success and on failure, against the embedded AWS.
#![cfg(feature = "local")]

#[cfg(target_os = "linux")]
mod connections;
mod frames;
#[path = "../support/http.rs"]
mod http;
mod identity;
mod messages;
mod objects;
mod part_uploads;
mod process;
mod provision;
mod streams;
mod table;
mod videos;
mod worker;
mod world;
