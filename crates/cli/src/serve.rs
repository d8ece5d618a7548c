//! `martlet serve` and `martlet check-config`: options to a configuration, and the broker in the foreground.

use crate::args::{Durability, LogFormat, ServeArgs};
use crate::exit::{Failure, Status, stream_failure};
use crate::log::Log;
use martlet_broker::{Broker, Config, Failure as Ended, ListenerConfig, Signals};
use martlet_net::{Endpoint, Fault};
use std::path::Path;

pub(crate) fn serve(args: &ServeArgs) -> Result<(), Failure> {
    let log = Log::start(args.log_format, args.log_level)
        .map_err(|error| start_failure(&Fault::io("start the thread that writes the log", error)))?;
    let ended = run(args).map_err(|failure| {
        match args.log_format {
            LogFormat::Json => tracing::error!("{failure}"),
            LogFormat::Auto | LogFormat::Human => failure.text.lines().for_each(|line| log.say(line)),
        }
        Failure::new(failure.status, "")
    });
    log.flush();
    ended
}

fn run(args: &ServeArgs) -> Result<(), Failure> {
    let config = config(args)?;
    let signals = Signals::catch().map_err(|fault| start_failure(&fault))?;
    let broker = Broker::start(config).map_err(|fault| start_failure(&fault))?;
    signals.control(broker.handle()).map_err(|fault| start_failure(&fault))?;
    for endpoint in broker.endpoints() {
        tracing::info!("listening on {endpoint}");
    }
    tracing::info!("sessions and retained messages are kept in memory and end with this process");
    tracing::info!("{}", broker.room());
    broker.join().map_err(|ended| {
        let status = match &ended {
            Ended::Panicked { .. } => Status::Internal,
            Ended::Fault(_) => Status::Network,
        };
        Failure::new(status, ended.to_string())
    })
}

pub(crate) fn check_config(file: &Path) -> Result<(), Failure> {
    load(file)?;
    crate::say(&format!("{}: no faults", file.display()));
    Ok(())
}

fn load(file: &Path) -> Result<Config, Failure> {
    Config::load(file).map_err(|fault| Failure::new(Status::Configuration, fault.to_string()))
}

/// The file, then the command line.
fn config(args: &ServeArgs) -> Result<Config, Failure> {
    if args.data_dir.is_some() {
        return Err(Failure::usage(
            "--data-dir: this version keeps no sessions on disk; leave it out, or write --in-memory",
        ));
    }
    if args.durability != Durability::Memory {
        return Err(Failure::usage(
            "--durability: this version acknowledges from memory alone; write --durability memory",
        ));
    }
    let mut config = match &args.config {
        Some(file) => load(file)?,
        None => Config::default(),
    };
    if !args.listen.is_empty() {
        let endpoint = |url: &String| url.parse::<Endpoint>().map(ListenerConfig::new);
        let listeners: Result<_, _> = args.listen.iter().map(endpoint).collect();
        config.listeners = listeners.map_err(|bad| Failure::usage(format!("--listen: {bad}")))?;
    }
    if args.allow_anonymous {
        config.listeners.iter_mut().for_each(|listener| listener.allow_anonymous = Some(true));
    }
    config.shards = args.shards.or(config.shards);
    Ok(config)
}

/// The broker could not start. What the environment does not grant is for its operator to change, as a configuration is.
fn start_failure(fault: &Fault) -> Failure {
    if fault.is_resource_limit() {
        return Failure::new(Status::Configuration, fault.to_string());
    }
    stream_failure(fault)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::{Cli, Command};
    use clap::Parser;

    fn parsed(options: &str) -> Result<Config, Failure> {
        let line = format!("martlet serve {options}");
        let Command::Serve(args) = Cli::parse_from(line.split_whitespace()).command else { panic!("{line}") };
        config(&args)
    }

    #[test]
    fn options_of_the_command_line() {
        let config = parsed("--listen mqtt://h:1 --listen unix:///s --allow-anonymous --shards 3").unwrap();
        let listeners: Vec<_> = config.listeners.iter().map(|one| one.endpoint.to_string()).collect();
        assert_eq!(listeners, ["mqtt://h:1", "unix:///s"]);
        assert!(config.listeners.iter().all(|one| one.allow_anonymous == Some(true)));
        assert_eq!(config.shards, Some(3));
        assert_eq!(parsed("--in-memory").unwrap().listeners, Config::default().listeners);
    }

    #[test]
    fn what_this_version_cannot_do_is_said() {
        for options in ["--data-dir /x", "--durability fsync", "--durability os", "--listen nowhere:x"] {
            let failure = parsed(options).unwrap_err();
            assert_eq!(failure.status, Status::Usage, "{options}");
            assert!(failure.text.starts_with("--"), "{failure}");
        }
        assert_eq!(parsed("-c /no/such/file").unwrap_err().status, Status::Configuration);
    }
}
