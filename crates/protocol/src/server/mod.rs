//! The server's half of a Network Connection: whole frames in, answers into an [`Output`], and what the broker
//! must decide as an [`Event`].
//!
//! Its life is a line of phases. The caller looks at [`Connection::phase`] and calls
//!
//! 1. [`Connection::handle_connect`] with the first frame, then, now or after asking an authenticator,
//!    [`Connection::accept`], [`Connection::challenge`] or [`Connection::refuse`];
//! 2. [`Connection::handle_auth`] with a frame that comes between a challenge and its outcome;
//! 3. [`Connection::handle_frame`] with every frame from then on, and [`Connection::send_next`] whenever there is
//!    room for queued messages: after a frame, and after output was written;
//! 4. [`Connection::end`] after any error, or when the broker wants it closed.
//!
//! A deadline is kept for the caller's timer: [`Connection::deadline`]. Nothing here reads a clock, touches a
//! socket, finds a session or routes a message.

mod connected;
mod greeting;
mod sending;

pub use connected::Event;
pub use greeting::{Accepted, Authentication, Greeting, WillRequest};
pub use sending::Step;

use crate::limits::{Limits, PeerLimits};
use crate::output::Output;
use crate::publications::Publications;
use crate::session::Session;
use crate::violation::{Fatal, Violation};
use crate::{Time, answer};
use alloc::boxed::Box;
use alloc::string::ToString;
use connected::Connected;
use martlet_codec::{Auth, ConnAck, Frame, Packet, PacketType, Properties, PropertiesBuf, Property};
use martlet_codec::{ReasonCode, Version};

/// What a connection works on besides itself.
#[derive(Debug)]
pub struct Link<'a> {
    /// The client's session.
    pub session: &'a mut Session,
    /// Where messages are stored.
    pub publications: &'a mut Publications,
    /// Where answers go.
    pub output: &'a mut Output,
}

/// Where a connection stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// No CONNECT yet.
    AwaitConnect,
    /// CONNECT came; the broker is deciding. No frame may be handled.
    Deciding,
    /// The client was sent a challenge and owes AUTH.
    Challenged,
    /// CONNACK with success was sent.
    Connected,
    /// Over: whatever comes is ignored.
    Closing,
}

#[derive(Debug)]
enum State {
    AwaitConnect {
        deadline: Time,
        /// Set by a CONNECT, good or bad.
        answer: Option<Answer>,
    },
    Deciding(Box<Deciding>),
    Connected(Connected),
    Closing,
}

/// In which form a refusal is readable, and how long it may be.
#[derive(Clone, Copy, Debug)]
struct Answer {
    version: Version,
    peer: PeerLimits,
}

/// Between CONNECT and CONNACK.
#[derive(Debug)]
struct Deciding {
    version: Version,
    peer: PeerLimits,
    deadline: Time,
    method: Option<Box<str>>,
    challenged: bool,
}

/// Which deadline passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timeout {
    /// No CONNECT, or no outcome of an authentication, in time.
    Connect,
    /// Silence for 1.5 times the keep-alive. [MQTT-3.1.2-22]
    KeepAlive,
}

/// The server's half of a Network Connection.
#[derive(Debug)]
pub struct Connection {
    state: State,
}

impl Connection {
    /// A connection whose socket was accepted at `opened_at`.
    pub fn new(opened_at: Time, limits: &Limits) -> Self {
        let deadline = opened_at.saturating_add(limits.connect_timeout_ms);
        Connection { state: State::AwaitConnect { deadline, answer: None } }
    }

    /// Where the connection stands.
    pub fn phase(&self) -> Phase {
        match &self.state {
            State::AwaitConnect { .. } => Phase::AwaitConnect,
            State::Deciding(deciding) if deciding.challenged => Phase::Challenged,
            State::Deciding(_) => Phase::Deciding,
            State::Connected(_) => Phase::Connected,
            State::Closing => Phase::Closing,
        }
    }

    /// When [`Self::timed_out`] will say yes; [`Time::NEVER`] if nothing is waited for.
    pub fn deadline(&self) -> Time {
        match &self.state {
            State::AwaitConnect { deadline, .. } => *deadline,
            State::Deciding(deciding) => deciding.deadline,
            State::Connected(connected) => connected.keep_alive.deadline(),
            State::Closing => Time::NEVER,
        }
    }

    /// The deadline that has passed, if one has.
    pub fn timed_out(&self, now: Time) -> Option<Timeout> {
        let which = if self.phase() == Phase::Connected { Timeout::KeepAlive } else { Timeout::Connect };
        (self.deadline() <= now).then_some(which)
    }

    /// The first frame must be a CONNECT. [MQTT-3.1.0-1] [MQTT-3.1.4-1] [3.1.1 MQTT-3.1.0-1]
    pub fn handle_connect(&mut self, frame: Frame<'_>, limits: &Limits) -> Result<Box<Greeting>, Fatal> {
        let State::AwaitConnect { deadline, answer } = &mut self.state else {
            unreachable!("the caller looks at the phase first")
        };
        let deadline = *deadline;
        match PacketType::try_from(frame.first >> 4)? {
            PacketType::Connect => {}
            other => return Err(Violation::FirstPacketNotConnect(other).into()),
        }
        *answer = greeting::answer_version(frame.body)
            .map(|version| Answer { version, peer: greeting::answer_limits(version, frame.body) });
        let packet = Packet::decode(frame, Version::V5)?; // CONNECT says its own version
        let Packet::Connect(connect) = packet else {
            return Err(Violation::FirstPacketNotConnect(packet.kind()).into());
        };
        let greeting = Greeting::new(&connect, limits)?;
        let (version, peer) = (greeting.version, greeting.peer);
        let method = greeting.authentication.as_ref().map(|auth| auth.method.clone());
        self.state =
            State::Deciding(Box::new(Deciding { version, peer, deadline, method, challenged: false }));
        Ok(Box::new(greeting))
    }

    /// The client is in: CONNACK with success. What an unfinished session owes the client comes next:
    /// [`Connection::owed_again`].
    /// [MQTT-3.1.4-5] [MQTT-3.2.0-1] [3.1.1 MQTT-3.1.4-4] [3.1.1 MQTT-3.2.0-1]
    pub fn accept(
        &mut self,
        now: Time,
        greeting: &Greeting,
        accepted: &Accepted,
        limits: &Limits,
        link: &mut Link<'_>,
    ) {
        if !greeting::write_connack(greeting, accepted, limits, link.output) {
            self.state = State::Closing;
            return;
        }
        let connected = Connected::new(now, greeting, accepted.keep_alive_s, limits);
        if accepted.session_present {
            link.session.incoming.resume();
            link.session.outgoing.resume();
        }
        self.state = State::Connected(connected);
    }

    /// AUTH 0x18: the authentication needs another step. [MQTT-4.12.0-2]
    pub fn challenge(&mut self, data: &[u8], output: &mut Output) {
        let (method, peer) = match &mut self.state {
            State::Deciding(deciding) => {
                deciding.challenged = true;
                (deciding.method.as_deref(), &deciding.peer)
            }
            State::Connected(connected) => (connected.method.as_deref(), connected.transmitter.peer()),
            State::AwaitConnect { .. } | State::Closing => return,
        };
        write_auth(ReasonCode::ContinueAuthentication, method, Some(data), peer, output);
    }

    /// Re-authentication succeeded: AUTH 0x00. (4.12.1)
    pub fn reauthenticated(&mut self, data: Option<&[u8]>, output: &mut Output) {
        if let State::Connected(connected) = &mut self.state {
            connected.reauthenticating = false;
            write_auth(
                ReasonCode::Success,
                connected.method.as_deref(),
                data,
                connected.transmitter.peer(),
                output,
            );
        }
    }

    /// A frame after a challenge: AUTH with the same method, or DISCONNECT, as [`Event::Authenticate`] or
    /// [`Event::Disconnect`]. [MQTT-3.1.2-30]
    pub fn handle_auth(&mut self, frame: Frame<'_>) -> Result<Event<'static>, Fatal> {
        let State::Deciding(deciding) = &mut self.state else {
            unreachable!("the caller looks at the phase first")
        };
        match Packet::decode(frame, deciding.version)? {
            Packet::Auth(auth) if auth.reason == ReasonCode::ContinueAuthentication => {
                deciding.challenged = false;
                auth_data(&auth, deciding.method.as_deref()).map(Event::Authenticate)
            }
            Packet::Auth(_) => Err(Violation::AuthReason.into()),
            Packet::Disconnect(disconnect) => {
                Ok(Event::Disconnect { reason: disconnect.reason, session_expiry_s: None })
            }
            other => Err(Violation::TooEarly(other.kind()).into()),
        }
    }

    /// CONNACK with a reason of 0x80 or more; nothing is handled any more. [MQTT-3.2.2-7] [MQTT-3.1.4-6]
    /// [3.1.1 MQTT-3.1.4-5] [3.1.1 MQTT-3.2.2-5]
    pub fn refuse(&mut self, reason: ReasonCode, text: Option<&str>, output: &mut Output) {
        self.refuse_in(self.answer(), reason, text, output);
    }

    fn refuse_in(
        &mut self,
        answer: Option<Answer>,
        reason: ReasonCode,
        text: Option<&str>,
        output: &mut Output,
    ) {
        if let Some(Answer { version, peer }) = answer {
            write_refusal(version, reason, text, &peer, output);
        }
        self.state = State::Closing;
    }

    fn answer(&self) -> Option<Answer> {
        match &self.state {
            State::AwaitConnect { answer, .. } => *answer,
            State::Deciding(deciding) => Some(Answer { version: deciding.version, peer: deciding.peer }),
            State::Connected(_) | State::Closing => None,
        }
    }

    /// The connection ends because of this. In 5.0 the client is told why, by CONNACK or DISCONNECT; in 3.x it is
    /// told by CONNACK where there is a return code for it. [MQTT-4.13.1-1] [MQTT-3.14.0-1]
    pub fn fail(&mut self, fatal: Fatal, output: &mut Output) {
        let text = fatal.to_string();
        match &self.state {
            State::AwaitConnect { .. } | State::Deciding(_) => {
                let form = match fatal {
                    Fatal::Malformed(malformed) => malformed.answer_version(),
                    Fatal::Violation(_) => None,
                };
                let of_connect = self.answer();
                let peer = of_connect.map_or(PeerLimits::default(), |answer| answer.peer);
                let version = form.or(of_connect.map(|answer| answer.version));
                // 3.x has no return code for what is malformed: it is closed without one. [3.1.1 MQTT-3.1.4-1] [3.1.1 MQTT-3.2.2-6]
                let has_code = form.is_some() || is_about_identity(fatal.reason());
                let version = version.filter(|version| version.is_v5() || has_code);
                let answer = version.map(|version| Answer { version, peer });
                self.refuse_in(answer, fatal.reason(), Some(&text), output);
            }
            State::Connected(_) | State::Closing => self.end(fatal.reason(), Some(&text), output),
        }
    }

    /// The broker ends the connection: DISCONNECT with this reason in 5.0, nothing in 3.x; before CONNACK, a refusal.
    pub fn end(&mut self, reason: ReasonCode, text: Option<&str>, output: &mut Output) {
        match &self.state {
            State::AwaitConnect { .. } | State::Deciding(_) => return self.refuse(reason, text, output),
            State::Connected(connected) if connected.transmitter.version().is_v5() => {
                let peer = connected.transmitter.peer();
                let text = text.filter(|_| peer.problem_information || reason.is_failure()); // DISCONNECT may carry it: [MQTT-3.1.2-29]
                answer::disconnect(reason, text, peer, output);
            }
            State::Connected(_) | State::Closing => {}
        }
        self.state = State::Closing; // [MQTT-3.14.4-1]
    }

    /// The stream is gone, or the client said DISCONNECT: nothing more is written or handled.
    pub fn close(&mut self) {
        self.state = State::Closing;
    }

    /// The Authentication Method that CONNECT named.
    pub fn method(&self) -> Option<&str> {
        match &self.state {
            State::Deciding(deciding) => deciding.method.as_deref(),
            State::Connected(connected) => connected.method.as_deref(),
            State::AwaitConnect { .. } | State::Closing => None,
        }
    }

    fn connected(&self) -> &Connected {
        match &self.state {
            State::Connected(connected) => connected,
            _ => unreachable!("the caller looks at the phase first"),
        }
    }
    fn connected_mut(&mut self) -> &mut Connected {
        match &mut self.state {
            State::Connected(connected) => connected,
            _ => unreachable!("the caller looks at the phase first"),
        }
    }
}

/// Reasons that the return codes 0x02 and 0x04 of 3.x tell.
fn is_about_identity(reason: ReasonCode) -> bool {
    matches!(reason, ReasonCode::ClientIdentifierNotValid | ReasonCode::BadUserNameOrPassword)
}

/// The Authentication Data of an AUTH, which must name the method of CONNECT. [MQTT-4.12.0-5]
pub(crate) fn auth_data(auth: &Auth<'_>, method: Option<&str>) -> Result<Option<Box<[u8]>>, Fatal> {
    let mut data = None;
    let mut named = None;
    for property in auth.properties.iter() {
        match property {
            Property::AuthenticationMethod(name) => named = Some(name),
            Property::AuthenticationData(bytes) => data = Some(bytes.into()),
            _ => {}
        }
    }
    if method.is_none() {
        return Err(Violation::AuthWithoutMethod.into()); // [MQTT-4.12.0-7]
    }
    if named != method {
        return Err(Violation::AuthMethodChanged.into());
    }
    Ok(data)
}

fn write_auth(
    reason: ReasonCode,
    method: Option<&str>,
    data: Option<&[u8]>,
    peer: &PeerLimits,
    output: &mut Output,
) {
    let mut properties = PropertiesBuf::new();
    if let Some(method) = method {
        properties.push(Property::AuthenticationMethod(method));
    }
    if let Some(data) = data {
        properties.push(Property::AuthenticationData(data));
    }
    let auth = Packet::Auth(Auth { reason, properties: properties.as_properties() });
    answer::encode_within(&[auth], peer, output);
}

fn write_refusal(
    version: Version,
    reason: ReasonCode,
    text: Option<&str>,
    peer: &PeerLimits,
    output: &mut Output,
) {
    let bare = ConnAck { session_present: false, reason, properties: Properties::NONE }; // [MQTT-3.2.2-6] [3.1.1 MQTT-3.2.2-4]
    if !version.is_v5() {
        return Packet::ConnAck(bare).encode(version, output.buffer());
    }
    let mut properties = PropertiesBuf::new();
    if let Some(text) = text {
        properties.push(Property::ReasonString(text));
    }
    let full = ConnAck { properties: properties.as_properties(), ..bare };
    answer::encode_within(&[Packet::ConnAck(full), Packet::ConnAck(bare)], peer, output); // [MQTT-3.2.2-19]
}
