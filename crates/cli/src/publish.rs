//! `martlet pub`: connect, send every message, wait for the acknowledgements, disconnect.

use crate::args::PublishArgs;
use crate::exit::{Failure, Status, shown};
use crate::outage::OnLoss;
use crate::session::{GOODBYE_LIMIT, Plan, Session, Step};
use crate::signals::StopSignals;
use crate::source::{Polled, Source};
use martlet_client::{Event, Message, Place, PropertiesBuf, Property, QoSLevel, Refused, Token, TopicName};
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::{Duration, Instant};

/// Messages without an acknowledgement at most.
const UNSETTLED_MAX: usize = 1000;

/// How long acknowledgements are waited for after a signal.
const LINGER: Duration = Duration::from_secs(1);

/// A message of this many bytes may be more than a broker accepts, and 3.x has no packet that tells.
const LARGE: usize = 64 * 1024;

/// How long one look at a slow connection lasts before signals are looked at again.
const PATIENCE: Duration = Duration::from_millis(200);

pub(crate) fn run(args: &PublishArgs) -> Result<(), Failure> {
    let topic = TopicName::new(&args.topic)
        .map_err(|bad| Failure::usage(format!("the topic `{}` is wrong: {bad}", shown(&args.topic))))?;
    let properties = properties(args)?;
    let signals = StopSignals::watch(GOODBYE_LIMIT)?;
    let one = Source::one(args)?;
    let on_loss = if args.lines { OnLoss::new(args.reconnect) } else { OnLoss::End };
    let plan = Plan { patience: args.connection.connect_timeout, deadline: None, on_loss };
    let session = Session::open(&args.connection, plan, signals, |options| {
        options.limits.topic_alias_outgoing_max = u16::from(args.properties.topic_alias);
        options.queue_bytes_max = usize::MAX; // one message may be large; their number is bounded here
    })?;
    let source = match one {
        Some(payload) => Source::One(Some(payload)),
        None => Source::lines(session.client.interrupter())?,
    };
    let mut publisher = Publisher::new(args, topic, properties, session);
    let mut outcome = publisher.run(source).map_err(|failure| publisher.explain(failure));
    if outcome.as_ref().is_err_and(|failure| failure.status == Status::Interrupted) {
        publisher.linger();
        outcome = Err(publisher.interrupted());
    }
    publisher.session.close();
    outcome
}

/// What one look at the connection found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Look {
    Something,
    Nothing,
    Stopped,
}

struct Publisher<'a> {
    args: &'a PublishArgs,
    topic: TopicName<'a>,
    properties: PropertiesBuf,
    session: Session,
    /// What waits to be sent, in order.
    waiting: VecDeque<Rc<Vec<u8>>>,
    /// How many at its front were sent before, to a session that the broker has lost.
    again: usize,
    /// QoS 1 and 2: what was sent and is not settled, in order.
    unsettled: VecDeque<(Token, Rc<Vec<u8>>)>,
    /// Bytes of the largest message that was sent.
    largest: usize,
    /// Nothing more comes to be sent.
    is_at_end: bool,
}

impl<'a> Publisher<'a> {
    fn new(args: &'a PublishArgs, topic: TopicName<'a>, properties: PropertiesBuf, session: Session) -> Self {
        let (waiting, unsettled) = Default::default();
        Publisher {
            args,
            topic,
            properties,
            session,
            waiting,
            again: 0,
            unsettled,
            largest: 0,
            is_at_end: false,
        }
    }

    fn run(&mut self, mut source: Source) -> Result<(), Failure> {
        let mut due: Option<Instant> = None;
        loop {
            let payload = match source.poll()? {
                Polled::Payload(payload) => Rc::new(payload),
                Polled::Nothing if self.look(None)? != Look::Stopped => continue,
                Polled::Nothing => return Err(Failure::interrupted()),
                Polled::End => break,
            };
            for sent in 1..=self.args.repeat {
                self.wait_until(due)?;
                self.waiting.push_back(Rc::clone(&payload));
                self.is_at_end = source.is_at_end() && sent == self.args.repeat;
                self.send()?;
                due = (!self.args.interval.is_zero()).then(|| Instant::now() + self.args.interval);
            }
        }
        self.settle()
    }

    /// Until the broker has everything.
    fn settle(&mut self) -> Result<(), Failure> {
        loop {
            self.send()?;
            let settled = self.is_settled();
            let found = self.work(settled.then(Instant::now))?;
            if settled && found == Look::Nothing && !self.session.is_in_outage() {
                return Ok(());
            }
        }
    }

    fn is_settled(&mut self) -> bool {
        self.waiting.is_empty() && self.unsettled.is_empty() && self.session.client.flush(PATIENCE)
    }

    /// Sends all that waits, oldest first.
    fn send(&mut self) -> Result<(), Failure> {
        loop {
            while self.work(Some(Instant::now()))? == Look::Something {}
            let Some(payload) = self.waiting.front().cloned() else { return Ok(()) };
            if self.session.is_in_outage() || self.unsettled.len() >= self.unsettled_max() {
                self.work(None)?;
                continue;
            }
            match self.publish(&payload) {
                Ok(token) => {
                    self.largest = self.largest.max(payload.len());
                    self.waiting.pop_front();
                    self.again = self.again.saturating_sub(1);
                    if self.args.qos != QoSLevel::AtMostOnce {
                        self.unsettled.push_back((token, payload));
                    }
                }
                Err(Refused::QueueFull) => drop(self.session.client.flush(PATIENCE)),
                Err(Refused::NotConnected) => drop(self.work(None)?), // which says why
                Err(refused) => return Err(Failure::new(Status::PublishRefused, refused.to_string())),
            }
        }
    }

    /// No more than the broker takes at once: what it loses with a session is then sent again in order.
    fn unsettled_max(&self) -> usize {
        let server = self.session.client.connection().server_limits();
        server.map_or(UNSETTLED_MAX, |server| UNSETTLED_MAX.min(server.peer.receive_maximum.into()))
    }

    fn publish(&mut self, payload: &[u8]) -> Result<Token, Refused> {
        let expiry_s = self.args.properties.message_expiry;
        let message = Message {
            topic: self.topic,
            properties: self.properties.as_bytes(),
            payload,
            expires_at: expiry_s.map(|s| self.session.client.now().after_s(s)),
            publisher: 0,
        };
        self.session.client.publish(&message, self.args.qos, self.args.retain)
    }

    fn wait_until(&mut self, due: Option<Instant>) -> Result<(), Failure> {
        while let Some(due) = due.filter(|due| Instant::now() < *due) {
            self.work(Some(due))?;
        }
        Ok(())
    }

    /// As [`Self::look`], where a signal comes too early.
    fn work(&mut self, until: Option<Instant>) -> Result<Look, Failure> {
        match self.look(until)? {
            Look::Stopped => Err(Failure::interrupted()),
            found => Ok(found),
        }
    }

    /// Lets the connection work until something happens, or until `until`.
    fn look(&mut self, until: Option<Instant>) -> Result<Look, Failure> {
        let refused = |text: String| Err(Failure::new(Status::PublishRefused, text));
        match self.session.next(until)? {
            Step::Event(Event::Published(_, reason)) if reason.is_failure() => {
                return refused(format!("the broker refused the message: {reason}"));
            }
            Step::Event(Event::Published(token, _)) => drop(self.take(token)),
            Step::Event(Event::Dropped(token, Refused::SessionLost)) => {
                if let Some(payload) = self.take(token) {
                    self.waiting.insert(self.again, payload);
                    self.again += 1;
                }
            }
            Step::Event(Event::Dropped(_, why)) => {
                return refused(format!("the message was not sent: {why}"));
            }
            Step::Stopped => return Ok(Look::Stopped),
            Step::TimedOut => return Ok(Look::Nothing),
            Step::Event(_) | Step::Resumed { .. } | Step::Woken => {}
        }
        Ok(Look::Something)
    }

    /// Adds to the loss of a connection what may have been the reason.
    fn explain(&self, mut failure: Failure) -> Failure {
        if failure.status == Status::ConnectionLost && self.largest >= LARGE {
            failure.text += &format!("; is a message of {} bytes more than it accepts?", self.largest);
        }
        failure
    }

    /// After a signal: what was sent may still be acknowledged, for a moment.
    fn linger(&mut self) {
        let until = Instant::now() + LINGER;
        while !self.unsettled.is_empty() && !self.session.is_in_outage() {
            // Whatever goes wrong now, the signal is why the command ends.
            if !matches!(self.look(Some(until)), Ok(Look::Something)) {
                return;
            }
        }
    }

    /// Whether the broker has everything that was there to be sent when the signal came.
    fn interrupted(&mut self) -> Failure {
        if (self.args.lines || self.is_at_end) && self.is_settled() {
            return Failure::interrupted();
        }
        Failure::new(Status::Interrupted, "interrupted before every message was sent and acknowledged")
    }

    /// The message behind a token, which is one of the oldest.
    fn take(&mut self, token: Token) -> Option<Rc<Vec<u8>>> {
        let index = self.unsettled.iter().position(|(sent, _)| *sent == token)?;
        self.unsettled.remove(index).map(|(_, payload)| payload)
    }
}

/// The property block of each PUBLISH, without the expiry, which is counted from each message on.
fn properties(args: &PublishArgs) -> Result<PropertiesBuf, Failure> {
    let given = &args.properties;
    if let Some(option) = given.first().filter(|_| !args.connection.protocol.version().is_v5()) {
        return Err(Failure::needs_v5(option));
    }
    let mut block = PropertiesBuf::new();
    let mut push = |option: &str, property: Property<'_>| -> Result<(), Failure> {
        property.check(Place::Publish).map_err(|bad| Failure::usage(format!("{option}: {bad}")))?;
        block.push(property);
        Ok(())
    };
    if let Some(format) = given.payload_format {
        push("--payload-format", Property::PayloadFormatIndicator(format as u8))?;
    }
    if let Some(text) = &given.content_type {
        push("--content-type", Property::ContentType(text))?;
    }
    if let Some(topic) = &given.response_topic {
        push("--response-topic", Property::ResponseTopic(topic))?;
    }
    if let Some(data) = &given.correlation_data {
        push("--correlation-data", Property::CorrelationData(data.as_bytes()))?;
    }
    for (key, value) in &given.user_property {
        push("--user-property", Property::UserProperty((key, value)))?;
    }
    Ok(block)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::{Cli, Command};
    use clap::Parser;

    fn parsed(options: &str) -> Result<PropertiesBuf, Failure> {
        let line = format!("martlet pub t m {options}");
        let Command::Pub(args) = Cli::parse_from(line.split_whitespace()).command else { panic!("{line}") };
        properties(&args)
    }

    #[test]
    fn properties_from_the_command_line() {
        let block =
            parsed("--user-property b=1 --payload-format utf8 --user-property a=2 --content-type x").unwrap();
        let properties: Vec<_> = block.as_properties().iter().collect();
        assert_eq!(
            properties,
            [
                Property::PayloadFormatIndicator(1),
                Property::ContentType("x"),
                Property::UserProperty(("b", "1")),
                Property::UserProperty(("a", "2")),
            ]
        );
        assert!(parsed("--payload-format bytes").unwrap().as_bytes() == [1, 0]);
    }

    #[test]
    fn properties_that_cannot_be() {
        let wildcard = parsed("--response-topic a/#").unwrap_err();
        assert!(wildcard.text.starts_with("--response-topic: "), "{wildcard}");
        let older = parsed("--protocol 3.1.1 --message-expiry 5").unwrap_err();
        assert_eq!(older, Failure::needs_v5("--message-expiry"));
    }
}
