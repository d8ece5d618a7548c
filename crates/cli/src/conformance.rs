//! `martlet conformance`: signals and exit codes for the tests of `martlet-conformance`.

use crate::args::ConformanceArgs;
use crate::exit::{Failure, Status, stream_failure};
use crate::signals::StopSignals;
use martlet_client::Url;
use martlet_conformance::{Fault, Options, Watch};
use std::sync::Arc;
use std::time::Duration;

/// How long the tests under way may take to clean up after a signal.
const CLEAN_UP_LIMIT: Duration = Duration::from_secs(60);

impl Watch for StopSignals {
    fn is_stopped(&self) -> bool {
        self.came()
    }
    fn begins(&self) {
        self.may_wait(true);
    }
}

pub(crate) fn run(args: &ConformanceArgs) -> Result<(), Failure> {
    if args.list {
        return Ok(martlet_conformance::list(args.only.as_deref())?);
    }
    let url: Url = args.broker.parse().map_err(|bad| Failure::usage(format!("--broker: {bad}")))?;
    let (only, patience, json, junit) = (args.only.clone(), args.patience, args.json, args.junit.clone());
    let signals = StopSignals::watch(CLEAN_UP_LIMIT)?;
    Ok(martlet_conformance::run(&Options { url, only, patience, json, junit }, Arc::new(signals))?)
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        let status = match fault {
            Fault::Stream(fault) => return stream_failure(&fault),
            Fault::Connect(fault) => return fault.into(),
            Fault::NoTest => Status::Usage,
            Fault::JUnit(..) | Fault::Print(_) => Status::Configuration,
            Fault::Interrupted { .. } => Status::Interrupted,
            Fault::NoVersion | Fault::Failed { .. } => Status::CheckFailed,
        };
        Failure::of_broker(status, &fault.to_string())
    }
}
