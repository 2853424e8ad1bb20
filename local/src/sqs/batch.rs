//! The batch calls: entries checked as a whole, then done one by one, each with its own outcome.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::error;
use crate::error::ServiceError;

/// An entry of a batch has an id of the caller's choosing.
pub(super) trait Entry {
    fn id(&self) -> &str;
}

/// Refuses a batch that AWS refuses as a whole.
pub(super) fn check<E: Entry>(entries: &[E], name: &str) -> Result<(), ServiceError> {
    if entries.is_empty() {
        return Err(error::empty_batch(name));
    }
    if entries.len() > 10 {
        return Err(error::too_many_entries(entries.len()));
    }
    let mut seen = HashSet::new();
    for id in entries.iter().map(Entry::id) {
        let letters = id
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
        if !letters || !(1..=80).contains(&id.len()) {
            return Err(error::invalid_batch_id());
        }
        if !seen.insert(id) {
            return Err(error::repeated_batch_id(id));
        }
    }
    Ok(())
}

/// Does `each` and gathers the reply. One entry's failure leaves the others alone; only a failure
/// of ours fails, and undoes, the whole batch.
pub(super) fn run_each<E: Entry>(
    entries: &[E],
    mut each: impl FnMut(&E) -> Result<Value, ServiceError>,
) -> Result<Value, ServiceError> {
    let (mut successful, mut failed) = (Vec::new(), Vec::new());
    for entry in entries {
        match each(entry) {
            Ok(mut done) => {
                done["Id"] = entry.id().into();
                successful.push(done);
            }
            Err(error) if error.status.is_server_error() => return Err(error),
            Err(error) => failed.push(json!({
                "Id": entry.id(),
                "SenderFault": true,
                "Code": error.query_code.unwrap_or(&error.code),
                "Message": error.message,
            })),
        }
    }
    // Callers test for the presence of `Failed`; like AWS, an empty list is left out.
    let mut reply = json!({});
    for (member, entries) in [("Successful", successful), ("Failed", failed)] {
        if !entries.is_empty() {
            reply[member] = entries.into();
        }
    }
    Ok(reply)
}
