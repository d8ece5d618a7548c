//! `martlet sub`: connect, subscribe, print every message until something ends it.

use crate::args::{Handling, SubscribeArgs};
use crate::exit::{Failure, Status, shown};
use crate::format::{Format, Stamp, To};
use crate::outage::OnLoss;
use crate::session::{GOODBYE_LIMIT, Plan, Session, Step, watch_stdout};
use crate::signals::StopSignals;
use crate::stdout::{Blocked, write_stdout};
use martlet_client::{
    Event, FiltersBuf, Place, PropertiesBuf, Property, Received, Refused, RetainHandling,
    SubscriptionOptions, TopicFilter,
};
use std::io::{self, ErrorKind, IsTerminal};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

/// Bytes of output that are collected before they are written, unless nothing more comes.
const COLLECT_MAX: usize = 64 * 1024;

pub(crate) fn run(args: &SubscribeArgs) -> Result<(), Failure> {
    let until = args.timeout.map(|timeout| Instant::now() + timeout);
    if let Some(option) = args.first_of_v5().filter(|_| !args.connection.protocol.version().is_v5()) {
        return Err(Failure::needs_v5(option));
    }
    let filters = filters(args)?;
    let properties = properties(args)?;
    let signals = StopSignals::watch(GOODBYE_LIMIT)?;
    let printer = Printer::new(args, signals.clone(), until)?;
    let plan = Plan {
        patience: args.connection.connect_timeout,
        deadline: until,
        on_loss: OnLoss::new(args.reconnect),
    };
    let session = Session::open(&args.connection, plan, signals, |options| {
        options.limits.topic_alias_maximum = args.topic_alias_maximum;
    })?;
    let mut subscriber = Subscriber {
        args,
        filters,
        properties,
        unread: watch_stdout(session.client.interrupter())?,
        session,
        printer,
        left: args.count,
        subscribed: false,
    };
    subscriber.subscribe()?;
    let outcome = subscriber.run(until);
    let written = subscriber.printer.flush();
    let late = subscriber.timed_out();
    subscriber.session.close();
    match (outcome, written) {
        (Err(Halt::Failure(failure)), _) | (_, Err(Halt::Failure(failure))) => Err(failure),
        (Err(Halt::Late), _) | (_, Err(Halt::Late)) => Err(late),
        _ => Ok(()),
    }
}

/// Why printing ends.
enum Halt {
    /// As it was meant to; or nobody reads stdout any more.
    Done,
    /// The time of the command was over while nobody read stdout.
    Late,
    Failure(Failure),
}

impl From<Failure> for Halt {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

struct Subscriber<'a> {
    args: &'a SubscribeArgs,
    filters: FiltersBuf,
    properties: PropertiesBuf,
    session: Session,
    printer: Printer,
    left: Option<u64>,
    /// Set when nobody reads stdout any more.
    unread: Arc<AtomicBool>,
    /// Whether the broker has accepted the subscriptions once.
    subscribed: bool,
}

impl Subscriber<'_> {
    fn subscribe(&mut self) -> Result<(), Failure> {
        let asked = self.session.client.subscribe(&self.filters, self.properties.as_properties());
        match asked {
            Ok(_) | Err(Refused::NotConnected) => Ok(()), // which the next step says
            Err(refused) => Err(Failure::new(Status::SubscribeRefused, refused.to_string())),
        }
    }

    fn run(&mut self, until: Option<Instant>) -> Result<(), Halt> {
        loop {
            // First without waiting: output is written when nothing more is there.
            let step = match self.session.next(Some(Instant::now()))? {
                Step::TimedOut => {
                    self.printer.flush()?;
                    self.session.next(until)?
                }
                step => step,
            };
            match step {
                Step::Event(event) => self.handle(event)?,
                Step::Resumed { session_present } if session_present && self.subscribed => {}
                Step::Resumed { .. } => self.subscribe()?,
                Step::Stopped => return Err(Failure::interrupted().into()),
                Step::Woken if self.unread.load(Ordering::Acquire) => return Err(Halt::Done),
                Step::Woken => {}
                Step::TimedOut => return Err(self.timed_out().into()),
            }
            if until.is_some_and(|until| until <= Instant::now()) {
                return Err(self.timed_out().into());
            }
        }
    }

    fn handle(&mut self, event: Event) -> Result<(), Halt> {
        match event {
            Event::Message(received) => {
                let unwanted = if received.retain { self.args.no_retained } else { self.args.retained_only };
                if unwanted {
                    return Ok(());
                }
                self.printer.print(&received)?;
                self.left = self.left.map(|left| left - 1);
                if self.left == Some(0) { Err(Halt::Done) } else { Ok(()) }
            }
            Event::Subscribed(_, codes) => {
                let refused = self.args.filters.iter().zip(&codes).find(|(_, code)| code.is_failure());
                match refused {
                    None => {
                        self.subscribed = true;
                        Ok(())
                    }
                    Some((filter, code)) => {
                        let text =
                            format!("the broker refused the subscription to `{}`: {code}", shown(filter));
                        Err(Failure::new(Status::SubscribeRefused, text).into())
                    }
                }
            }
            _ => Ok(()),
        }
    }

    fn timed_out(&self) -> Failure {
        let text = match (self.args.count, self.left) {
            (Some(count), Some(left)) => format!("timed out with {} of {count} messages", count - left),
            _ => "timed out".to_owned(),
        };
        Failure::new(Status::TimedOut, text)
    }
}

struct Printer {
    format: Format,
    end: &'static [u8],
    to: To,
    collected: Vec<u8>,
    signals: StopSignals,
    until: Option<Instant>,
}

impl Printer {
    fn new(args: &SubscribeArgs, signals: StopSignals, until: Option<Instant>) -> Result<Self, Failure> {
        let parse = |text| Format::parse(text).map_err(|bad| Failure::usage(format!("--format: {bad}")));
        let format = match &args.format {
            Some(text) => parse(text)?,
            None if args.json => Format::json_line(),
            None if args.verbose => parse("%t %p")?,
            None => parse("%p")?,
        };
        let end: &[u8] = if args.no_newline { b"" } else { b"\n" };
        let to = if io::stdout().is_terminal() { To::Terminal } else { To::Pipe };
        Ok(Printer { format, end, to, collected: Vec::new(), signals, until })
    }

    fn print(&mut self, received: &Received) -> Result<(), Halt> {
        let before = self.collected.len();
        if let Err(bad) = self.format.render(received, Stamp::now(), self.to, &mut self.collected) {
            self.collected.truncate(before);
            crate::say(&bad.to_string());
            return Ok(());
        }
        self.collected.extend_from_slice(self.end);
        if self.collected.len() >= COLLECT_MAX { self.flush() } else { Ok(()) }
    }

    /// Writes what is collected. A reader that does not read is waited for, but no longer than the command has time,
    /// and a signal ends the waiting.
    fn flush(&mut self) -> Result<(), Halt> {
        let collected = std::mem::take(&mut self.collected);
        let is_over = || self.signals.came() || self.until.is_some_and(|until| until <= Instant::now());
        match write_stdout(&collected, is_over) {
            Ok(()) => {
                self.collected = collected;
                self.collected.clear();
                Ok(())
            }
            Err(Blocked::GivenUp) if self.signals.came() => Err(Failure::interrupted().into()),
            Err(Blocked::GivenUp) => Err(Halt::Late),
            Err(Blocked::Failed(error)) if error.kind() == ErrorKind::BrokenPipe => Err(Halt::Done),
            Err(Blocked::Failed(error)) => {
                let text = format!("cannot write to stdout: {error}");
                Err(Failure::new(Status::Configuration, text).into())
            }
        }
    }
}

fn filters(args: &SubscribeArgs) -> Result<FiltersBuf, Failure> {
    let handling = match args.retain_handling {
        Handling::Send => RetainHandling::Send,
        Handling::New => RetainHandling::SendIfNew,
        Handling::Never => RetainHandling::DoNotSend,
    };
    let options = SubscriptionOptions {
        maximum_qos: args.qos,
        no_local: args.no_local,
        retain_as_published: args.retain_as_published,
        retain_handling: handling,
    };
    let mut filters = FiltersBuf::new();
    for text in &args.filters {
        let shared = args.share.as_ref().map(|name| format!("$share/{name}/{text}"));
        let filter = TopicFilter::new(shared.as_deref().unwrap_or(text))
            .map_err(|bad| Failure::usage(format!("the topic filter `{}` is wrong: {bad}", shown(text))))?;
        if args.no_local && filter.share().is_some() {
            return Err(Failure::usage(format!(
                "`{}` is shared, and --no-local cannot be: leave one out",
                shown(filter.as_str())
            )));
        }
        filters.push(filter, options);
    }
    Ok(filters)
}

fn properties(args: &SubscribeArgs) -> Result<PropertiesBuf, Failure> {
    let mut block = PropertiesBuf::new();
    if let Some(id) = args.subscription_id {
        block.push(Property::SubscriptionIdentifier(id));
    }
    for (key, value) in &args.user_property {
        let property = Property::UserProperty((key, value));
        property.check(Place::Subscribe).map_err(|bad| Failure::usage(format!("--user-property: {bad}")))?;
        block.push(property);
    }
    Ok(block)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::{Cli, Command};
    use clap::Parser;
    use martlet_client::Version;

    fn parsed(options: &str) -> Result<Vec<String>, Failure> {
        let line = format!("martlet sub {options}");
        let Command::Sub(args) = Cli::parse_from(line.split_whitespace()).command else { panic!("{line}") };
        properties(&args)?;
        let all = filters(&args)?;
        let each = all.as_filters(Version::V5).iter();
        Ok(each.map(|one| format!("{} {:#04x}", one.filter, one.options.as_byte())).collect())
    }

    #[test]
    fn filters_from_the_command_line() {
        assert_eq!(parsed("a b/# -q 1").unwrap(), ["a 0x01", "b/# 0x01"]);
        assert_eq!(parsed("a --share g").unwrap(), ["$share/g/a 0x00"]);
        let all = "--no-local --retain-as-published --retain-handling never -q 2 a";
        assert_eq!(parsed(all).unwrap(), ["a 0x2e"]);
    }

    #[test]
    fn filters_that_cannot_be() {
        for options in ["a#", "a --share g --no-local"] {
            assert_eq!(parsed(options).unwrap_err().status, Status::Usage, "{options}");
        }
    }
}
