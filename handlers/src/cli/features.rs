//! `fotograma features`: the table, for people and as JSON for other tools.

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use fotograma_core::App;
use fotograma_core::features::{SERVICES, TABLE, resources};
use lambda_anywhere::{Feature, Limits, Trigger};
use serde_json::{Value, json};

#[derive(Debug, Args)]
pub(super) struct FeaturesArgs {
    /// As JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn print_table(args: &FeaturesArgs) -> Result<ExitCode> {
    if args.json {
        let features: Vec<_> = TABLE.iter().map(row).collect();
        let document = json!({
            "services": SERVICES, "features": features,
            "queues": resources::queues(TABLE), "groups": resources::groups(TABLE),
        });
        println!("{}", serde_json::to_string_pretty(&document)?);
    } else {
        let header = ["FEATURE", "SERVICE", "SET OFF BY", "WHAT IT DOES"].map(str::to_owned);
        let features = TABLE.iter().map(|feature| {
            let [name, service, about] = [feature.name, feature.service, feature.about];
            [
                name.to_owned(),
                service.to_owned(),
                trigger(feature),
                about.to_owned(),
            ]
        });
        let rows: Vec<_> = std::iter::once(header).chain(features).collect();
        let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or(0);
        let widths = [width(0), width(1), width(2)];
        for [name, service, trigger, about] in &rows {
            let [first, second, third] = widths;
            println!("{name:<first$}  {service:<second$}  {trigger:<third$}  {about}");
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn trigger(feature: &Feature<App>) -> String {
    match &feature.trigger {
        Trigger::Http(route) => format!("{} {}", route.method, route.path),
        Trigger::Sqs { queue, .. } => format!("queue {queue}"),
        Trigger::Sns { topic, queue, .. } => format!("topic {topic}, queue {queue}"),
        Trigger::S3 { prefix, queue, .. } => format!("bucket {prefix}, queue {queue}"),
        Trigger::Schedule { every, .. } => format!("every {} s", every.as_secs()),
    }
}

fn row(feature: &Feature<App>) -> Value {
    let trigger = match &feature.trigger {
        Trigger::Http(route) => json!({
            "type": "http", "method": route.method.as_str(), "path": route.path,
            "access": route.access, "form": route.form.is_some(),
        }),
        Trigger::Sqs { queue, .. } => json!({ "type": "sqs", "queue": queue }),
        Trigger::Sns { topic, queue, .. } => {
            json!({ "type": "sns", "topic": topic, "queue": queue })
        }
        Trigger::S3 { prefix, queue, .. } => {
            json!({ "type": "s3", "prefix": prefix, "queue": queue })
        }
        Trigger::Schedule { every, .. } => {
            json!({ "type": "schedule", "every_s": every.as_secs() })
        }
    };
    json!({
        "name": feature.name, "service": feature.service, "about": feature.about,
        "trigger": trigger, "limits": limits(&feature.limits), "permissions": feature.permissions,
    })
}

fn limits(limits: &Limits) -> Value {
    json!({
        "memory_mib": limits.memory_mib, "timeout_s": limits.timeout.as_secs(),
        "concurrency": limits.concurrency,
    })
}
