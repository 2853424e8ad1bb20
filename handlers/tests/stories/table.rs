//! What must hold of the table of features.

use std::collections::HashSet;

use fotograma_core::features::{SERVICES, TABLE};
use lambda_anywhere::Trigger;

fn ensure(holds: bool, what: &str) -> Result<(), String> {
    if holds { Ok(()) } else { Err(what.to_owned()) }
}

pub(super) fn invariants() -> Result<(), String> {
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
