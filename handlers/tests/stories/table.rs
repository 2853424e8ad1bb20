//! What must hold of the table of features.

use std::collections::HashSet;
use std::path::Path;

use fotograma_core::features::{SERVICES, TABLE, find};
use lambda_anywhere::Trigger;
use libtest_mimic::Failed;

fn ensure(holds: bool, what: &str) -> Result<(), Failed> {
    if holds { Ok(()) } else { Err(what.into()) }
}

pub(super) fn invariants() -> Result<(), Failed> {
    let mut names = HashSet::new();
    let mut routes = HashSet::new();
    let mut queues = HashSet::new();
    for feature in TABLE {
        let name = feature.name;
        ensure(
            names.insert(name),
            &format!("two features are named {name}"),
        )?;
        let known = SERVICES
            .iter()
            .any(|service| service.name == feature.service);
        ensure(known, &format!("{name} belongs to no service"))?;
        ensure(
            SERVICES.iter().all(|service| service.name != name),
            "a name is a service's too",
        )?;
        ensure(
            !feature.permissions.is_empty(),
            &format!("{name} may touch nothing"),
        )?;
        if let Trigger::Http(route) = &feature.trigger {
            let route = (route.method.as_str(), route.path);
            ensure(
                routes.insert(route),
                &format!("{route:?} is answered twice"),
            )?;
        }
        if let Some(queue) = feature.queue() {
            ensure(queues.insert(queue), &format!("{queue} is polled twice"))?;
        }
    }
    ensure(
        SERVICES
            .iter()
            .all(|s| TABLE.iter().any(|f| f.service == s.name)),
        "an idle service",
    )
}

pub(super) fn every_feature_has_an_event(events: &Path) -> Result<(), Failed> {
    for feature in TABLE {
        let has_event = events.join(feature.name).is_dir();
        ensure(has_event, &format!("{} has no sample event", feature.name))?;
    }
    for folder in std::fs::read_dir(events)? {
        let name = folder?.file_name().to_string_lossy().into_owned();
        ensure(
            find(&name).is_some(),
            &format!("events/{name} names no feature"),
        )?;
    }
    Ok(())
}
