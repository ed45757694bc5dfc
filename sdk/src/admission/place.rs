use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::time::Instant;

use super::limit::Vote;
use super::{FLOOR, Inner, Reference, Who};
use crate::policy::Member;

/// The place of a request at work; free again when it is dropped.
#[derive(Debug)]
pub struct Place {
    inner: Arc<Inner>,
    /// How many there were with this one when it came.
    nth: usize,
    begun: Instant,
    reserved: bool,
}

impl Place {
    pub(super) fn new(inner: Arc<Inner>, nth: usize, begun: Instant) -> Self {
        Place {
            inner,
            nth,
            begun,
            reserved: false,
        }
    }

    pub(super) fn reserved(mut self, reserved: bool) -> Self {
        self.reserved = reserved;
        self
    }

    /// Whether it is one of those that are kept for control.
    pub fn is_reserved(&self) -> bool {
        self.reserved
    }

    /// Gives the place back, and tells the limit how long the request took. `came_through` is whether it did what it was there for:
    /// one that failed teaches nothing of how long the others take, and one that ran out of its time only tells that it was late.
    pub fn give_back(self, reference: &Reference, came_through: bool) {
        let now = Instant::now();
        let took = now - self.begun;
        let late = reference.late(took);
        let vote = match late {
            Some(true) => Vote::Late,
            _ if !came_through => return,
            Some(false) => Vote::InTime,
            None => Vote::Unknown,
        };
        // What meets more than the floor is never measured by: under load that lasts, the measure would grow with the queue.
        if came_through && self.nth <= FLOOR && self.inner.in_flight.load(Ordering::Relaxed) <= FLOOR {
            reference.teach(took);
        }
        self.inner.ask(|law| law.vote(vote, self.nth, self.begun, now));
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.inner.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The place of a reader or of who waits; free again when it is dropped.
#[derive(Debug)]
pub struct Seat {
    inner: Arc<Inner>,
    room: fn(&Inner) -> &AtomicUsize,
    reader: Option<Member<Who>>,
    /// The place that it takes in a narrower room besides.
    also: Option<Box<Seat>>,
}

impl Seat {
    pub(super) fn and(mut self, other: Seat) -> Self {
        self.also = Some(Box::new(other));
        self
    }

    pub(super) fn of(mut self, reader: Member<Who>) -> Self {
        self.reader = Some(reader);
        self
    }

    pub(super) fn take(inner: &Arc<Inner>, room: fn(&Inner) -> &AtomicUsize, most: usize) -> Option<Self> {
        let seat = Seat {
            inner: Arc::clone(inner),
            room,
            reader: None,
            also: None,
        };
        (room(inner).fetch_add(1, Ordering::Relaxed) < most).then_some(seat)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        (self.room)(&self.inner).fetch_sub(1, Ordering::Relaxed);
    }
}
