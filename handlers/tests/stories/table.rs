//! What must hold of the table of features.

use std::collections::HashSet;
use std::time::Duration;

use fotograma_core::App;
use fotograma_core::features::{SERVICES, TABLE};
use lambda_anywhere::{Feature, Trigger};

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
        within_what_lambda_has(feature)?;
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

/// A row's limits are such that Lambda, its queue's mapping, API Gateway and the clock can have them.
fn within_what_lambda_has(feature: &Feature<App>) -> Result<(), String> {
    let (name, limits) = (feature.name, feature.limits);
    let longest = match feature.trigger {
        // API Gateway waits 30 s.
        Trigger::Http(_) => Duration::from_secs(29),
        // The one run is over before the next.
        Trigger::Schedule { every, .. } => every.saturating_sub(Duration::from_secs(1)),
        _ => Duration::from_mins(15),
    };
    ensure(
        !limits.timeout.is_zero() && limits.timeout <= longest,
        &format!("{name} may take {:?}, {longest:?} at most", limits.timeout),
    )?;
    ensure(
        (128..=10_240).contains(&limits.memory_mib),
        &format!("Lambda gives no {} MiB, as {name} has", limits.memory_mib),
    )?;
    // What the mapping of a queue to a function can be held to.
    let polled = |concurrency: Option<u32>| concurrency.is_some_and(|n| (2..=1_000).contains(&n));
    ensure(
        feature.queue().is_none() || polled(limits.concurrency),
        &format!("the queue of {name} starts functions without a limit, or too few"),
    )
}
