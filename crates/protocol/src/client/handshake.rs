//! Between CONNECT and CONNACK: the server's answer, and the steps of an authentication (3.2, 4.12).

use super::connected::Connected;
use super::event::{Event, ServerLimits, Welcome};
use super::{Connection, Refused};
use crate::session::NEVER_EXPIRES;
use crate::violation::{Fatal, Violation};
use crate::{PeerLimits, Time, exchange, server};
use alloc::boxed::Box;
use martlet_codec::{
    Auth, ConnAck, Packet, Properties, PropertiesBuf, Property, ReasonCode, Version, check_binary,
};

impl Connection {
    /// The first packet is CONNACK, or AUTH if CONNECT named a method. [MQTT-3.2.0-1] [MQTT-3.1.2-30]
    pub(super) fn handle_handshake(
        &mut self,
        now: Time,
        packet: &Packet<'_>,
        clean_start: bool,
    ) -> Result<(), Fatal> {
        match packet {
            Packet::ConnAck(connack) if connack.reason.is_failure() => {
                self.handle_refusal(connack); // [MQTT-4.13.2-1]
                Ok(())
            }
            Packet::ConnAck(connack) => self.handle_connack(now, connack, clean_start),
            Packet::Auth(auth) if auth.reason == ReasonCode::ContinueAuthentication => {
                let data = server::auth_data(auth, self.method())?;
                self.events.push_back(Event::Challenge(data));
                Ok(())
            }
            Packet::Auth(_) => Err(Violation::AuthReason.into()),
            other => Err(Violation::TooEarly(other.kind()).into()),
        }
    }

    fn handle_refusal(&mut self, connack: &ConnAck<'_>) {
        let text = connack.properties.reason_string().map(Into::into);
        let server_reference = server_reference(connack.properties);
        self.close_with(Event::Refused { reason: connack.reason, text, server_reference });
    }

    fn handle_connack(&mut self, now: Time, connack: &ConnAck<'_>, clean_start: bool) -> Result<(), Fatal> {
        let version = self.options.version;
        // 3.1 cannot say whether a session is present: the client's own memory has to do.
        let present = connack.session_present || (version == Version::V31 && self.has_session);
        let expected = self.has_session || self.options.session_kept || !version.is_v5();
        if present && (clean_start || !expected) {
            return Err(Violation::SessionPresentUnexpected.into()); // [MQTT-3.2.2-4]
        }
        let welcome = self.welcome(present, connack.properties)?;
        self.session.client_id.clone_from(&welcome.client_id);
        self.options.client_id.clone_from(&welcome.client_id);
        self.session.expiry_s = welcome.session_expiry_s;
        let connected = Connected::new(now, &self.options, welcome.server, welcome.keep_alive_s);
        self.events.push_back(Event::Connected(Box::new(welcome)));
        self.state = super::State::Connected(connected);
        if present {
            self.session.incoming.resume();
            self.session.outgoing.resume();
            let owed = exchange::owed_again(&self.session.outgoing);
            owed.for_each(|owed| owed.write(version, &mut self.output));
        } else {
            self.discard_session();
        }
        self.has_session = self.session.expiry_s > 0; // [MQTT-3.1.2-23]
        Ok(())
    }

    /// CONNACK in the application's terms: what the server does not say is as CONNECT asked.
    fn welcome(&self, session_present: bool, properties: Properties<'_>) -> Result<Welcome, Violation> {
        let asked_s = match (self.options.version, self.options.clean_start) {
            (Version::V5, _) => self.options.session_expiry_s,
            (_, true) => 0, // [3.1.1 MQTT-3.1.2-6]
            (_, false) => NEVER_EXPIRES,
        };
        let mut welcome = Welcome {
            session_present,
            client_id: self.options.client_id.clone(),
            keep_alive_s: self.options.keep_alive_s,
            session_expiry_s: asked_s,
            server: ServerLimits::from_properties(properties),
            properties: PropertiesBuf::from_checked(properties),
        };
        for property in properties.iter() {
            match property {
                Property::AssignedClientIdentifier(id) => welcome.client_id = id.into(),
                Property::ServerKeepAlive(s) => welcome.keep_alive_s = s, // [MQTT-3.2.2-21] [MQTT-3.1.2-21]
                Property::SessionExpiryInterval(s) => welcome.session_expiry_s = s,
                Property::AuthenticationMethod(method) if self.method() != Some(method) => {
                    return Err(Violation::AuthMethodChanged); // [MQTT-4.12.0-5]
                }
                _ => {}
            }
        }
        Ok(welcome)
    }

    /// Answers [`Event::Challenge`] with AUTH 0x18. [MQTT-4.12.0-3]
    ///
    /// # Errors
    /// [`Refused::NotConnected`], [`Refused::NotInThisVersion`] if CONNECT named no method,
    /// [`Refused::Malformed`] for more than 65,535 bytes.
    pub fn authenticate(&mut self, data: &[u8]) -> Result<(), Refused> {
        self.write_auth(ReasonCode::ContinueAuthentication, data)
    }

    /// Starts a re-authentication: AUTH 0x19. [MQTT-4.12.1-1]
    ///
    /// # Errors
    /// As [`Self::authenticate`].
    pub fn reauthenticate(&mut self, data: &[u8]) -> Result<(), Refused> {
        if !self.is_connected() {
            return Err(Refused::NotConnected);
        }
        self.write_auth(ReasonCode::ReAuthenticate, data)
    }

    fn write_auth(&mut self, reason: ReasonCode, data: &[u8]) -> Result<(), Refused> {
        let peer = match &self.state {
            super::State::AwaitConnAck { .. } => PeerLimits::default(),
            super::State::Connected(connected) => connected.server.peer,
            _ => return Err(Refused::NotConnected),
        };
        check_binary(data)?;
        let method = self.method().ok_or(Refused::NotInThisVersion)?; // [MQTT-4.12.0-7]
        let mut properties = PropertiesBuf::new();
        properties.push(Property::AuthenticationMethod(method)); // [MQTT-4.12.0-5]
        properties.push(Property::AuthenticationData(data));
        let auth = Packet::Auth(Auth { reason, properties: properties.as_properties() });
        if auth.encoded_len(Version::V5) > peer.maximum_packet_size as usize {
            return Err(Refused::TooLarge); // [MQTT-3.2.2-15]
        }
        auth.encode(Version::V5, self.output.buffer());
        Ok(())
    }

    pub(super) fn method(&self) -> Option<&str> {
        let authentication = self.options.authentication.as_ref();
        authentication.filter(|_| self.options.version.is_v5()).map(|authentication| &*authentication.method)
    }
}

/// Where else the server says to go.
pub(super) fn server_reference(properties: Properties<'_>) -> Option<Box<str>> {
    properties.iter().find_map(|property| match property {
        Property::ServerReference(name) => Some(name.into()),
        _ => None,
    })
}
