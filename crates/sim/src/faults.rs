//! Faults planted on purpose: each must be caught by a checker within a few seeds, or the checkers are worth
//! nothing. All of them sit at the seams of the simulator; the code under test is never changed for them.

use crate::failure::Checker;

macro_rules! fault_table {
    ($($variant:ident $name:literal $($checker:ident)|+, $help:literal;)*) => {
        /// A planted fault.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Fault {
            $(#[doc = $help] $variant,)*
        }

        impl Fault {
            /// All of them.
            pub const ALL: &'static [Fault] = &[$(Fault::$variant),*];

            /// Its name on the command line.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Fault::$variant => $name,)* }
            }

            /// What goes wrong.
            #[must_use]
            pub const fn help(self) -> &'static str {
                match self { $(Fault::$variant => $help,)* }
            }

            /// The checkers that may catch it.
            #[must_use]
            pub const fn caught_by(self) -> &'static [Checker] {
                match self { $(Fault::$variant => &[$(Checker::$checker),+],)* }
            }
        }
    };
}

#[rustfmt::skip]
fault_table! {
    MailDropped       "mail-dropped"       Delivery | Shared | Retained | Liveness | Will | Leak, "A batch of mail between shards is lost.";
    MailReordered     "mail-reordered"     Order | Retained | Delivery | Liveness | Shared | Once | Leak, "The newest batch of a mailbox is opened before the older ones.";
    AnsweredTooEarly  "answered-too-early" Promise, "The shard is told that something is recorded before it is.";
    AnswersSwapped    "answers-swapped"    Promise, "Two PUBACKs, or two PUBRECs, change places.";
    AnswerMisplaced   "answer-misplaced"   Promise, "A PUBACK goes to another client.";
    AnswerForNext     "answer-for-next"    Admission, "An authenticator's late answer meets the next connection in the slot.";
    DrainedTooEarly   "drained-too-early"  Retained, "MailDrained is said while mail still waits.";
    DrainedInPassing  "drained-in-passing" Retained, "MailDrained is said when each mailbox was empty at a moment of its own.";
    ByteTwice         "byte-twice"         Promise | Protocol | PacketId | Once | Delivery | Liveness | Matching, "A byte reaches the client twice.";
    TransmittedLost   "transmitted-lost"   Promise | PacketId | Protocol | Once | Session, "The shard is not told that some output went out, so it goes out again.";
    PubAckSwallowed   "puback-swallowed"   Liveness | Promise, "A PUBACK of the broker never leaves.";
    PubRelSwallowed   "pubrel-swallowed"   Liveness, "A PUBREL of the broker never leaves.";
    PublishTwice      "publish-twice"      PacketId, "A PUBLISH leaves twice, with the same identifier.";
    DeliveredAgain    "delivered-again"    Once | Shared | Will, "A QoS 2 message is sent again as a new one after it was settled.";
    ResumeLost        "resume-lost"        Protocol | Delivery | Shared | Will | Retained, "A re-delivery is thrown away and acknowledged in the client's name.";
    IdRewritten       "id-rewritten"       PacketId | Protocol | Liveness | Once, "A PUBLISH gets the packet identifier before its own.";
    DupCleared        "dup-cleared"        PacketId | Once, "A re-delivery has no DUP.";
    RetainForgotten   "retain-forgotten"   Retained, "RETAIN of a PUBLISH to the broker gets lost.";
    WrongSubscriber   "wrong-subscriber"   Matching | Once | Order | Shared, "A message goes to another client too.";
    GroupTwice        "group-twice"        Shared | Once | Matching, "A message of a shared subscription goes to a second member too.";
    WindowExceeded    "window-exceeded"    ReceiveMaximum | PacketId, "One PUBLISH more than the Receive Maximum leaves.";
    WillForgotten     "will-forgotten"     Will, "The loss of a connection passes for a DISCONNECT.";
    WillAlways        "will-always"        Will, "A DISCONNECT passes for the loss of a connection.";
    SessionForgotten  "session-forgotten"  Session, "CONNACK says that there is no session where there is one.";
    PubRecForgotten   "pubrec-forgotten"   Once, "The broker forgets that it has received a QoS 2 message: its PUBREC is lost, and the message comes again as a new one.";
}

impl Fault {
    /// The fault of a name.
    #[must_use]
    pub fn named(name: &str) -> Option<Fault> {
        Fault::ALL.iter().copied().find(|fault| fault.name() == name)
    }
}
