//! A lookup of retained messages by filter that can stop anywhere and go on later.
//! It seeks from candidate to candidate and never scans a subtree that cannot match. It keeps a
//! place in the order of topic names and no reference into the table, so the table may change
//! between two steps: a topic that is there all the time is visited exactly once.

use alloc::boxed::Box;
use core::ops::{Bound, ControlFlow};

use martlet_codec::TopicFilter;

use super::Retained;
use super::seek::{self, Next};

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
    place: Option<Box<str>>,
}

impl Cursor {
    /// A lookup of all retained messages whose topic name matches the filter. A `$share` filter
    /// finds nothing: retained messages are not sent to Shared Subscriptions (section 4.8.2).
    #[must_use]
    pub(crate) fn new(filter: TopicFilter<'_>) -> Self {
        let place = filter.share().is_none().then(|| seek::first(filter.as_str()).into());
        Cursor { filter: filter.as_str().into(), place }
    }

    /// Whether all matching topics have been visited.
    #[cfg(test)]
    pub(crate) fn is_done(&self) -> bool {
        self.place.is_none()
    }

    /// Visits matching topics in order, looking at no more than `visits_max` topic names (at least 1).
    /// `Break` from `visit` refuses the topic it was called with: the step ends, and the next one
    /// begins with that topic, if it is still there.
    pub(crate) fn step<V: Copy>(
        &mut self,
        retained: &Retained<V>,
        visits_max: usize,
        visit: &mut impl FnMut(&str, V) -> ControlFlow<()>,
    ) -> Step {
        let mut visits_left = visits_max.max(1);
        while let Some(place) = self.place.take() {
            let from = (Bound::Included(&*place), Bound::Unbounded);
            for (topic, slot) in retained.slots.range::<str, _>(from) {
                if visits_left == 0 {
                    self.place = Some(topic.clone());
                    return Step::More;
                }
                visits_left -= 1;
                match seek::next(&self.filter, topic) {
                    Next::Match if visit(topic, slot.value).is_break() => {
                        self.place = Some(topic.clone());
                        return Step::More;
                    }
                    Next::Match | Next::After => {}
                    Next::At(text) => {
                        self.place = Some(text.into_boxed_str());
                        break;
                    }
                    Next::End => return Step::Done,
                }
            }
        }
        Step::Done
    }
}
