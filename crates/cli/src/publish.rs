//! `martlet pub`: connect, send every message, wait for the acknowledgements, disconnect.

use crate::args::PublishArgs;
use crate::exit::{Failure, Status};
use crate::session::{Session, Step};
use crate::source::{Polled, Source};
use martlet_client::{Event, Message, Place, PropertiesBuf, Property, QoSLevel, Refused, TopicName};
use std::time::{Duration, Instant};

/// Messages without an acknowledgement at most.
const UNSETTLED_MAX: usize = 1000;

/// How long one look at a slow connection lasts before signals are looked at again.
const PATIENCE: Duration = Duration::from_millis(200);

pub(crate) fn run(args: &PublishArgs) -> Result<(), Failure> {
    let topic = TopicName::new(&args.topic)
        .map_err(|bad| Failure::usage(format!("the topic `{}` is wrong: {bad}", args.topic)))?;
    let properties = properties(args)?;
    let one = Source::one(args)?;
    let session = Session::open(&args.connection, args.connection.connect_timeout, |options| {
        options.limits.topic_alias_outgoing_max = u16::from(args.properties.topic_alias);
        options.queue_bytes_max = usize::MAX; // one message may be large; their number is bounded here
    })?;
    let source = match one {
        Some(payload) => Source::One(Some(payload)),
        None => Source::lines(session.client.interrupter())?,
    };
    let mut publisher = Publisher { args, topic, properties, session, unsettled: 0 };
    let outcome = publisher.run(source);
    publisher.session.close();
    outcome
}

struct Publisher<'a> {
    args: &'a PublishArgs,
    topic: TopicName<'a>,
    properties: PropertiesBuf,
    session: Session,
    unsettled: usize,
}

impl Publisher<'_> {
    fn run(&mut self, mut source: Source) -> Result<(), Failure> {
        let mut due: Option<Instant> = None;
        loop {
            let payload = match source.poll()? {
                Polled::Payload(payload) => payload,
                Polled::Nothing => {
                    self.step(None)?;
                    continue;
                }
                Polled::End => break,
            };
            for _ in 0..self.args.repeat {
                self.wait_until(due)?;
                self.send(&payload)?;
                due = (!self.args.interval.is_zero()).then(|| Instant::now() + self.args.interval);
            }
        }
        while self.unsettled > 0 || !self.session.client.flush(PATIENCE) {
            let more = (self.unsettled == 0).then(Instant::now);
            self.step(more)?;
        }
        Ok(())
    }

    fn send(&mut self, payload: &[u8]) -> Result<(), Failure> {
        while self.unsettled >= UNSETTLED_MAX {
            self.step(None)?;
        }
        loop {
            let expiry_s = self.args.properties.message_expiry;
            let message = Message {
                topic: self.topic,
                properties: self.properties.as_bytes(),
                payload,
                expires_at: expiry_s.map(|s| self.session.client.now().after_s(s)),
                publisher: 0,
            };
            match self.session.client.publish(&message, self.args.qos, self.args.retain) {
                Ok(_) => break,
                Err(Refused::QueueFull) => {
                    self.session.client.flush(PATIENCE);
                    self.step(Some(Instant::now()))?;
                }
                Err(Refused::NotConnected) => self.step(None)?, // which says why
                Err(refused) => return Err(Failure::new(Status::PublishRefused, refused.to_string())),
            }
        }
        self.unsettled += usize::from(self.args.qos != QoSLevel::AtMostOnce);
        self.step(Some(Instant::now()))
    }

    fn wait_until(&mut self, due: Option<Instant>) -> Result<(), Failure> {
        while let Some(due) = due.filter(|due| Instant::now() < *due) {
            self.step(Some(due))?;
        }
        Ok(())
    }

    /// Lets the connection work until something happens, or until `until`.
    fn step(&mut self, until: Option<Instant>) -> Result<(), Failure> {
        let refused = |text: String| Err(Failure::new(Status::PublishRefused, text));
        match self.session.next(until)? {
            Step::Event(Event::Published(_, reason)) if reason.is_failure() => {
                refused(format!("the broker refused the message: {reason}"))
            }
            Step::Event(Event::Published(..)) => {
                self.unsettled -= 1;
                Ok(())
            }
            Step::Event(Event::Dropped(_, why)) => refused(format!("the message was not sent: {why}")),
            Step::Stopped => {
                let text = "interrupted before every message was sent and acknowledged";
                Err(Failure::new(Status::ConnectionLost, text))
            }
            Step::Event(_) | Step::Woken | Step::TimedOut => Ok(()),
        }
    }
}

/// The property block of each PUBLISH, without the expiry, which is counted from each message on.
fn properties(args: &PublishArgs) -> Result<PropertiesBuf, Failure> {
    let given = &args.properties;
    if !args.connection.protocol.version().is_v5() && !given.is_empty() {
        return Err(Failure::usage("properties need MQTT 5.0: leave --protocol out"));
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
        assert_eq!(parsed("--protocol 3.1.1 --message-expiry 5").unwrap_err().status, Status::Usage);
    }
}
