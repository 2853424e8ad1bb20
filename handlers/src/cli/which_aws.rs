//! Which AWS a command talks to: the one that is named, else the system that `fotograma dev` runs, and
//! a real account only where the environment names who asks.

use anyhow::Result;

use super::failure::hinted;
use super::running_dev::{RunningDev, is_loopback};
use crate::aws::AwsSettings;
use crate::config::{AwsArgs, EmbeddedKeys};

/// Variables by which the SDK knows who asks, besides the machine's own role:
/// <https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html>.
const IDENTITIES: [&str; 5] = [
    "AWS_ACCESS_KEY_ID",
    "AWS_PROFILE",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
];

fn identity() -> Option<&'static str> {
    let is_set = |name: &&str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    IDENTITIES.into_iter().find(|name| is_set(name))
}

/// The settings of an embedded AWS: the region and the one pair of keys that it knows.
pub(super) fn embedded(args: &AwsArgs, keys: &EmbeddedKeys, url: String) -> AwsSettings {
    AwsSettings {
        endpoint_url: Some(url),
        region: Some("us-east-1".to_owned()),
        credentials: Some((keys.aws_access_key.clone(), keys.aws_secret_key.clone())),
        ..args.settings()
    }
}

/// Which AWS a command would talk to, in words.
pub(super) async fn describe(args: &AwsArgs) -> String {
    match (named_or_running(args).await, identity()) {
        (Some((_, which)), _) => which,
        (None, Some(variable)) => format!("the account of {variable}"),
        (None, None) => "none is named and none runs here: `make up` starts one".to_owned(),
    }
}

/// The AWS of a command that a person gives; says on standard error which it is.
///
/// # Errors
/// When none is named and none runs here: an account is never taken by accident.
pub(super) async fn for_a_person(args: &AwsArgs) -> Result<AwsSettings> {
    let (settings, which) = match named_or_running(args).await {
        Some(found) => found,
        None => match identity() {
            Some(variable) => (args.settings(), format!("the account of {variable}")),
            None => {
                return Err(hinted(
                    "no AWS is named, and no `fotograma dev` runs in this folder",
                    "`make up` starts a system here; --endpoint-url or --profile names another",
                ));
            }
        },
    };
    eprintln!("AWS: {which}");
    Ok(settings)
}

/// The AWS of a process that goes on. Where nothing names one, the SDK looks for the machine's own role.
pub(super) async fn for_a_service(args: &AwsArgs) -> AwsSettings {
    match named_or_running(args).await {
        Some((settings, which)) => {
            tracing::info!(which, "the AWS");
            settings
        }
        None => args.settings(),
    }
}

async fn named_or_running(args: &AwsArgs) -> Option<(AwsSettings, String)> {
    if let Some(url) = args.endpoint_url() {
        // An emulator on this machine needs no keys of a person's own.
        let settings = if is_loopback(url) && args.profile.is_none() && identity().is_none() {
            embedded(args, &args.keys, url.to_owned())
        } else {
            args.settings()
        };
        return Some((settings, url.to_owned()));
    }
    if let Some(profile) = &args.profile {
        return Some((args.settings(), format!("the account of profile {profile}")));
    }
    let dev = RunningDev::find(&RunningDev::data_dir()).await?;
    let keys = EmbeddedKeys {
        aws_access_key: dev.access_key,
        aws_secret_key: dev.secret_key,
    };
    let which = format!("the system that runs here, {}", dev.aws);
    Some((embedded(args, &keys, dev.aws), which))
}
