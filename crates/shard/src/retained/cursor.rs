//! A lookup of retained messages by filter that can stop anywhere and go on later.
//! It seeks from candidate to candidate and never scans a subtree that cannot match. It keeps a
//! place in the order of topic names and no reference into the table, so the table may change
//! between two steps: a topic that is there all the time is visited exactly once.

use alloc::boxed::Box;
use core::ops::ControlFlow;

use martlet_codec::TopicFilter;
use martlet_protocol::Publications;

use super::seek::{self, Next};
use super::{Retained, RetainedMessage};

/// A topic name, or a text to seek, of so many bytes is as much work as two short ones.
const BYTES_PER_VISIT: usize = 256;

/// How far a lookup got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// There may be more topics.
    More,
    /// All matching topics have been visited.
    Done,
}

/// A lookup under way.
#[derive(Clone, Debug)]
pub(crate) struct Cursor {
    filter: Box<str>,
    /// Topic names before this text are dealt with. `None`: all are.
    place: Option<Box<[u8]>>,
}

impl Cursor {
    /// A lookup of all retained messages whose topic name matches the filter. A `$share` filter
    /// finds nothing: retained messages are not sent to Shared Subscriptions (section 4.8.2).
    #[must_use]
    pub(crate) fn new(filter: TopicFilter<'_>) -> Self {
        let place = filter.share().is_none().then(|| seek::first(filter.as_str()).as_bytes().into());
        Cursor { filter: filter.as_str().into(), place }
    }

    /// Whether all matching topics have been visited.
    #[cfg(test)]
    pub(crate) fn is_done(&self) -> bool {
        self.place.is_none()
    }

    /// Visits matching topics in order, looking at no more than `visits_max` topic names (at least 1), fewer if they are long. `store` is, or
    /// leads to, the store of publications.
    /// `Break` from `visit` refuses the message it was called with: the step ends, and the next one
    /// begins with that topic, if it is still there.
    pub(crate) fn step<S: AsRef<Publications>>(
        &mut self,
        retained: &Retained,
        visits_max: usize,
        store: &mut S,
        visit: &mut impl FnMut(&mut S, RetainedMessage) -> ControlFlow<()>,
    ) -> Step {
        let mut visits_left = visits_max.max(1);
        while let Some(place) = self.place.take() {
            for entry in retained.order.from(&place, (*store).as_ref()) {
                let topic = entry.topic((*store).as_ref());
                if visits_left == 0 {
                    self.place = Some(topic.into());
                    return Step::More;
                }
                visits_left = visits_left.saturating_sub(1 + topic.len() / BYTES_PER_VISIT);
                match seek::next(&self.filter, topic) {
                    Next::Match => {
                        if visit(store, entry.message).is_break() {
                            self.place = Some(entry.topic((*store).as_ref()).into());
                            return Step::More;
                        }
                    }
                    Next::After => {}
                    Next::At(text) => {
                        // Much of it may be the filter's, which is copied each time.
                        visits_left = visits_left.saturating_sub(text.len() / BYTES_PER_VISIT);
                        self.place = Some(text.into_boxed_slice());
                        break;
                    }
                    Next::End => return Step::Done,
                }
            }
        }
        Step::Done
    }
}
