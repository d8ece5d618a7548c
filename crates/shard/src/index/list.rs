//! A list whose first element needs no allocation: most filters have one subscriber and most
//! subscribers have one filter, and there may be a million of each. Order is not kept on removal.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::slice;

use crate::slab::reserve_quarter;

/// None, one or many values; two or more live in a vector behind one pointer.
#[derive(Debug)]
pub(super) enum List<T> {
    None,
    One(T),
    #[allow(clippy::box_collection, reason = "sixteen bytes instead of twenty-four where the list is short")]
    Many(Box<Vec<T>>),
}

impl<T: Copy> List<T> {
    pub(super) fn as_slice(&self) -> &[T] {
        match self {
            List::None => &[],
            List::One(value) => slice::from_ref(value),
            List::Many(values) => values,
        }
    }

    pub(super) fn as_mut_slice(&mut self) -> &mut [T] {
        match self {
            List::None => &mut [],
            List::One(value) => slice::from_mut(value),
            List::Many(values) => values,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.as_slice().len()
    }

    pub(super) fn is_empty(&self) -> bool {
        matches!(self, List::None)
    }

    /// Appends a value and returns its position.
    pub(super) fn push(&mut self, value: T) -> u32 {
        match self {
            List::None => {
                *self = List::One(value);
                0
            }
            List::One(first) => {
                *self = List::Many(Box::new(Vec::from([*first, value])));
                1
            }
            List::Many(values) => {
                reserve_quarter(values);
                values.push(value);
                position(values.len() - 1)
            }
        }
    }

    /// Removes the value at a position and moves the last one there; returns the removed one.
    /// Memory is given back when three quarters of it are unused.
    pub(super) fn swap_remove(&mut self, at: u32) -> T {
        match self {
            List::None => unreachable!("a position is only kept while its value is in the list"),
            List::One(value) => {
                let value = *value;
                *self = List::None;
                value
            }
            List::Many(values) => {
                let value = values.swap_remove(at as usize);
                if let [last] = values[..] {
                    *self = List::One(last);
                } else if values.len() < values.capacity() / 4 {
                    values.shrink_to(values.len() * 2);
                }
                value
            }
        }
    }
}

/// A position in a list of at most 2^32 values.
pub(super) fn position(index: usize) -> u32 {
    u32::try_from(index).expect("four billion subscriptions do not fit in memory")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn behaves_like_a_vector() {
        let mut list = List::None;
        let mut model = Vec::new();
        for round in 0..200_u32 {
            assert_eq!(list.push(round), round);
            model.push(round);
            assert_eq!(list.as_slice(), model);
        }
        while !model.is_empty() {
            let at = model.len() * 7 / 11;
            assert_eq!(list.swap_remove(position(at)), model.swap_remove(at));
            assert_eq!(list.as_slice(), model);
        }
        assert!(list.is_empty());
    }
}
