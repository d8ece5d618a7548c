//! [`AsyncClient`]: the same client on tokio. It spawns no task: [`AsyncClient::next`] does all the work, and may be
//! dropped at any await, so that it goes with `select!`.

use crate::async_socket::AsyncSocket;
use crate::fault::ConnectFault;
use martlet_codec::{FiltersBuf, Properties, QoSLevel, ReasonCode, TopicFiltersBuf};
use martlet_net::{Endpoint, Fault, Stream};
use martlet_protocol::client::{ConnectOptions, Connection, Event, Refused, Token, Welcome};
use martlet_protocol::{Message, Time};
use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::time::Duration;
use tokio::io::Interest;
use tokio::time::{Instant, sleep_until, timeout};

/// Bytes read at once.
const READ_LEN: usize = 64 * 1024;

/// At most this many pieces go into one write.
const PIECES_MAX: usize = 16;

/// A client with its connection, for tokio.
#[derive(Debug)]
pub struct AsyncClient {
    connection: Connection,
    stream: Option<AsyncSocket>,
    origin: Instant,
    scratch: Box<[u8]>,
    /// Events that came before the connection was there.
    held: VecDeque<Event>,
    /// Whether the server has said anything on this stream.
    heard: bool,
    /// What the system said when the stream was lost.
    fault: Option<io::Error>,
}

impl AsyncClient {
    /// A client without a connection.
    ///
    /// # Errors
    /// Options that no CONNECT can express.
    pub fn new(options: ConnectOptions) -> Result<Self, ConnectFault> {
        Ok(AsyncClient {
            connection: Connection::new(options).map_err(ConnectFault::Options)?,
            stream: None,
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
    pub async fn connect(
        endpoint: &Endpoint,
        options: ConnectOptions,
        limit: Duration,
    ) -> Result<(Self, Box<Welcome>), ConnectFault> {
        let mut client = Self::new(options)?;
        let welcome = client.reconnect(endpoint, limit).await?;
        Ok((client, welcome))
    }

    /// A new connection for the session of the last one, which has ended: its last event was taken. After a fault,
    /// or when the future was dropped, it may be called again. A `limit` of zero times out.
    ///
    /// # Errors
    /// As [`Self::connect`].
    pub async fn reconnect(
        &mut self,
        endpoint: &Endpoint,
        limit: Duration,
    ) -> Result<Box<Welcome>, ConnectFault> {
        if limit.is_zero() {
            return Err(ConnectFault::TimedOut); // the system takes no such limit
        }
        if !self.connection.is_connected() && !self.connection.is_closing() {
            self.give_up(); // what a dropped future began
        }
        let begun = Instant::now();
        self.stream = Some(open(endpoint.clone(), limit).await.map_err(ConnectFault::Stream)?);
        (self.fault, self.heard) = (None, false);
        self.connection.connect(self.now());
        let outcome = timeout(limit.saturating_sub(begun.elapsed()), self.outcome()).await;
        let outcome = outcome.unwrap_or(Err(ConnectFault::TimedOut));
        if outcome.as_ref().is_err_and(ConnectFault::leaves_stream_open) {
            self.give_up();
        }
        outcome.map_err(|fault| fault.explain(self.heard))
    }

    /// What becomes of a connection that is being made. Other events stay, also when this is dropped.
    async fn outcome(&mut self) -> Result<Box<Welcome>, ConnectFault> {
        loop {
            let Some(event) = self.next_of_connection().await else { return Err(ConnectFault::TimedOut) };
            match ConnectFault::outcome(event) {
                Ok(outcome) => return outcome,
                Err(event) => self.held.push_back(event),
            }
        }
    }

    /// Closes a stream on which no connection came about; its end is not reported.
    fn give_up(&mut self) {
        self.lose(None);
        let events = std::iter::from_fn(|| self.connection.poll_event());
        self.held.extend(events.filter(|event| !matches!(event, Event::Disconnected(_))));
    }

    /// The next event; `None` when there is no connection and no event is left. Everything that the protocol asks
    /// for, such as acknowledgements and keep-alive, is done while this is awaited. Dropping the future loses
    /// nothing.
    pub async fn next(&mut self) -> Option<Event> {
        match self.held.pop_front() {
            None => self.next_of_connection().await,
            held => held,
        }
    }

    async fn next_of_connection(&mut self) -> Option<Event> {
        loop {
            self.handle_timers();
            self.write();
            if let Some(event) = self.connection.poll_event() {
                return Some(event);
            }
            self.stream.as_ref()?;
            self.turn().await;
        }
    }

    /// Waits until all that waits to be written is written, or the connection is lost.
    pub async fn flush(&mut self) {
        self.write();
        while self.connection.output_len() > 0 && self.stream.is_some() {
            self.turn().await;
            self.handle_timers();
            self.write();
        }
    }

    /// Publishes: [`Connection::publish`] says what comes of it.
    ///
    /// # Errors
    /// As [`Connection::publish`].
    pub fn publish(&mut self, message: &Message<'_>, qos: QoSLevel, retain: bool) -> Result<Token, Refused> {
        let now = self.now();
        let token = self.connection.publish(now, message, qos, retain);
        self.write();
        token
    }
    /// Subscribes: [`Connection::subscribe`] says what comes of it.
    ///
    /// # Errors
    /// As [`Connection::subscribe`].
    pub fn subscribe(&mut self, filters: &FiltersBuf, properties: Properties<'_>) -> Result<Token, Refused> {
        let token = self.connection.subscribe(filters, properties);
        self.write();
        token
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
        let token = self.connection.unsubscribe(filters, properties);
        self.write();
        token
    }

    /// Ends the connection in order: DISCONNECT is written behind all that waits, and the server is given `limit`
    /// to take it and to close. Events that are left can still be taken.
    pub async fn disconnect(&mut self, reason: ReasonCode, session_expiry_s: Option<u32>, limit: Duration) {
        if self.connection.disconnect(reason, session_expiry_s).is_ok() {
            // Whether it went out in time is all the same: the stream is closed.
            let _ = timeout(limit, self.finish()).await;
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

    /// Writes all, says so, and reads until the server has closed: a stream that is closed with unread bytes is
    /// reset, and what the server has not read by then is lost.
    async fn finish(&mut self) {
        while self.connection.output_len() > 0 && self.stream.is_some() {
            self.write_some();
            if self.connection.output_len() > 0 {
                self.turn().await;
            }
        }
        let Some(stream) = &mut self.stream else { return };
        // Where the other side has closed already there is nothing to say.
        let _ = stream.finish().await;
        loop {
            match stream.try_read(&mut self.scratch) {
                Ok(1..) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if stream.ready(Interest::READABLE).await.is_err() {
                        return;
                    }
                }
                Ok(0) | Err(_) => return,
            }
        }
    }

    /// Waits for the stream or a timer, then reads and looks at the clock.
    async fn turn(&mut self) {
        let Some(stream) = &self.stream else { return };
        let reading = self.connection.wants_bytes();
        let interest = match (reading, self.connection.output_len()) {
            (true, 0) => Interest::READABLE,
            (true, _) => Interest::READABLE | Interest::WRITABLE,
            (false, _) => Interest::WRITABLE,
        };
        let due =
            self.connection.poll_timeout().map(|at| self.origin + Duration::from_millis(at.as_millis()));
        let far = Instant::now() + Duration::from_secs(86_400);
        tokio::select! {
            ready = stream.ready(interest) => {
                if let Err(error) = ready {
                    return self.lose(Some(error));
                }
            }
            () = sleep_until(due.unwrap_or(far)) => {}
        }
        if reading {
            self.read();
        }
    }

    /// Handles timers that are due. What the server has sent is read before: an answer that is here already is in
    /// time, however long nobody looked.
    fn handle_timers(&mut self) {
        if self.connection.poll_timeout().is_none_or(|at| at > self.now()) {
            return;
        }
        if self.connection.wants_bytes() {
            self.read();
        }
        let now = self.now();
        self.connection.handle_timeout(now);
    }

    fn write(&mut self) {
        self.write_some();
        if self.connection.is_closing() && self.connection.output_len() == 0 {
            self.lose(None);
        }
    }

    fn write_some(&mut self) {
        while let Some(stream) = self.stream.as_ref().filter(|_| self.connection.output_len() > 0) {
            let slices: Vec<IoSlice<'_>> =
                self.connection.output().take(PIECES_MAX).map(IoSlice::new).collect();
            match stream.try_write(&slices) {
                Ok(n) => {
                    let now = self.now();
                    self.connection.transmitted(now, n);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) => {
                    self.read(); // what the server said before it closed is worth more than the failure
                    return self.lose(Some(error));
                }
            }
        }
    }

    fn read(&mut self) {
        let Some(stream) = &self.stream else { return };
        match stream.try_read(&mut self.scratch) {
            Ok(0) => self.lose(None),
            Ok(n) => {
                self.heard = true;
                let now = self.now();
                self.connection.handle_bytes(now, &self.scratch[..n]);
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => self.lose(Some(error)),
        }
    }

    fn lose(&mut self, error: Option<io::Error>) {
        self.fault = error.or(self.fault.take());
        self.stream = None;
        self.connection.handle_close();
    }
}

/// Names and addresses are looked up, and tried, on a thread that may wait.
async fn open(endpoint: Endpoint, limit: Duration) -> Result<AsyncSocket, Fault> {
    let doing = format!("connect to {endpoint}");
    let opened = tokio::task::spawn_blocking(move || Stream::connect(&endpoint, limit)).await;
    let stream = opened.map_err(|e| Fault::io(doing.clone(), io::Error::other(e)))??;
    AsyncSocket::new(stream).map_err(|e| Fault::io(doing, e))
}
