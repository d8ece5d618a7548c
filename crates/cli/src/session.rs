//! A connection made from the command line's options, with its ends: failures as exit codes, signals as a step.

use crate::args::ConnectionArgs;
use crate::exit::{Failure, Status};
use crate::outage::{self, OnLoss, Outage};
use martlet_client::{
    Address, Client, ConnectFault, ConnectOptions, End, Endpoint, Event, Interrupter, Message, NEVER_EXPIRES,
    Next, ReasonCode, TopicName, Url, Version, WillRequest,
};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};
use std::{fs, io};

/// How long an orderly end may take.
const DISCONNECT_LIMIT: Duration = Duration::from_secs(5);

/// The exit code of a process that a signal ended (128 + SIGINT).
const SECOND_SIGNAL: i32 = 130;

pub(crate) struct Session {
    pub(crate) client: Client,
    stopped: Arc<AtomicBool>,
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
    /// Connects; from here on SIGINT and SIGTERM end the session in order.
    pub(crate) fn open(
        args: &ConnectionArgs,
        plan: Plan,
        change: impl FnOnce(&mut ConnectOptions),
    ) -> Result<Self, Failure> {
        let url: Url =
            args.broker.parse().map_err(|bad| Failure::usage(format!("{}: {bad}", args.broker_origin)))?;
        if matches!(url.endpoint.address, Address::Tcp { port: 0, .. }) {
            let text = format!("{}: `{url}`: a port is a number from 1 to 65535", args.broker_origin);
            return Err(Failure::usage(text));
        }
        let mut options = options(args, &url)?;
        change(&mut options);
        let mut client = Client::new(options)?;
        let stopped = stop_on_signals(client.interrupter())?;
        match client.reconnect(&url.endpoint, plan.patience()) {
            Err(ConnectFault::Ended(End::NoConnAck)) => Err(ConnectFault::TimedOut.into()),
            Err(ConnectFault::Ended(end)) if !matches!(end, End::Fatal(_)) => Err(lost(&client, &end)),
            Err(fault) => Err(fault.into()),
            Ok(_) => Ok(Session { client, stopped, endpoint: url.endpoint, plan, outage: None }),
        }
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
        if self.stopped.load(Ordering::Acquire) { Step::Stopped } else { Step::Woken }
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
            OnLoss::ComeBack => {}
        }
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
                self.outage = None;
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
        self.client.disconnect(ReasonCode::Success, None, DISCONNECT_LIMIT);
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

fn lost(client: &Client, end: &End) -> Failure {
    let text = match (end, client.fault()) {
        (End::Stream, Some(fault)) => format!("the connection was lost: {fault}"),
        (End::Stream, None) => "the broker closed the connection without a word".to_owned(),
        (end, _) => end.to_string(),
    };
    Failure::new(Status::ConnectionLost, text)
}

/// The first signal asks for an orderly end, the second ends at once.
fn stop_on_signals(interrupter: Interrupter) -> Result<Arc<AtomicBool>, Failure> {
    let cannot = |e| Failure::new(Status::Internal, format!("cannot watch signals: {e}"));
    let stopped = Arc::new(AtomicBool::new(false));
    let mut signals = Signals::new([SIGINT, SIGTERM]).map_err(cannot)?;
    let flag = Arc::clone(&stopped);
    let watch = move || {
        for _ in signals.forever() {
            if flag.swap(true, Ordering::AcqRel) {
                signal_hook::low_level::exit(SECOND_SIGNAL);
            }
            interrupter.interrupt();
        }
    };
    thread::Builder::new().name("signals".into()).spawn(watch).map_err(cannot)?;
    Ok(stopped)
}

fn options(args: &ConnectionArgs, url: &Url) -> Result<ConnectOptions, Failure> {
    let version = args.protocol.version();
    if version == Version::V31 && args.client_id.as_deref() == Some("") {
        return Err(Failure::usage("--client-id: MQTT 3.1 needs one: write it, or leave the option out"));
    }
    let mut options = ConnectOptions::new(version, &client_id(args, version));
    options.clean_start = !args.no_clean_start;
    options.session_kept = args.no_clean_start;
    options.keep_alive_s = args.keep_alive;
    options.session_expiry_s = args.session_expiry;
    if args.session_expiry > 0 && !version.is_v5() {
        return Err(Failure::needs_v5("--session-expiry"));
    }
    if args.will.will_delay > 0 && !version.is_v5() {
        return Err(Failure::needs_v5("--will-delay"));
    }
    if args.no_clean_start && version.is_v5() && args.session_expiry == 0 {
        options.session_expiry_s = NEVER_EXPIRES; // what a session without clean start is for, and all that 3.x can do
    }
    options.user_name = args.user_name.as_deref().or(url.user_name.as_deref()).map(Into::into);
    options.password = password(args, url)?;
    options.will = will(args)?;
    options.limits.maximum_packet_size = 268_435_460;
    options.limits.topic_alias_maximum = 0; // `sub` has an option for it
    Ok(options)
}

/// A name for versions whose servers cannot give one.
fn client_id(args: &ConnectionArgs, version: Version) -> String {
    match &args.client_id {
        Some(id) => id.clone(),
        None if version == Version::V31 => format!("martlet-{}", std::process::id()),
        None => String::new(),
    }
}

/// Never shown in a message. The more explicit source is the stronger one.
fn password(args: &ConnectionArgs, url: &Url) -> Result<Option<Box<[u8]>>, Failure> {
    if let Some(path) = &args.password_file {
        let bytes = fs::read(path).map_err(|e| {
            Failure::new(
                Status::Configuration,
                format!("cannot read the password file {}: {e}", path.display()),
            )
        })?;
        let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
        return Ok(Some(line.strip_suffix(b"\r").unwrap_or(line).into()));
    }
    let given = args.password.as_ref().map(|password| password.as_bytes().into());
    Ok(given.or_else(|| url.password.clone()))
}

fn will(args: &ConnectionArgs) -> Result<Option<WillRequest>, Failure> {
    let will = &args.will;
    let Some(topic) = &will.will_topic else { return Ok(None) };
    let payload = will.will_message.as_deref().unwrap_or_default().as_bytes();
    let topic = TopicName::new(topic).map_err(|bad| Failure::usage(format!("--will-topic: {bad}")))?;
    let message = Message { topic, properties: &[], payload, expires_at: None, publisher: 0 };
    Ok(Some(WillRequest {
        publication: message.to_publication(),
        qos: will.will_qos,
        retain: will.will_retain,
        delay_s: will.will_delay,
        expiry_s: None,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::{Cli, Command};
    use clap::Parser;

    fn parsed(line: &str) -> Result<ConnectOptions, Failure> {
        let Command::Sub(args) = Cli::parse_from(line.split(' ')).command else { panic!("{line}") };
        let url: Url = args.connection.broker.parse().unwrap();
        options(&args.connection, &url)
    }

    #[test]
    fn options_from_the_command_line() {
        let options = parsed("martlet sub -b mqtt://u:p@h -i me -k 5 --session-expiry 9 t").unwrap();
        assert_eq!((options.version, &*options.client_id), (Version::V5, "me"));
        assert_eq!((options.keep_alive_s, options.session_expiry_s, options.clean_start), (5, 9, true));
        assert_eq!(options.user_name.as_deref(), Some("u"));
        assert_eq!(options.password.as_deref(), Some(&b"p"[..]));
        let stronger = parsed("martlet sub -b mqtt://u:p@h -u v --password q t").unwrap();
        assert_eq!(stronger.user_name.as_deref(), Some("v"));
        assert_eq!(stronger.password.as_deref(), Some(&b"q"[..]));
        let kept = parsed("martlet sub -b h -i me --no-clean-start t").unwrap();
        assert_eq!((kept.clean_start, kept.session_expiry_s), (false, NEVER_EXPIRES));
    }

    #[test]
    fn what_3_x_cannot_say_is_refused() {
        for option in ["--session-expiry 9", "--will-topic t --will-delay 3"] {
            let failure = parsed(&format!("martlet sub -b h --protocol 3.1.1 {option} t")).unwrap_err();
            assert_eq!(failure.status, Status::Usage);
            assert!(failure.text.contains("5.0"), "{failure}");
        }
    }
}
