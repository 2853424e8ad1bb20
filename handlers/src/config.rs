//! What the operator chose: the flags and environment variables that several commands share. Those of
//! one command stand with it in `cli`; besides, `telemetry` reads what OpenTelemetry names, the SDK what
//! AWS names, and `cli` what Lambda sets.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use chrono::TimeDelta;
use clap::{Arg, ArgMatches, Args, Command, FromArgMatches};
use fotograma_core::app::Settings;
use fotograma_core::domain::{SweepThresholds, every};
use fotograma_core::features::{SERVICES, TABLE, resources};
use fotograma_engine::{Limits, Options};
use http::HeaderValue;
use lambda_anywhere::FormLimits;
use lambda_anywhere::rate_limits::{self, Rate, RateLimits};
use lambda_anywhere::server::ServeOptions;
use lambda_anywhere::worker::WorkerOptions;

use crate::api_documents::ApiServers;
use crate::aws::AwsSettings;

/// Which AWS, and what things are called there.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "AWS")]
pub struct AwsArgs {
    /// Where AWS is, if not in its own place
    #[arg(long, env = "AWS_ENDPOINT_URL", value_name = "URL")]
    endpoint_url: Option<String>,
    /// The region; what the SDK finds by default
    #[arg(long, env = "AWS_REGION")]
    pub region: Option<String>,
    /// The stage in the names of things: `tech5-<stage>-…`
    #[arg(long, env = "FOTOGRAMA_STAGE", default_value = "dev")]
    pub stage: String,
    /// The bucket; `tech5-<stage>-videos` by default
    #[arg(long, env = "FOTOGRAMA_BUCKET")]
    pub bucket: Option<String>,
    /// The status table; `tech5-<stage>-video-status` by default
    #[arg(long, env = "FOTOGRAMA_TABLE")]
    pub table: Option<String>,
    /// The topic's ARN; found by the name `tech5-<stage>-video-topic` by default
    #[arg(long, env = "FOTOGRAMA_TOPIC_ARN")]
    pub topic_arn: Option<String>,
    #[command(flatten)]
    /// Where queues are, if not found by their names.
    pub queues: QueueUrls,
    /// The user pool's id; found by the name `tech5-<stage>-users` by default
    #[arg(long, env = "FOTOGRAMA_USER_POOL_ID")]
    pub user_pool_id: Option<String>,
    /// The app client's id; found by the name `tech5-<stage>-app` by default
    #[arg(long, env = "FOTOGRAMA_CLIENT_ID")]
    pub client_id: Option<String>,
    /// The issuer that tokens must name; the user pool's own by default
    #[arg(long, env = "FOTOGRAMA_ISSUER", value_name = "URL")]
    pub issuer: Option<String>,
    /// The address that mails come from
    #[arg(long, env = "FOTOGRAMA_MAIL_FROM", value_name = "ADDRESS")]
    pub mail_from: Option<String>,
    /// The profile of AWS's own files whose account and keys are used
    #[arg(long)]
    pub profile: Option<String>,
    #[command(flatten)]
    /// The keys of an emulator on this machine.
    pub keys: EmbeddedKeys,
}

/// The one pair of keys that the embedded AWS knows.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Embedded AWS")]
pub struct EmbeddedKeys {
    /// The access key of the embedded AWS
    #[arg(long, env = "FOTOGRAMA_AWS_ACCESS_KEY", default_value = "test")]
    pub aws_access_key: String,
    /// Its secret: with one of your own, nobody else on the machine can sign
    #[arg(
        long,
        env = "FOTOGRAMA_AWS_SECRET_KEY",
        default_value = "test",
        hide_env_values = true
    )]
    pub aws_secret_key: String,
}

impl AwsArgs {
    /// Where AWS is, if not in its own place: as the SDK does, a variable that is set to nothing is not set.
    #[must_use]
    pub fn endpoint_url(&self) -> Option<&str> {
        self.endpoint_url.as_deref().filter(|url| !url.is_empty())
    }

    /// The settings of the ports over AWS.
    #[must_use]
    pub fn settings(&self) -> AwsSettings {
        AwsSettings {
            endpoint_url: self.endpoint_url().map(str::to_owned),
            region: self.region.clone(),
            credentials: None,
            profile: self.profile.clone(),
            stage: self.stage.clone(),
            bucket: self.bucket.clone(),
            table: self.table.clone(),
            topic_arn: self.topic_arn.clone(),
            queue_urls: self.queues.0.clone(),
            user_pool_id: self.user_pool_id.clone(),
            client_id: self.client_id.clone(),
            issuer: self.issuer.clone(),
            mail_from: self.mail_from.clone(),
        }
    }
}

/// Addresses of queues by their resource names: a flag and a variable for each queue of the table, such
/// as `--video-queue-url` and `FOTOGRAMA_VIDEO_QUEUE_URL`.
#[derive(Debug, Clone, Default)]
pub struct QueueUrls(pub BTreeMap<String, String>);

/// The queues of the table, those of dead letters too.
fn queue_names() -> impl Iterator<Item = String> {
    let queues = resources::queues(TABLE).into_iter();
    queues.flat_map(|queue| [queue.name.to_owned(), queue.dead_letters])
}

impl Args for QueueUrls {
    fn augment_args(command: Command) -> Command {
        queue_names().fold(command, |command, name| {
            let variable = format!("FOTOGRAMA_{}_URL", name.to_uppercase().replace('-', "_"));
            let help =
                format!("The URL of {name}; found by the name `tech5-<stage>-{name}` by default");
            command.arg(
                Arg::new(format!("{name}-url"))
                    .long(format!("{name}-url"))
                    .env(variable)
                    .value_name("URL")
                    .help(help),
            )
        })
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for QueueUrls {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let given = |name: String| {
            let url = matches.get_one::<String>(&format!("{name}-url"))?.clone();
            Some((name, url))
        };
        Ok(Self(queue_names().filter_map(given).collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

/// What the features and the engine go by.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Features")]
pub struct SystemArgs {
    #[command(flatten)]
    /// Which AWS.
    pub aws: AwsArgs,
    #[command(flatten)]
    /// How frames are made.
    pub engine: EngineArgs,
    /// The largest video accepted, in bytes
    #[arg(long, env = "FOTOGRAMA_MAX_VIDEO_BYTES", default_value_t = Settings::default().max_video_bytes)]
    pub max_video_bytes: u64,
    /// Files longer than this are uploaded in parts, in bytes
    #[arg(long, env = "FOTOGRAMA_UPLOAD_PARTS_ABOVE", default_value_t = Settings::default().upload_parts_above)]
    pub upload_parts_above: u64,
    /// How long a presigned upload address works
    #[arg(long, env = "FOTOGRAMA_UPLOAD_EXPIRY", default_value = "15m", value_parser = duration)]
    pub upload_expiry: Duration,
    /// How long a presigned download address works
    #[arg(long, env = "FOTOGRAMA_DOWNLOAD_EXPIRY", default_value = "12h", value_parser = duration)]
    pub download_expiry: Duration,
    /// How long an attempt has a video without a sign of life
    #[arg(long, env = "FOTOGRAMA_LEASE", default_value = "1m", value_parser = duration)]
    pub lease: Duration,
    /// How long a job may go without a change before the sweep sends it again
    #[arg(long, env = "FOTOGRAMA_SWEEP_JOBS_AFTER", default_value = "30m", value_parser = duration)]
    pub sweep_jobs_after: Duration,
    /// How long an upload may take before the sweep gives it up
    #[arg(long, env = "FOTOGRAMA_SWEEP_UPLOADS_AFTER", default_value = "24h", value_parser = duration)]
    pub sweep_uploads_after: Duration,
    /// What a gateway's custom domain puts before every route, such as /v1
    #[arg(
        long,
        env = "FOTOGRAMA_BASE_PATH",
        value_name = "PATH",
        default_value = ""
    )]
    pub base_path: String,
    /// Where the page is; named in mails [default in dev: its own page]
    #[arg(long, env = "FOTOGRAMA_PAGE_URL", value_name = "URL")]
    pub page_url: Option<String>,
    /// The origins whose pages may read answers (CORS), with commas between; any unless told
    #[arg(
        long,
        env = "FOTOGRAMA_ALLOWED_ORIGINS",
        value_name = "ORIGINS",
        value_delimiter = ','
    )]
    pub allowed_origins: Option<Vec<HeaderValue>>,
}

impl SystemArgs {
    /// The settings of the features.
    ///
    /// # Errors
    /// For a duration that is out of all bounds.
    pub fn settings(&self) -> anyhow::Result<Settings> {
        let defaults = Settings::default();
        let page_url = self
            .page_url
            .as_deref()
            .map(|url| url.trim_end_matches('/').to_owned());
        Ok(Settings {
            max_video_bytes: self.max_video_bytes,
            upload_parts_above: self.upload_parts_above,
            upload_expiry: TimeDelta::from_std(self.upload_expiry)?,
            download_expiry: TimeDelta::from_std(self.download_expiry)?,
            lease: TimeDelta::from_std(self.lease)?,
            sweep_after: SweepThresholds {
                job: TimeDelta::from_std(self.sweep_jobs_after)?,
                upload: TimeDelta::from_std(self.sweep_uploads_after)?,
                removal: defaults.sweep_after.removal,
            },
            page_url: page_url.unwrap_or(defaults.page_url),
            tombstone: defaults.tombstone,
        })
    }
}

/// How frames are made, and what one extraction may cost.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Engine")]
pub struct EngineArgs {
    /// The ffmpeg to use; by default that of `make ffmpeg`, then the one on the PATH
    #[arg(long, env = "FOTOGRAMA_FFMPEG", value_name = "PATH")]
    pub ffmpeg: Option<PathBuf>,
    /// The most frames of one video
    #[arg(long, env = "FOTOGRAMA_MAX_FRAMES", default_value_t = Limits::default().frames)]
    pub max_frames: u64,
    /// The most pixels of one frame
    #[arg(long, env = "FOTOGRAMA_MAX_PIXELS", default_value_t = Limits::default().pixels)]
    pub max_pixels: u64,
    /// The largest zip, in bytes
    #[arg(long, env = "FOTOGRAMA_MAX_ZIP_BYTES", default_value_t = Limits::default().output_bytes)]
    pub max_zip_bytes: u64,
    /// The longest that one extraction may take
    #[arg(long, env = "FOTOGRAMA_MAX_TIME", default_value = "2h", value_parser = duration)]
    pub max_time: Duration,
}

impl EngineArgs {
    /// The ffmpeg that is told, or else the one that `make ffmpeg` put into the folder of the
    /// project that this program was built in, or one in the user's data folder. What lies under
    /// the current folder may be anybody's.
    #[must_use]
    pub fn ffmpeg_path(&self) -> Option<PathBuf> {
        const BIN: &str = "bin/ffmpeg";

        let project = || {
            let program = std::env::current_exe().ok()?;
            let target = program.parent()?.parent()?;
            let is_target = target.file_name().is_some_and(|name| name == "target");
            is_target.then(|| target.with_file_name(".fotograma").join(BIN))
        };
        let user = || {
            let data = std::env::var_os("XDG_DATA_HOME").map(PathBuf::from);
            let data = data.or_else(|| Some(std::env::home_dir()?.join(".local/share")));
            data.map(|data| data.join("fotograma").join(BIN))
        };
        let known = [project(), user()].into_iter().flatten();
        let mut known = known.filter(|path| path.is_absolute() && path.is_file());
        self.ffmpeg.clone().or_else(|| known.next())
    }

    /// The engine's options, with the most bytes that a video may have.
    #[must_use]
    pub fn options(&self, max_video_bytes: u64) -> Options {
        Options {
            limits: Limits {
                input_bytes: max_video_bytes,
                frames: self.max_frames,
                pixels: self.max_pixels,
                output_bytes: self.max_zip_bytes,
                wall: self.max_time,
                ..Limits::default()
            },
            ..Options::default()
        }
    }
}

/// How queues are polled.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Worker")]
pub struct WorkerArgs {
    /// How many messages a service has in hand at once; the processors it may use by default
    #[arg(long, env = "FOTOGRAMA_CONCURRENCY")]
    pub concurrency: Option<usize>,
    /// How many messages a handler gets at once, at most
    #[arg(long, env = "FOTOGRAMA_BATCH_SIZE", default_value_t = 1)]
    pub batch_size: usize,
    /// How long a message in hand is hidden from others; renewed while work goes on
    #[arg(long, env = "FOTOGRAMA_VISIBILITY", default_value = "1m", value_parser = duration)]
    pub visibility: Duration,
    /// The longest pause after a queue could not be polled
    #[arg(long, env = "FOTOGRAMA_MAX_POLL_BACKOFF", default_value = "10s", value_parser = duration)]
    pub max_poll_backoff: Duration,
    #[command(flatten)]
    /// How the end is reached.
    pub stop: StopArgs,
}

impl WorkerArgs {
    /// The worker's options.
    #[must_use]
    pub fn options(&self) -> WorkerOptions {
        let defaults = WorkerOptions::default();
        WorkerOptions {
            concurrency: self.concurrency.unwrap_or(defaults.concurrency),
            batch_size: self.batch_size,
            visibility: self.visibility,
            grace: self.stop.grace,
            max_poll_backoff: self.max_poll_backoff,
        }
    }
}

/// How the end is reached.
#[derive(Debug, Clone, Args)]
pub struct StopArgs {
    /// How long what runs may go on after a signal to stop
    #[arg(long, env = "FOTOGRAMA_GRACE", default_value = "25s", value_parser = duration)]
    pub grace: Duration,
}

/// Where servers listen.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Server")]
pub struct ServerArgs {
    /// The address to listen on
    #[arg(long, env = "FOTOGRAMA_HOST", default_value = "127.0.0.1")]
    pub host: IpAddr,
    /// The address before all services, for /openapi.json, which else names each service's own
    #[arg(long, env = "FOTOGRAMA_API_URL", value_name = "URL")]
    pub api_url: Option<String>,
    /// The port of auth-service; the other services follow in order
    #[arg(long, env = "FOTOGRAMA_HTTP_PORT_BASE", default_value_t = 8001)]
    pub http_port_base: u16,
    /// How many requests a service has under way at once; more are answered 503
    #[arg(long, env = "FOTOGRAMA_MAX_REQUESTS", default_value_t = 512)]
    pub max_requests: usize,
    /// How many form uploads a service has under way at once, beside other requests
    #[arg(long, env = "FOTOGRAMA_MAX_FORMS", default_value_t = FormLimits::default().places)]
    pub max_forms: usize,
    /// How many bytes a second a client must send of a form upload
    #[arg(long, env = "FOTOGRAMA_FORM_RATE", default_value_t = FormLimits::default().bytes_per_second)]
    pub form_rate: u64,
    /// How long a form upload may take
    #[arg(long, env = "FOTOGRAMA_FORM_TIME", default_value = "1h", value_parser = duration)]
    pub form_time: Duration,
}

impl ServerArgs {
    /// Where clients reach the services: the address that is told, or each service on its port.
    #[must_use]
    pub fn api_servers(&self) -> ApiServers {
        if let Some(url) = &self.api_url {
            return ApiServers::One(url.trim_end_matches('/').to_owned());
        }
        let ports = SERVICES.iter().zip(self.http_port_base..);
        let servers = ports.map(|(service, port)| {
            let host = SocketAddr::new(self.host, port);
            (service.name, format!("http://{host}"))
        });
        ApiServers::Each(servers.collect())
    }

    /// What forms may cost.
    #[must_use]
    pub fn form_limits(&self) -> FormLimits {
        FormLimits {
            places: self.max_forms,
            bytes_per_second: self.form_rate,
            longest: self.form_time,
        }
    }
}

/// Who may come how often.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Strangers")]
pub struct StrangerArgs {
    /// How often a user may do what: KIND=NUMBER/TIME, with commas between; an address may ten times as
    /// often. In memory, so each process counts for itself. Empty: as often as anybody likes
    #[arg(
        long,
        env = "FOTOGRAMA_RATE_LIMITS",
        value_name = "LIMITS",
        default_value = "signup=5/1h,login=10/1m,upload=60/1m,retry=30/1m"
    )]
    pub rate_limits: Rates,
    /// How many proxies stand in front of the service and name their clients in X-Forwarded-For
    #[arg(long, env = "FOTOGRAMA_PROXIES", default_value_t = 1)]
    pub proxies: usize,
    /// How many connections a service has at once; the longest idle one makes room
    #[arg(long, env = "FOTOGRAMA_MAX_CONNECTIONS", default_value_t = ServeOptions::default().max_connections)]
    pub max_connections: usize,
    /// How many of them one address has, which may be a proxy
    #[arg(
        long,
        env = "FOTOGRAMA_MAX_CONNECTIONS_OF_AN_ADDRESS",
        default_value_t = ServeOptions::default().max_connections_of_a_client
    )]
    pub max_connections_of_an_address: usize,
}

impl StrangerArgs {
    /// The limits of the table's routes.
    #[must_use]
    pub fn rate_limits(&self) -> RateLimits {
        RateLimits::new(self.rate_limits.0.clone(), self.proxies)
    }
}

/// Rates by the kinds of limits that the table's routes name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rates(Vec<(String, Rate)>);

impl FromStr for Rates {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let rates = text
            .split(',')
            .map(str::trim)
            .filter(|rate| !rate.is_empty());
        rates.map(rate).collect::<Result<_, _>>().map(Self)
    }
}

/// `login=10/1m`.
fn rate(text: &str) -> Result<(String, Rate), String> {
    let malformed = || format!("{text:?} is not a limit such as login=10/1m");
    let (kind, rate) = text.split_once('=').ok_or_else(malformed)?;
    let (requests, per) = rate.split_once('/').ok_or_else(malformed)?;
    let mut kinds: Vec<_> = rate_limits::kinds(TABLE).collect();
    if !kinds.contains(&kind) {
        kinds.sort_unstable();
        kinds.dedup();
        return Err(format!("{kind:?} is none of {}", kinds.join(", ")));
    }
    let rate = Rate {
        requests: requests.parse().map_err(|_| malformed())?,
        per: duration(per)?,
    };
    Ok((kind.to_owned(), rate))
}

/// A duration as people write it: `30s`, `15m`, `12h`.
///
/// # Errors
/// A sentence that says what is wrong.
pub fn duration(text: &str) -> Result<Duration, String> {
    every::parse(text)
        .map(Duration::from_millis)
        .map_err(|_| format!("{text:?} is not a duration such as 30s, 15m or 12h, up to 24h"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_read_or_refused_by_name() {
        let rates: Rates = " login=10/1m, retry=1/12h".parse().expect("limits");
        let rate = |requests: u32, seconds| Rate {
            requests: requests.try_into().expect("some"),
            per: Duration::from_secs(seconds),
        };
        let expected = [("login", rate(10, 60)), ("retry", rate(1, 43_200))];
        let expected = expected.map(|(kind, rate)| (kind.to_owned(), rate));
        assert_eq!(rates.0, expected);
        assert_eq!("".parse(), Ok(Rates(Vec::new())));
        for wrong in [
            "login",
            "login=1",
            "login=0/1m",
            "login=x/1m",
            "login=1/x",
            "logins=1/1m",
        ] {
            assert!(wrong.parse::<Rates>().is_err(), "{wrong}");
        }
        let unknown = "logins=1/1m".parse::<Rates>().expect_err("unknown");
        assert_eq!(
            unknown,
            "\"logins\" is none of login, retry, signup, upload"
        );
    }
}
