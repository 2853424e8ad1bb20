//! The command line. Results go to standard output, messages for people to standard error.
//! Exit status: 0 on success, 1 on failure, 2 on bad usage.

#[cfg(feature = "local")]
mod dev;
mod extract;
mod features;
mod healthcheck;
#[cfg(feature = "local")]
mod local;
mod plan;
mod provision;
mod redrive;
mod replay;
mod run;
mod serve;
mod stop;
mod work;

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Result;
use clap::{Args, Parser, Subcommand};

use crate::config::SystemArgs;
use crate::system::{self, System};
use crate::telemetry;
use lambda_anywhere::lambda;

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
    /// The HTTP servers of services, as in a pod
    Serve(serve::ServeArgs),
    /// The SQS workers of services, as in a pod
    Work(work::WorkArgs),
    /// The embedded AWS alone
    #[cfg(feature = "local")]
    Local(local::LocalArgs),
    /// The table of features
    Features(features::FeaturesArgs),
    /// Sample events through their handlers
    Replay(replay::ReplayArgs),
    /// A scheduled feature, once and now
    Run(run::RunArgs),
    /// Dead letters back into their queue
    Redrive(redrive::RedriveArgs),
    /// Everything that the system needs, on an emulator
    Provision(provision::ProvisionArgs),
    /// Whether the servers on this machine are ready
    Healthcheck(healthcheck::HealthcheckArgs),
    /// The engine alone: frames of a video into a zip
    Extract(extract::ExtractArgs),
    /// How the frames of a video would be got at
    Plan(plan::PlanArgs),
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
        Err(error) => return failed(&error.into()),
    };
    // Lambda gives no arguments: the environment says all.
    let outcome = match lambda_handler() {
        Some(handler) => runtime.block_on(in_lambda(&handler)),
        None => runtime.block_on(run_command(Cli::parse())),
    };
    outcome.unwrap_or_else(|error| failed(&error))
}

fn failed(error: &anyhow::Error) -> ExitCode {
    eprintln!("fotograma: {error:#}");
    ExitCode::FAILURE
}

async fn run_command(cli: Cli) -> Result<ExitCode> {
    let _telemetry = telemetry::start_telemetry();
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
    let telemetry = Arc::new(telemetry::start_telemetry());
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
