//! Every type that a public signature of this crate has in it, and every type that those have in theirs, can be named
//! by way of this crate alone.
#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen is")]

use martlet_client::*;
use std::any::type_name;

/// Where the answers of a client come from, with the type of each written out.
#[expect(dead_code, reason = "it compiles, which is the test")]
fn a_program_that_names_what_it_is_given(client: &mut Client, received: &Received, welcome: &Welcome) {
    let connection: &Connection = client.connection();
    let server: Option<&ServerLimits> = connection.server_limits();
    let peer: Option<PeerLimits> = server.map(|server| server.peer);
    let publication: &Publication = &received.publication;
    let message: Message<'_> = publication.message();
    let parts: Parts<'_> = message.parts();
    let properties: Properties<'_> = welcome.properties.as_properties();
    let each: PropertiesIter<'_> = properties.iter();
    let ids: &SubscriptionIds = &received.subscription_ids;
    let interrupter: Interrupter = client.interrupter();
    let now: Time = client.now();
    drop((peer, parts.payload, each, ids, interrupter, now));
}

#[expect(dead_code, reason = "it compiles, which is the test")]
fn a_program_that_tells_faults_apart(fault: &ConnectFault) -> Option<ReasonCode> {
    match fault {
        ConnectFault::Options(Fatal::Violation(violation)) => Some(Violation::reason(*violation)),
        ConnectFault::Options(Fatal::Malformed(malformed)) => Some(Malformed::reason(*malformed)),
        ConnectFault::Stream(Fault { kind: FaultKind::NameLookup, .. }) => None,
        ConnectFault::Refused { reason, .. } => Some(*reason),
        ConnectFault::Ended(End::Server { reason, .. }) => Some(*reason),
        _ => None,
    }
}

#[test]
fn every_type_of_a_signature_has_a_name_here() {
    macro_rules! names {
        ($($name:ident: $type:ty),* $(,)?) => {
            [$((stringify!($name), type_name::<$type>())),*]
        };
    }
    let names = names![
        Address: Address, Authentication: Authentication, BadUrl: BadUrl, Client: Client,
        ConnectFault: ConnectFault, ConnectOptions: ConnectOptions, Connection: Connection, End: End,
        Endpoint: Endpoint, Event: Event, Fatal: Fatal, Fault: Fault, FaultKind: FaultKind,
        Filters: Filters<'_>, FiltersBuf: FiltersBuf, FiltersIter: FiltersIter<'_>,
        Interrupter: Interrupter, Limits: Limits, Malformed: Malformed, Message: Message<'_>, Next: Next,
        OtherProtocol: OtherProtocol, PacketId: PacketId, PacketType: PacketType, Parts: Parts<'_>,
        PeerLimits: PeerLimits, Place: Place, Properties: Properties<'_>, PropertiesBuf: PropertiesBuf,
        PropertiesIter: PropertiesIter<'_>, Property: Property<'_>, ProtocolName: ProtocolName,
        Publication: Publication, QoS: QoS, QoSLevel: QoSLevel, ReasonCode: ReasonCode,
        Received: Received, Refused: Refused, RetainHandling: RetainHandling, Scheme: Scheme,
        ServerLimits: ServerLimits, Share: Share<'_>, Subscription: Subscription<'_>,
        SubscriptionIds: SubscriptionIds, SubscriptionOptions: SubscriptionOptions, Time: Time,
        Token: Token, TopicFilter: TopicFilter<'_>, TopicFilters: TopicFilters<'_>,
        TopicFiltersBuf: TopicFiltersBuf, TopicFiltersIter: TopicFiltersIter<'_>,
        TopicName: TopicName<'_>, Url: Url, Version: Version, Violation: Violation, Welcome: Welcome,
        WillRequest: WillRequest,
    ];
    for (name, full) in names {
        let own = full.split(['<', ' ']).next().unwrap().rsplit("::").next();
        assert_eq!(own, Some(name), "{full}");
    }
    assert_eq!((REQUESTS_MAX.min(1), NEVER_EXPIRES), (1, u32::MAX));
}
