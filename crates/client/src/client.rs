//! [`Client`]: connect, ask for something, take the next event. All waiting is in [`Client::next`] and what calls it.

use crate::fault::ConnectFault;
use crate::link::Link;
use martlet_codec::{
    FiltersBuf, Properties, QoSLevel, ReasonCode, SubscriptionOptions, TopicFilter, TopicFiltersBuf,
};
use martlet_net::{Endpoint, Fault, Stream};
use martlet_protocol::client::{ConnectOptions, Connection, Event, Refused, Token, Welcome};
use martlet_protocol::{Message, Time};
use mio::Waker;
use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Bytes read at once.
const READ_LEN: usize = 64 * 1024;

/// What [`Client::next`] found.
#[derive(Debug)]
pub enum Next {
    /// Something happened.
    Event(Event),
    /// [`Interrupter::interrupt`] was called.
    Interrupted,
    /// The moment that the caller named has come.
    TimedOut,
    /// There is no connection, and no event is left.
    Ended,
}

/// Makes [`Client::next`] return early, from any thread.
#[derive(Clone, Debug)]
pub struct Interrupter {
    flag: Arc<AtomicBool>,
    waker: Arc<Waker>,
}

impl Interrupter {
    /// The next, or present, [`Client::next`] returns [`Next::Interrupted`]. Several calls may count as one.
    pub fn interrupt(&self) {
        self.flag.store(true, Ordering::Release);
        // The poll that it wakes lives as long as the client: without one nobody waits.
        let _ = self.waker.wake();
    }
}

/// A client with its connection.
#[derive(Debug)]
pub struct Client {
    connection: Connection,
    link: Link,
    interrupted: Arc<AtomicBool>,
    origin: Instant,
    scratch: Box<[u8]>,
    /// Events that came before the connection was there.
    held: VecDeque<Event>,
    /// Whether the server has said anything on this stream.
    heard: bool,
    /// What the system said when the stream was lost.
    fault: Option<io::Error>,
}

impl Client {
    /// A client without a connection.
    ///
    /// # Errors
    /// Options that no CONNECT can express, or no poll from the system.
    pub fn new(options: ConnectOptions) -> Result<Self, ConnectFault> {
        let connection = Connection::new(options).map_err(ConnectFault::Options)?;
        let link = Link::new().map_err(|e| ConnectFault::Stream(Fault::io("open a poll", e)))?;
        Ok(Client {
            connection,
            link,
            interrupted: Arc::default(),
            origin: Instant::now(),
            scratch: vec![0; READ_LEN].into_boxed_slice(),
            held: VecDeque::new(),
            heard: false,
            fault: None,
        })
    }

    /// A client that is connected within `limit`, and what the server said.
    ///
    /// # Errors
    /// [`ConnectFault`] tells the causes apart.
    pub fn connect(
        endpoint: &Endpoint,
        options: ConnectOptions,
        limit: Duration,
    ) -> Result<(Self, Box<Welcome>), ConnectFault> {
        let mut client = Self::new(options)?;
        let welcome = client.reconnect(endpoint, limit)?;
        Ok((client, welcome))
    }

    /// A new connection for the session of the last one, which has ended: its last event was taken. After a fault it
    /// may be called again; after [`ConnectFault::Interrupted`] that goes on with what was begun. A `limit` of zero
    /// times out, unless something was begun.
    ///
    /// # Errors
    /// As [`Self::connect`].
    pub fn reconnect(&mut self, endpoint: &Endpoint, limit: Duration) -> Result<Box<Welcome>, ConnectFault> {
        let until = after(limit);
        let begun = self.link.is_open() && !self.connection.is_connected() && !self.connection.is_closing();
        if !begun {
            self.begin(endpoint, limit)?;
        }
        let mut held = std::mem::take(&mut self.held);
        let outcome = loop {
            match self.next(until) {
                Next::Event(event) => match ConnectFault::outcome(event) {
                    Ok(outcome) => break outcome,
                    Err(event) => held.push_back(event),
                },
                Next::Interrupted => break Err(ConnectFault::Interrupted),
                Next::TimedOut | Next::Ended => break Err(ConnectFault::TimedOut),
            }
        };
        self.held = held;
        if outcome.as_ref().is_err_and(ConnectFault::leaves_stream_open) {
            self.give_up();
        }
        outcome.map_err(|fault| fault.explain(self.heard))
    }

    fn begin(&mut self, endpoint: &Endpoint, limit: Duration) -> Result<(), ConnectFault> {
        if limit.is_zero() {
            return Err(ConnectFault::TimedOut); // the system takes no such limit
        }
        let stream = Stream::connect(endpoint, limit).map_err(ConnectFault::Stream)?;
        self.link
            .open(stream)
            .map_err(|e| ConnectFault::Stream(Fault::io(format!("connect to {endpoint}"), e)))?;
        (self.fault, self.heard) = (None, false);
        self.connection.connect(self.now());
        Ok(())
    }

    /// Closes a stream on which no connection came about; that it ended is no news.
    fn give_up(&mut self) {
        self.lose(None);
        let events = std::iter::from_fn(|| self.connection.poll_event());
        self.held.extend(events.filter(|event| !matches!(event, Event::Disconnected(_))));
    }

    /// Waits for `until` without looking for events: between two attempts to connect. [`Next::TimedOut`], or
    /// [`Next::Interrupted`] before.
    pub fn rest(&mut self, until: Instant) -> Next {
        loop {
            if self.interrupted.swap(false, Ordering::Acquire) {
                return Next::Interrupted;
            }
            if until <= Instant::now() {
                return Next::TimedOut;
            }
            self.wait(Some(until));
        }
    }

    /// What makes [`Self::next`] return early.
    pub fn interrupter(&self) -> Interrupter {
        Interrupter { flag: Arc::clone(&self.interrupted), waker: Arc::clone(self.link.waker()) }
    }

    /// The next event, waiting for it until `until` if need be. Everything that the protocol asks for in the
    /// meantime, such as acknowledgements and keep-alive, is done here: call it often.
    ///
    /// With a moment that has passed it does not wait, but writes, reads once and handles the timers: calling it so
    /// again and again keeps the connection alive and misses nothing. A server that sends without a pause does not
    /// keep it beyond `until` either.
    pub fn next(&mut self, until: Option<Instant>) -> Next {
        let mut has_looked = false;
        loop {
            self.handle_timers();
            self.write();
            if let Some(event) = self.held.pop_front().or_else(|| self.connection.poll_event()) {
                return Next::Event(event);
            }
            if !self.link.is_open() {
                return Next::Ended;
            }
            if self.interrupted.swap(false, Ordering::Acquire) {
                return Next::Interrupted;
            }
            if has_looked && is_over(until) {
                return Next::TimedOut;
            }
            self.turn(until);
            has_looked = true;
        }
    }

    /// Writes all that waits to be written, within `limit`: with zero, what the stream takes at once. True if it all
    /// went out; false, too, where there is no connection, or none any more.
    pub fn flush(&mut self, limit: Duration) -> bool {
        let is_written = self.drain(after(limit));
        self.write();
        is_written
    }

    fn drain(&mut self, until: Option<Instant>) -> bool {
        let mut has_looked = false;
        loop {
            self.handle_timers();
            self.write_some();
            let is_written = self.connection.output_len() == 0;
            if is_written || !self.link.is_open() || (has_looked && is_over(until)) {
                return is_written && self.link.is_open();
            }
            self.turn(until);
            has_looked = true;
        }
    }

    /// Publishes: [`Connection::publish`] says what comes of it.
    ///
    /// # Errors
    /// As [`Connection::publish`].
    pub fn publish(&mut self, message: &Message<'_>, qos: QoSLevel, retain: bool) -> Result<Token, Refused> {
        self.connection.publish(self.now(), message, qos, retain)
    }
    /// Subscribes: [`Connection::subscribe`] says what comes of it.
    ///
    /// # Errors
    /// As [`Connection::subscribe`].
    pub fn subscribe(&mut self, filters: &FiltersBuf, properties: Properties<'_>) -> Result<Token, Refused> {
        self.connection.subscribe(filters, properties)
    }
    /// Subscribes to one filter with nothing but a QoS, 0 to 2.
    ///
    /// # Errors
    /// A malformed filter, a QoS above 2, or as [`Connection::subscribe`].
    pub fn subscribe_one(&mut self, filter: &str, qos: u8) -> Result<Token, Refused> {
        let mut filters = FiltersBuf::new();
        filters.push(TopicFilter::new(filter)?, SubscriptionOptions::qos(QoSLevel::try_from(qos)?));
        self.subscribe(&filters, Properties::NONE)
    }
    /// Unsubscribes: [`Connection::unsubscribe`] says what comes of it.
    ///
    /// # Errors
    /// As [`Connection::unsubscribe`].
    pub fn unsubscribe(
        &mut self,
        filters: &TopicFiltersBuf,
        properties: Properties<'_>,
    ) -> Result<Token, Refused> {
        self.connection.unsubscribe(filters, properties)
    }

    /// Ends the connection in order: DISCONNECT is written behind all that waits, and the server is given `limit`
    /// to take it and to close. Events that are left can still be taken.
    pub fn disconnect(&mut self, reason: ReasonCode, session_expiry_s: Option<u32>, limit: Duration) {
        let until = after(limit);
        if self.connection.disconnect(reason, session_expiry_s).is_err() {
            return self.lose(None);
        }
        self.drain(until);
        self.link.finish();
        // A stream that is closed with unread bytes is reset, and what the server has not read by then is lost.
        while self.link.is_open() && !is_over(until) {
            match self.link.read(&mut self.scratch) {
                Ok(Some(0)) | Err(_) => break,
                Ok(Some(_)) => {}
                Ok(None) => self.wait(until),
            }
        }
        self.lose(None);
    }

    /// The time that this client's messages are dated with.
    pub fn now(&self) -> Time {
        Time::from_millis(u64::try_from(self.origin.elapsed().as_millis()).unwrap_or(u64::MAX))
    }
    /// The state machine, to look at.
    pub fn connection(&self) -> &Connection {
        &self.connection
    }
    /// What the system said when the stream was lost, if it said anything.
    pub fn fault(&self) -> Option<&io::Error> {
        self.fault.as_ref()
    }

    /// Waits until `until` for something to do, unless there is something to read, and reads once.
    fn turn(&mut self, until: Option<Instant>) {
        let may_read = |client: &Self| client.link.is_readable() && client.connection.wants_bytes();
        if !may_read(self) {
            self.wait(until);
        } else if self.connection.output_len() > 0 {
            self.poll(Some(Duration::ZERO)); // whether the stream takes more is not known otherwise
        }
        if may_read(self) {
            self.read();
        }
    }

    /// Waits for the stream, the interrupter, a timer, or until `until`.
    fn wait(&mut self, until: Option<Instant>) {
        let due = self.connection.poll_timeout().map(|at| Duration::from_millis(at.since(self.now())));
        let left = until.map(|until| until.saturating_duration_since(Instant::now()));
        self.poll(match (due, left) {
            (Some(due), Some(left)) => Some(due.min(left)),
            (due, left) => due.or(left),
        });
    }

    fn poll(&mut self, limit: Option<Duration>) {
        if let Err(error) = self.link.wait(limit) {
            self.lose(Some(error));
        }
    }

    /// Handles timers that are due. What the server has sent is read before: an answer that is here already is in
    /// time, however long nobody looked.
    fn handle_timers(&mut self) {
        let is_due = |client: &Self| client.connection.poll_timeout().is_some_and(|at| at <= client.now());
        if !is_due(self) {
            return;
        }
        self.poll(Some(Duration::ZERO));
        if self.link.is_readable() && self.connection.wants_bytes() {
            self.read();
        }
        let now = self.now();
        self.connection.handle_timeout(now);
    }

    /// Writes what the stream takes; closes it behind the last byte of a connection that is over.
    fn write(&mut self) {
        self.write_some();
        if self.connection.is_closing() && self.connection.output_len() == 0 {
            self.lose(None);
        }
    }

    fn write_some(&mut self) {
        while self.connection.output_len() > 0 {
            match self.link.write(self.connection.output()) {
                Ok(0) => return,
                Ok(n) => {
                    let now = self.now();
                    self.connection.transmitted(now, n);
                }
                Err(error) => return self.lose_after_reading(error),
            }
        }
    }

    fn read(&mut self) {
        match self.link.read(&mut self.scratch) {
            Ok(None) => {}
            Ok(Some(0)) => self.lose(None),
            Ok(Some(n)) => {
                self.heard = true;
                let now = self.now();
                self.connection.handle_bytes(now, &self.scratch[..n]);
            }
            Err(error) => self.lose(Some(error)),
        }
    }

    /// A write failed: what the server said before it closed is worth more than the failure.
    fn lose_after_reading(&mut self, error: io::Error) {
        while let Ok(Some(n @ 1..)) = self.link.read(&mut self.scratch) {
            let now = self.now();
            self.connection.handle_bytes(now, &self.scratch[..n]);
        }
        self.lose(Some(error));
    }

    fn lose(&mut self, error: Option<io::Error>) {
        self.fault = error.or(self.fault.take());
        self.link.close();
        self.connection.handle_close();
    }
}

/// The moment after `limit`; none if no clock goes that far.
fn after(limit: Duration) -> Option<Instant> {
    Instant::now().checked_add(limit)
}

fn is_over(until: Option<Instant>) -> bool {
    until.is_some_and(|until| until <= Instant::now())
}
