//! Table 2-4 of the specification, once: identifier, name, representation, places, rule. A property
//! block is checked when it is decoded and is a view of its bytes from then on: forwarding it is a
//! copy, and nothing is stored per property.
use crate::error::{Malformed, Result};
use crate::place::Place;
use crate::topic::TopicName;
use crate::wire::{MAXIMUM_VARINT, Reader, check_binary, check_string, put_binary, put_varint, varint_len};
use alloc::vec::Vec;

/// How each representation of section 1.5 is typed, read, checked, measured and written.
macro_rules! representation {
    (type Byte) => { u8 };
    (type Two) => { u16 };
    (type Four) => { u32 };
    (type Variable) => { u32 };
    (type Text) => { &'a str };
    (type Binary) => { &'a [u8] };
    (type Pair) => { (&'a str, &'a str) };
    (read Byte $r:ident) => { $r.u8() };
    (read Two $r:ident) => { $r.u16() };
    (read Four $r:ident) => { $r.u32() };
    (read Variable $r:ident) => { $r.varint() };
    (read Text $r:ident) => { $r.string() };
    (read Binary $r:ident) => { $r.binary() };
    (read Pair $r:ident) => { Ok(($r.string()?, $r.string()?)) }; // [MQTT-1.5.7-1]
    (check Text $v:ident) => { check_string($v) };
    (check Binary $v:ident) => { check_binary($v) };
    (check Pair $v:ident) => { check_string($v.0).and(check_string($v.1)) };
    (check $number:ident $v:ident) => { { let _ = $v; Ok(()) } };
    (len Byte $v:ident) => { { let _ = $v; 1 } };
    (len Two $v:ident) => { { let _ = $v; 2 } };
    (len Four $v:ident) => { { let _ = $v; 4 } };
    (len Variable $v:ident) => { varint_len($v) };
    (len Text $v:ident) => { 2 + $v.len() };
    (len Binary $v:ident) => { 2 + $v.len() };
    (len Pair $v:ident) => { 4 + $v.0.len() + $v.1.len() };
    (put Byte $v:ident $out:ident) => { $out.push($v) };
    (put Two $v:ident $out:ident) => { $out.extend_from_slice(&$v.to_be_bytes()) };
    (put Four $v:ident $out:ident) => { $out.extend_from_slice(&$v.to_be_bytes()) };
    (put Variable $v:ident $out:ident) => { put_varint($out, $v) };
    (put Text $v:ident $out:ident) => { put_binary($out, $v.as_bytes()) };
    (put Binary $v:ident $out:ident) => { put_binary($out, $v) };
    (put Pair $v:ident $out:ident) => {{ put_binary($out, $v.0.as_bytes()); put_binary($out, $v.1.as_bytes()) }};
}

/// The rules that values obey beyond their representation.
macro_rules! obeys {
    (flag $v:ident) => {
        $v <= 1
    };
    (nonzero $v:ident) => {
        $v != 0
    };
    (subscription $v:ident) => {
        matches!($v, 1..=MAXIMUM_VARINT)
    };
    (topic $v:ident) => {
        TopicName::from_string($v).is_ok()
    };
}

macro_rules! property_table {
    ($($id:literal $name:ident $kind:ident [$($once:ident)*] $([many $($many:ident)*])? $($rule:ident else $fault:ident)?;)*) => {
        /// One property with its value (section 2.2.2.2).
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Property<'a> {
            $(#[doc = concat!("Identifier `", stringify!($id), "`.")] $name(representation!(type $kind)),)*
        }

        impl<'a> Property<'a> {
            fn decode(r: &mut Reader<'a>) -> Result<Self> {
                match r.u8()? {
                    $($id => representation!(read $kind r).map(Property::$name),)*
                    _ => Err(Malformed::PropertyUnknown),
                }
            }
            fn check_rule(self) -> Result<()> {
                match self {
                    $(Property::$name(_v) => { $(if !obeys!($rule _v) { return Err(Malformed::$fault) })? })*
                }
                Ok(())
            }
            fn check_representation(self) -> Result<()> {
                match self { $(Property::$name(v) => representation!(check $kind v),)* }
            }
            /// Appends the identifier and the value.
            ///
            /// # Panics
            /// If a string or binary value is longer than 65,535 bytes: see [`Property::check`].
            pub fn encode(self, out: &mut Vec<u8>) {
                match self { $(Property::$name(v) => { out.push($id); representation!(put $kind v out) })* }
            }
            /// How many bytes [`Property::encode`] appends.
            pub const fn encoded_len(self) -> usize {
                1 + match self { $(Property::$name(v) => representation!(len $kind v),)* }
            }
            /// The identifier on the wire.
            pub const fn id(self) -> u8 {
                match self { $(Property::$name(_) => $id,)* }
            }
            /// The name, as in `ContentType`.
            pub const fn name(self) -> &'static str {
                match self { $(Property::$name(_) => stringify!($name),)* }
            }
            const fn places(self) -> u16 {
                match self { $(Property::$name(_) => 0 $(| Place::$once.bit())* $($(| Place::$many.bit())*)?,)* }
            }
            const fn repeatable_places(self) -> u16 {
                match self { $(Property::$name(_) => 0 $($(| Place::$many.bit())*)?,)* }
            }
        }
    };
}

#[rustfmt::skip]
property_table! {
    0x01 PayloadFormatIndicator          Byte     [Publish Will]               flag else PayloadFormatIndicatorInvalid;
    0x02 MessageExpiryInterval           Four     [Publish Will];
    0x03 ContentType                     Text     [Publish Will];                                           // [MQTT-3.3.2-19]
    0x08 ResponseTopic                   Text     [Publish Will]               topic else ResponseTopicInvalid; // [MQTT-3.3.2-13] [MQTT-3.3.2-14]
    0x09 CorrelationData                 Binary   [Publish Will];
    0x0b SubscriptionIdentifier          Variable [Subscribe] [many Publish]   subscription else SubscriptionIdentifierInvalid;
    0x11 SessionExpiryInterval           Four     [Connect ConnAck Disconnect];
    0x12 AssignedClientIdentifier        Text     [ConnAck];
    0x13 ServerKeepAlive                 Two      [ConnAck];
    0x15 AuthenticationMethod            Text     [Connect ConnAck Auth];
    0x16 AuthenticationData              Binary   [Connect ConnAck Auth];
    0x17 RequestProblemInformation       Byte     [Connect]                    flag else RequestProblemInformationInvalid;
    0x18 WillDelayInterval               Four     [Will];
    0x19 RequestResponseInformation      Byte     [Connect]                    flag else RequestResponseInformationInvalid;
    0x1a ResponseInformation             Text     [ConnAck];
    0x1c ServerReference                 Text     [ConnAck Disconnect];
    0x1f ReasonString                    Text     [ConnAck PubAck PubRec PubRel PubComp SubAck UnsubAck Disconnect Auth];
    0x21 ReceiveMaximum                  Two      [Connect ConnAck]            nonzero else ReceiveMaximumZero;
    0x22 TopicAliasMaximum               Two      [Connect ConnAck];
    0x23 TopicAlias                      Two      [Publish]                    nonzero else TopicAliasZero; // [MQTT-3.3.2-8]
    0x24 MaximumQoS                      Byte     [ConnAck]                    flag else MaximumQoSInvalid;
    0x25 RetainAvailable                 Byte     [ConnAck]                    flag else RetainAvailableInvalid;
    0x26 UserProperty                    Pair     [] [many Connect ConnAck Publish PubAck PubRec PubRel PubComp Subscribe SubAck Unsubscribe UnsubAck Disconnect Auth Will];
    0x27 MaximumPacketSize               Four     [Connect ConnAck]            nonzero else MaximumPacketSizeZero;
    0x28 WildcardSubscriptionAvailable   Byte     [ConnAck]                    flag else WildcardSubscriptionAvailableInvalid;
    0x29 SubscriptionIdentifierAvailable Byte     [ConnAck]                    flag else SubscriptionIdentifierAvailableInvalid;
    0x2a SharedSubscriptionAvailable     Byte     [ConnAck]                    flag else SharedSubscriptionAvailableInvalid;
}

/// The bits of `seen` in [`Properties::new`] for the two properties that depend on each other.
const AUTHENTICATION: [u64; 2] = [1 << 0x15, 1 << 0x16];

impl Property<'_> {
    /// Whether this property may stand in `place` with this value: what a caller asks before it
    /// encodes what a user typed.
    pub fn check(self, place: Place) -> Result<()> {
        self.check_place(place)?;
        self.check_representation()?;
        self.check_rule()
    }

    /// Whether the table has this property in `place`.
    pub const fn allowed_in(self, place: Place) -> bool {
        self.places() & place.bit() != 0
    }

    fn check_place(self, place: Place) -> Result<()> {
        if self.allowed_in(place) { Ok(()) } else { Err(Malformed::PropertyNotAllowedHere) }
    }
}

/// A checked property block: every property well-formed, allowed where it stands, within its range,
/// and single unless it may repeat. A view: copying it copies two words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Properties<'a>(&'a [u8]);

impl<'a> Properties<'a> {
    /// The empty block, and the only one that 3.1 and 3.1.1 have.
    pub const NONE: Self = Properties(&[]);

    /// Checks a block without its length.
    pub fn new(block: &'a [u8], place: Place) -> Result<Self> {
        let (mut r, mut seen) = (Reader::new(block), 0u64);
        while !r.is_empty() {
            let property = Property::decode(&mut r)?;
            property.check_place(place)?;
            property.check_rule()?;
            let bit = 1 << property.id();
            if seen & bit != 0 && property.repeatable_places() & place.bit() == 0 {
                return Err(Malformed::PropertyDuplicate);
            }
            seen |= bit;
        }
        let [method, data] = AUTHENTICATION;
        if seen & data != 0 && seen & method == 0 {
            return Err(Malformed::AuthenticationDataWithoutMethod);
        }
        Ok(Properties(block))
    }

    /// For a block that was checked once and stored. On any other bytes iteration ends early.
    pub const fn from_checked_bytes(block: &'a [u8]) -> Self {
        Properties(block)
    }

    /// The block with its length in front (2.2.2.1).
    pub(crate) fn decode(r: &mut Reader<'a>, place: Place) -> Result<Self> {
        let len = r.varint()?;
        Self::new(r.bytes(len as usize)?, place)
    }

    /// The properties in their order on the wire.
    pub const fn iter(self) -> PropertiesIter<'a> {
        PropertiesIter(Reader::new(self.0))
    }

    /// The user properties in their order. [MQTT-3.3.2-18]
    pub fn user_properties(self) -> impl Iterator<Item = (&'a str, &'a str)> + Clone {
        self.iter().filter_map(|property| match property {
            Property::UserProperty(pair) => Some(pair),
            _ => None,
        })
    }

    /// The Reason String, if there is one.
    pub fn reason_string(self) -> Option<&'a str> {
        self.iter().find_map(|property| match property {
            Property::ReasonString(text) => Some(text),
            _ => None,
        })
    }

    /// Whether there is no property.
    pub const fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    /// The raw block, without its length.
    pub const fn as_bytes(self) -> &'a [u8] {
        self.0
    }

    /// The length of the block in bytes together with the length field in front of it.
    pub const fn len_encoded(self) -> usize {
        varint_len(self.0.len() as u32) + self.0.len()
    }

    /// Appends the block with its length in front; no properties are written as length 0. [MQTT-2.2.2-1]
    pub fn encode(self, out: &mut Vec<u8>) {
        put_varint(out, self.0.len() as u32);
        out.extend_from_slice(self.0);
    }

    /// [`Properties::encode`], and in debug builds a look at what the caller has put together.
    pub(crate) fn encode_in(self, place: Place, out: &mut Vec<u8>) {
        debug_assert_eq!(Properties::new(self.0, place).err(), None, "properties of {place:?}: {self:?}");
        self.encode(out);
    }
}

impl<'a> IntoIterator for Properties<'a> {
    type Item = Property<'a>;
    type IntoIter = PropertiesIter<'a>;

    fn into_iter(self) -> PropertiesIter<'a> {
        self.iter()
    }
}

/// The properties of a block, one after the other.
#[derive(Clone, Debug)]
pub struct PropertiesIter<'a>(Reader<'a>);

impl<'a> Iterator for PropertiesIter<'a> {
    type Item = Property<'a>;

    fn next(&mut self) -> Option<Property<'a>> {
        if self.0.is_empty() { None } else { Property::decode(&mut self.0).ok() }
    }
}

/// A property block under construction, reusable.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PropertiesBuf {
    bytes: Vec<u8>,
}

impl PropertiesBuf {
    /// An empty block; allocates nothing.
    pub const fn new() -> Self {
        PropertiesBuf { bytes: Vec::new() }
    }

    /// A copy of a checked block, to be added to.
    pub fn from_checked(properties: Properties<'_>) -> Self {
        PropertiesBuf { bytes: properties.as_bytes().to_vec() }
    }

    /// Appends a property.
    ///
    /// # Panics
    /// If a value is longer than 65,535 bytes: ask [`Property::check`] about what a user typed.
    pub fn push(&mut self, property: Property<'_>) {
        property.encode(&mut self.bytes);
    }

    /// Removes all properties and keeps the memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
    }

    /// Whether nothing was pushed.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The block as a view. The caller vouches for places and uniqueness; debug builds check when a packet is encoded.
    pub fn as_properties(&self) -> Properties<'_> {
        Properties(&self.bytes)
    }

    /// The raw block, without its length.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }
}
