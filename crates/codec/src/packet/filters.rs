//! The filter lists of SUBSCRIBE and UNSUBSCRIBE: checked views of the packet's bytes, and the buffers
//! to build them in.
use super::{Subscription, SubscriptionOptions};
use crate::error::{Malformed, Result};
use crate::topic::TopicFilter;
use crate::version::Version;
use crate::wire::{Reader, put_binary};
use alloc::vec::Vec;

/// The topic filters of a SUBSCRIBE with their options, in order. Lists are equal if what they iterate over is.
#[derive(Clone, Copy, Debug, Eq)]
pub struct Filters<'a> {
    bytes: &'a [u8],
    count: usize,
    /// Which bits of the options this version has; the others read as 0.
    mask: u8,
}

impl<'a> Filters<'a> {
    pub(super) fn decode(r: &mut Reader<'a>, version: Version) -> Result<Self> {
        let (bytes, mut count) = (r.rest(), 0);
        let mut r = Reader::new(bytes);
        while !r.is_empty() {
            Subscription::decode(&mut r, version)?;
            count += 1;
        }
        let mask = SubscriptionOptions::mask(version);
        if count == 0 { Err(Malformed::SubscribeEmpty) } else { Ok(Filters { bytes, count, mask }) } // [MQTT-3.8.3-2]
    }

    /// The subscriptions in order.
    pub const fn iter(self) -> FiltersIter<'a> {
        FiltersIter { r: Reader::new(self.bytes), mask: self.mask }
    }

    /// How many there are; a decoded packet has at least one.
    pub const fn len(self) -> usize {
        self.count
    }

    /// Whether there is none.
    pub const fn is_empty(self) -> bool {
        self.count == 0
    }

    pub(super) const fn as_bytes(self) -> &'a [u8] {
        self.bytes
    }

    pub(super) fn encode(self, version: Version, out: &mut Vec<u8>) {
        let mask = SubscriptionOptions::mask(version);
        for Subscription { filter, options } in self {
            put_binary(out, filter.as_str().as_bytes());
            out.push(options.as_byte() & mask);
        }
    }
}

impl PartialEq for Filters<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl<'a> IntoIterator for Filters<'a> {
    type Item = Subscription<'a>;
    type IntoIter = FiltersIter<'a>;

    fn into_iter(self) -> FiltersIter<'a> {
        self.iter()
    }
}

/// The subscriptions of a SUBSCRIBE, one after the other.
#[derive(Clone, Debug)]
pub struct FiltersIter<'a> {
    r: Reader<'a>,
    mask: u8,
}

impl<'a> Iterator for FiltersIter<'a> {
    type Item = Subscription<'a>;

    fn next(&mut self) -> Option<Subscription<'a>> {
        let filter = TopicFilter::from_checked(self.r.string().ok()?);
        let options = SubscriptionOptions::from_byte(self.r.u8().ok()? & self.mask, Version::V5).ok()?;
        Some(Subscription { filter, options })
    }
}

/// Subscriptions under construction, reusable.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FiltersBuf {
    bytes: Vec<u8>,
    count: usize,
}

impl FiltersBuf {
    /// An empty list; allocates nothing.
    pub const fn new() -> Self {
        FiltersBuf { bytes: Vec::new(), count: 0 }
    }

    /// Appends a subscription. No Local on a shared one is the caller's mistake. [MQTT-3.8.3-4]
    pub fn push(&mut self, filter: TopicFilter<'_>, options: SubscriptionOptions) {
        debug_assert!(!(options.no_local && filter.share().is_some()), "No Local on {filter}");
        put_binary(&mut self.bytes, filter.as_str().as_bytes());
        self.bytes.push(options.as_byte());
        self.count += 1;
    }

    /// Removes all and keeps the memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.count = 0;
    }

    /// How many were pushed.
    pub const fn len(&self) -> usize {
        self.count
    }

    /// Whether nothing was pushed.
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The list as `version` can express it: before 5.0 the options are the QoS alone.
    pub fn as_filters(&self, version: Version) -> Filters<'_> {
        Filters { bytes: &self.bytes, count: self.count, mask: SubscriptionOptions::mask(version) }
    }
}

/// The topic filters of an UNSUBSCRIBE, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TopicFilters<'a> {
    bytes: &'a [u8],
    count: usize,
}

impl<'a> TopicFilters<'a> {
    pub(super) fn decode(r: &mut Reader<'a>) -> Result<Self> {
        let (bytes, mut count) = (r.rest(), 0);
        let mut r = Reader::new(bytes);
        while !r.is_empty() {
            TopicFilter::from_string(r.string()?)?; // [MQTT-3.10.3-1] [3.1.1 MQTT-3.10.3-1]
            count += 1;
        }
        if count == 0 { Err(Malformed::UnsubscribeEmpty) } else { Ok(TopicFilters { bytes, count }) } // [MQTT-3.10.3-2]
    }

    /// The filters in order.
    pub const fn iter(self) -> TopicFiltersIter<'a> {
        TopicFiltersIter(Reader::new(self.bytes))
    }

    /// How many there are; a decoded packet has at least one.
    pub const fn len(self) -> usize {
        self.count
    }

    /// Whether there is none.
    pub const fn is_empty(self) -> bool {
        self.count == 0
    }

    pub(super) const fn as_bytes(self) -> &'a [u8] {
        self.bytes
    }
}

impl<'a> IntoIterator for TopicFilters<'a> {
    type Item = TopicFilter<'a>;
    type IntoIter = TopicFiltersIter<'a>;

    fn into_iter(self) -> TopicFiltersIter<'a> {
        self.iter()
    }
}

/// The filters of an UNSUBSCRIBE, one after the other.
#[derive(Clone, Debug)]
pub struct TopicFiltersIter<'a>(Reader<'a>);

impl<'a> Iterator for TopicFiltersIter<'a> {
    type Item = TopicFilter<'a>;

    fn next(&mut self) -> Option<TopicFilter<'a>> {
        self.0.string().ok().map(TopicFilter::from_checked)
    }
}

/// Topic filters under construction, reusable.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TopicFiltersBuf {
    bytes: Vec<u8>,
    count: usize,
}

impl TopicFiltersBuf {
    /// An empty list; allocates nothing.
    pub const fn new() -> Self {
        TopicFiltersBuf { bytes: Vec::new(), count: 0 }
    }

    /// Appends a filter.
    pub fn push(&mut self, filter: TopicFilter<'_>) {
        put_binary(&mut self.bytes, filter.as_str().as_bytes());
        self.count += 1;
    }

    /// Removes all and keeps the memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.count = 0;
    }

    /// How many were pushed.
    pub const fn len(&self) -> usize {
        self.count
    }

    /// Whether nothing was pushed.
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The list as a view.
    pub fn as_filters(&self) -> TopicFilters<'_> {
        TopicFilters { bytes: &self.bytes, count: self.count }
    }
}
