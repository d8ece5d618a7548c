//! Every type that a public signature of this crate names can be named by who uses it.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use martlet_client::{
    Authentication, BadUrl, Client, ConnectFault, ConnectOptions, Connection, End, Endpoint, Event, Fatal,
    Filters, FiltersBuf, FiltersIter, Interrupter, Limits, Malformed, Message, Next, OtherProtocol, PacketId,
    PacketType, Parts, PeerLimits, Place, Properties, PropertiesBuf, PropertiesIter, ProtocolName,
    Publication, QoS, Received, Refused, Scheme, ServerLimits, Share, Subscription, SubscriptionIds, Time,
    Token, TopicFilter, TopicFilters, TopicFiltersBuf, TopicFiltersIter, TopicName, Url, Version, Violation,
    Welcome, WillRequest,
};

/// What a program of some size stores and hands around.
#[allow(dead_code, reason = "the types are the test")]
struct Program<'a> {
    connection: &'a Connection,
    limits: (Limits, PeerLimits, ServerLimits),
    last: Option<(Received, Publication, SubscriptionIds, QoS, PacketId)>,
    wills: Option<(WillRequest, Authentication)>,
    welcome: Option<Box<Welcome>>,
    ended: Option<(End, Fatal, Violation, OtherProtocol, Malformed, PacketType)>,
    asked: Option<(Token, Refused, Time)>,
    filters: (FiltersBuf, TopicFiltersBuf, PropertiesBuf),
    views: Option<(Filters<'a>, TopicFilters<'a>, Properties<'a>, Parts<'a>, Message<'a>, Subscription<'a>)>,
    names: Option<(TopicName<'a>, TopicFilter<'a>, Share<'a>, Place, Version, ProtocolName)>,
    iterators: Option<(FiltersIter<'a>, TopicFiltersIter<'a>, PropertiesIter<'a>)>,
    endpoint: Option<(Endpoint, Url, Scheme, BadUrl)>,
    next: Option<(Next, Event, Interrupter, ConnectFault)>,
}

#[test]
fn a_program_can_name_what_it_keeps() {
    let client = Client::new(ConnectOptions::new(Version::V5, "c")).unwrap();
    let connection: &Connection = client.connection();
    let limits: Option<&ServerLimits> = connection.server_limits();
    assert!(limits.is_none());
}
