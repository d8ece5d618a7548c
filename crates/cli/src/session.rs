//! A connection made from the command line's options, with its ends: failures as exit codes, signals as a step.

use crate::args::ConnectionArgs;
use crate::connect;
use crate::exit::{Failure, Status};
use crate::outage::{self, OnLoss, Outage};
use crate::signals::StopSignals;
use martlet_client::{
    Address, Client, ConnectFault, ConnectOptions, End, Endpoint, Event, Interrupter, Next, ReasonCode, Url,
};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// How long an orderly end may take.
const DISCONNECT_LIMIT: Duration = Duration::from_secs(5);
/// The same after a signal: somebody waits for the prompt.
const HURRIED_LIMIT: Duration = Duration::from_secs(1);
/// How long all may take after a signal.
pub(crate) const GOODBYE_LIMIT: Duration = Duration::from_secs(3);

pub(crate) struct Session {
    pub(crate) client: Client,
    signals: StopSignals,
    endpoint: Endpoint,
    plan: Plan,
    outage: Option<Outage>,
}

/// How connections are made, and made again.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    /// How long one attempt may take.
    pub(crate) patience: Duration,
    /// When everything has to be over.
    pub(crate) deadline: Option<Instant>,
    pub(crate) on_loss: OnLoss,
}

impl Plan {
    fn patience(&self) -> Duration {
        let left = self.deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        left.map_or(self.patience, |left| left.min(self.patience))
    }
}

pub(crate) enum Step {
    Event(Event),
    /// The connection was lost and is there again.
    Resumed {
        /// Whether the broker kept the session.
        session_present: bool,
    },
    /// Another thread has something.
    Woken,
    TimedOut,
    /// SIGINT or SIGTERM.
    Stopped,
}

impl Session {
    /// Connects; from there on SIGINT and SIGTERM end the session in order.
    pub(crate) fn open(
        args: &ConnectionArgs,
        plan: Plan,
        signals: StopSignals,
        change: impl FnOnce(&mut ConnectOptions),
    ) -> Result<Self, Failure> {
        let url: Url =
            args.broker.parse().map_err(|bad| Failure::usage(format!("{}: {bad}", args.broker_origin)))?;
        if matches!(url.endpoint.address, Address::Tcp { port: 0, .. }) {
            let text = format!("{}: `{url}`: a port is a number from 1 to 65535", args.broker_origin);
            return Err(Failure::usage(text));
        }
        let mut options = connect::options(args, &url)?;
        change(&mut options);
        let mut client = Client::new(options)?;
        let interrupter = client.interrupter();
        signals.on_signal(move || interrupter.interrupt());
        let connected = client.reconnect(&url.endpoint, plan.patience());
        let mut session = Session { client, signals, endpoint: url.endpoint, plan, outage: None };
        match connected {
            Ok(_) => session.signals.may_wait(true),
            Err(fault) if plan.on_loss == OnLoss::ComeAlways && outage::is_worth_repeating(&fault) => {
                crate::say(&format!("{fault}; trying again until {} answers", session.endpoint));
                session.outage = Some(Outage::new(Instant::now()));
            }
            Err(ConnectFault::Ended(End::NoConnAck)) => return Err(ConnectFault::TimedOut.into()),
            Err(fault) => return Err(not_connected(&session.client, fault)),
        }
        Ok(session)
    }

    /// The next thing that happens. The end of the connection is a failure, unless the plan is to come back:
    /// attempts are made in here.
    pub(crate) fn next(&mut self, until: Option<Instant>) -> Result<Step, Failure> {
        loop {
            let next = match self.outage.as_ref().map(|outage| outage.due) {
                None => self.client.next(until),
                Some(due) if due <= Instant::now() => match self.come_back()? {
                    Some(step) => return Ok(step),
                    None => continue,
                },
                Some(due) => self.client.rest(until.map_or(due, |until| until.min(due))),
            };
            let is_over = || until.is_some_and(|until| until <= Instant::now());
            match next {
                Next::Event(Event::Disconnected(end)) => self.lose(&end)?,
                Next::Ended => self.lose(&End::Stream)?,
                Next::Event(event) => return Ok(Step::Event(event)),
                Next::Interrupted => return Ok(self.interrupted()),
                Next::TimedOut if self.outage.is_none() || is_over() => return Ok(Step::TimedOut),
                Next::TimedOut => {}
            }
        }
    }

    fn interrupted(&self) -> Step {
        if self.signals.came() { Step::Stopped } else { Step::Woken }
    }

    fn lose(&mut self, end: &End) -> Result<(), Failure> {
        let mut failure = lost(&self.client, end);
        match self.plan.on_loss {
            _ if !outage::passes(end) => return Err(failure),
            OnLoss::End => return Err(failure),
            OnLoss::EndWithTip => {
                failure.text.push_str("; --reconnect comes back after that");
                return Err(failure);
            }
            OnLoss::ComeBack | OnLoss::ComeAlways => {}
        }
        self.signals.may_wait(false);
        crate::say(&format!("{failure}; connecting to {} until it is there again", self.endpoint));
        self.outage = Some(Outage::new(Instant::now()));
        Ok(())
    }

    /// One attempt. `None` if it failed and another may succeed.
    fn come_back(&mut self) -> Result<Option<Step>, Failure> {
        if self.plan.patience().is_zero() {
            return Ok(Some(Step::TimedOut));
        }
        match self.client.reconnect(&self.endpoint, self.plan.patience()) {
            Ok(welcome) => {
                if let Some(outage) = self.outage.take() {
                    let after_s = outage.since.elapsed().as_secs_f64();
                    crate::say(&format!("connected again to {} after {after_s:.1} s", self.endpoint));
                }
                self.signals.may_wait(true);
                Ok(Some(Step::Resumed { session_present: welcome.session_present }))
            }
            Err(ConnectFault::Interrupted) => Ok(Some(self.interrupted())),
            Err(fault) if outage::is_worth_repeating(&fault) => {
                self.outage.iter_mut().for_each(|outage| outage.prolong(Instant::now()));
                Ok(None)
            }
            Err(fault) => Err(fault.into()),
        }
    }

    /// Whether there is no connection for the time being.
    pub(crate) fn is_in_outage(&self) -> bool {
        self.outage.is_some()
    }

    /// Ends the connection in order.
    pub(crate) fn close(mut self) {
        let limit = if self.signals.came() { HURRIED_LIMIT } else { DISCONNECT_LIMIT };
        self.client.disconnect(ReasonCode::Success, None, limit);
    }
}

/// The flag is set, and [`Session::next`] woken, when nobody reads stdout any more.
pub(crate) fn watch_stdout(interrupter: Interrupter) -> Result<Arc<AtomicBool>, Failure> {
    let closed = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&closed);
    let watch = move || {
        let stdout = io::stdout();
        let mut watched = [PollFd::new(&stdout, PollFlags::empty())]; // errors and hang-ups come unasked
        while let Ok(0) | Err(Errno::INTR) = poll(&mut watched, None) {}
        if watched[0].revents().intersects(PollFlags::ERR | PollFlags::HUP) {
            flag.store(true, Ordering::Release);
            interrupter.interrupt();
        }
    };
    let started = thread::Builder::new().name("stdout".into()).spawn(watch);
    started.map_err(|e| Failure::new(Status::Internal, format!("cannot start a thread: {e}")))?;
    Ok(closed)
}

/// There was no connection yet: who closes a stream then may not speak what it was asked in.
fn not_connected(client: &Client, fault: ConnectFault) -> Failure {
    match (&fault, client.fault()) {
        (ConnectFault::Ended(End::Stream), Some(error)) => {
            Failure::new(Status::ConnectionLost, format!("{fault} ({error})"))
        }
        _ => fault.into(),
    }
}

fn lost(client: &Client, end: &End) -> Failure {
    let text = match (end, client.fault()) {
        (End::Stream, Some(fault)) => format!("the connection was lost: {fault}"),
        (End::Stream, None) => "the broker closed the connection without sending DISCONNECT".to_owned(),
        (end, _) => end.to_string(),
    };
    Failure::of_broker(Status::ConnectionLost, &text)
}
