//! The columns of tables 2-4 (properties) and 2-6 (reason codes): where a property or a reason code stands.

/// Where a property block or a reason code stands. The will has a property block of its own inside CONNECT.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "each variant is the packet of its name")]
#[rustfmt::skip]
pub enum Place {
    Connect, ConnAck, Publish, PubAck, PubRec, PubRel, PubComp,
    Subscribe, SubAck, Unsubscribe, UnsubAck, Disconnect, Auth, Will,
}

impl Place {
    /// One bit of a set of places.
    pub(crate) const fn bit(self) -> u16 {
        1 << self as u16
    }
}
