//! The command line. Results go to standard output, messages for people to standard error.
//! Exit status: 0 on success, 1 on failure, 2 on bad usage.

#[cfg(feature = "local")]
mod dev;
mod doctor;
mod extract;
mod failure;
mod features;
mod healthcheck;
#[cfg(feature = "local")]
mod local;
mod plan;
mod provision;
mod redrive;
mod replay;
mod run;
mod running_dev;
mod serve;
mod shell;
mod stop;
mod which_aws;
mod work;

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Result;
use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::config::SystemArgs;
use crate::system::{self, System};
use crate::telemetry::{self, Audience};
use lambda_anywhere::lambda;

/// The data folder of `dev`, unless told.
const DATA_DIR: &str = ".fotograma";

/// A video in, a zip of its frames out.
#[derive(Debug, Parser)]
#[command(name = "fotograma", version, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// The whole system on this machine, on the embedded AWS
    #[cfg(feature = "local")]
    Dev(dev::DevArgs),
    /// The frames of a video into a zip, by the engine alone
    #[command(after_help = "\
Examples:
  fotograma extract holiday.mp4 -o frames.zip                  a frame for every second
  fotograma extract holiday.mp4 -o frames.zip --every 500ms --from 1:30 --to 2:00 --width 640
  fotograma extract *.mkv -o frames/ --mode keyframe           a zip for each, of keyframes alone
  fotograma extract s3://bucket/holiday.mp4 -o - | tar -xf -   read by ranges, written to a pipe")]
    Extract(extract::ExtractArgs),
    /// How the frames of a video would be got at, without doing it
    Plan(plan::PlanArgs),
    /// Sample events through their handlers
    #[command(after_help = "\
Examples:
  fotograma replay events/process-video/by-hand.json             on the system that `make up` runs
  fotograma replay --ephemeral events/auth-login/right.json      on an AWS of its own, gone afterwards")]
    Replay(replay::ReplayArgs),
    /// The HTTP servers of services, as in a pod
    #[command(after_help = "\
Example:
  fotograma serve auth-service status-service --invoke")]
    Serve(serve::ServeArgs),
    /// The SQS workers of services, as in a pod
    #[command(after_help = "\
Example:
  fotograma work video-processor --concurrency 2 --probes 127.0.0.1:9090")]
    Work(work::WorkArgs),
    /// The embedded AWS alone
    #[cfg(feature = "local")]
    Local(local::LocalCommand),
    /// The table of features
    Features(features::FeaturesArgs),
    /// A scheduled feature, once and now
    Run(run::RunArgs),
    /// Dead letters back into their queue
    Redrive(redrive::RedriveArgs),
    /// Everything that the system needs, on an emulator
    Provision(provision::ProvisionArgs),
    /// Whether the servers on this machine are ready
    Healthcheck(healthcheck::HealthcheckArgs),
    /// Whether this machine has what is needed, and what to do if not
    Doctor(doctor::DoctorArgs),
    /// What a shell completes, for its start file
    #[command(after_help = "\
Example:
  fotograma completions bash > ~/.local/share/bash-completion/completions/fotograma")]
    Completions(shell::CompletionsArgs),
    /// The manual pages, into a folder
    Man(shell::ManArgs),
}

impl Command {
    fn audience(&self) -> Audience {
        match self {
            #[cfg(feature = "local")]
            Self::Dev(_) | Self::Local(_) => Audience::Operator,
            Self::Serve(_) | Self::Work(_) | Self::Run(_) => Audience::Operator,
            _ => Audience::Person,
        }
    }
}

/// Runs the program.
#[must_use]
pub fn main() -> ExitCode {
    // Before all else: ffmpeg is confined by this very program, which then becomes it.
    if let Some(status) = fotograma_engine::become_ffmpeg_if_asked(std::env::args_os()) {
        return status;
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return failure::report(&error.into()),
    };
    // Lambda gives no arguments: the environment says all.
    let outcome = match lambda_handler() {
        Some(handler) => runtime.block_on(in_lambda(&handler)),
        None => runtime.block_on(run_command(parse())),
    };
    outcome.unwrap_or_else(|error| failure::report(&error))
}

/// The groups of flags that few need: `--help` tells them, `-h` does not.
const RARE: [&str; 5] = ["AWS", "Embedded AWS", "Engine", "Features", "Strangers"];

fn parse() -> Cli {
    let command = Cli::command().mut_subcommands(|command| {
        command.mut_args(|arg| {
            let is_rare = arg
                .get_help_heading()
                .is_some_and(|heading| RARE.contains(&heading));
            arg.hide_short_help(is_rare)
        })
    });
    Cli::from_arg_matches(&command.get_matches()).unwrap_or_else(|error| error.exit())
}

async fn run_command(cli: Cli) -> Result<ExitCode> {
    let _telemetry = telemetry::start_telemetry(cli.command.audience());
    match cli.command {
        #[cfg(feature = "local")]
        Command::Dev(args) => dev::serve_everything(args).await,
        Command::Serve(args) => serve::serve_until_stopped(args).await,
        Command::Work(args) => work::work_until_stopped(args).await,
        #[cfg(feature = "local")]
        Command::Local(args) => local::serve_embedded_aws(args).await,
        Command::Features(args) => features::print_table(&args),
        Command::Replay(args) => replay::replay_events(args).await,
        Command::Run(args) => run::run_scheduled(args).await,
        Command::Redrive(args) => redrive::redrive_dead_letters(args).await,
        Command::Provision(args) => provision::provision_resources(args).await,
        Command::Healthcheck(args) => healthcheck::check_health(args).await,
        Command::Extract(args) => extract::extract_frames(args).await,
        Command::Plan(args) => plan::print_plan(args).await,
        Command::Doctor(args) => doctor::examine_machine(args).await,
        Command::Completions(args) => Ok(shell::print_completions(&args)),
        Command::Man(args) => shell::write_man_pages(&args),
    }
}

fn lambda_handler() -> Option<String> {
    std::env::var_os("AWS_LAMBDA_RUNTIME_API")?;
    std::env::var("_HANDLER").ok()
}

async fn in_lambda(handler: &str) -> Result<ExitCode> {
    #[derive(Debug, Parser)]
    struct Environment {
        #[command(flatten)]
        system: SystemArgs,
    }
    let telemetry = Arc::new(telemetry::start_telemetry(Audience::Operator));
    let begun = async {
        let args = Environment::try_parse_from(["fotograma"])?.system;
        let write = telemetry::metrics::cloudwatch(&args.aws.stage)?;
        anyhow::Ok((write, build_for(&args, handler).await?))
    };
    let (write, system) = match begun.await {
        Ok(begun) => begun,
        Err(error) => {
            // So that it is in the function's log and metrics, and not only that it ended.
            lambda::report_init_error(&format!("{error:#}")).await?;
            return Err(error);
        }
    };
    let flush = move || {
        write();
        telemetry.flush();
    };
    lambda::serve_runtime_api(system.host, handler, flush).await?;
    Ok(ExitCode::SUCCESS)
}

/// The system, on a machine that can do what this handler needs.
async fn build_for(args: &SystemArgs, handler: &str) -> Result<System> {
    let system = system::build(args, args.aws.settings()).await?;
    system.self_test(handler).await?;
    Ok(system)
}

/// Which services a command is for.
#[derive(Debug, Clone, Args)]
struct Services {
    /// Services, by their names
    #[arg(required = true, value_name = "SERVICE", value_parser = known_service)]
    services: Vec<&'static str>,
}

fn known_service(name: &str) -> Result<&'static str, String> {
    let services = fotograma_core::features::SERVICES;
    let names: Vec<_> = services.iter().map(|service| service.name).collect();
    let known = names.iter().find(|known| **known == name);
    known
        .copied()
        .ok_or_else(|| format!("the services are {}", names.join(", ")))
}
