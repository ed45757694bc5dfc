//! How many requests a service takes at once, and who is turned away first.
//!
//! Three kinds of place, counted apart, because they cost apart: requests at work, readers of streams, and requests that wait for
//! something to happen. Only the first have a limit that moves; [`Reference`] and the law of the limit are argued in
//! `docs/adr/0026-the-limit-is-measured-at-its-floor.md`.

mod limit;
mod place;
mod quota;
mod reference;
#[cfg(test)]
mod tests;

use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use limit::Limit;
pub use place::{Place, Seat};
pub use quota::{Limiter, Quota, Turn};
pub use reference::Reference;

use crate::error::{Error, Kind, Result};
use crate::policy::{Crowd, IN_FLIGHT_MAX};

/// So many requests are never a queue: as many as the jobs that run at once on two cores, most of whose time is spent waiting for others.
/// What a request takes among so many is what it is measured by.
pub const FLOOR: usize = 64;
/// Of the limit, one part in so many is kept for control: 32 places of 512, and 4 at the floor, where each is free again in milliseconds.
const RESERVE: usize = 16;
/// Readers of streams at once, in a process and service: each costs a task and some kilobytes, and a tenth of the connections that the
/// platform's edge opens is left to one kind of request.
pub const STREAMS_MAX: usize = 1_000;
/// Of them, those of strangers: readers of what is open to all who prove nothing. However many addresses they have, three quarters are left
/// to who may read more than everybody may.
pub const STREAMS_OPEN_MAX: usize = STREAMS_MAX / 4;
/// Streams at once of one caller that is known: as many pages as a person looks at, each with one.
pub const STREAMS_PER_PRINCIPAL: usize = 8;
/// Streams at once of one address: an office behind it looks at some pages too, and thirty such still leave room for others.
pub const STREAMS_PER_ADDRESS: usize = 32;
/// Requests that wait at once, in a process and service: each holds a place in a list of wakers and is looked at when something happens.
pub const WAITS_MAX: usize = 256;
/// When who has too many streams is to come back: what a page takes to close one.
const STREAMS_RETRY: Duration = Duration::from_secs(5);
/// Between lines that say that requests are turned away: one for each would be work of the sort that a refusal is to spare.
pub const QUIET: Duration = Duration::from_secs(10);

/// Who is turned away first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Priority {
    /// What the service is there for.
    Work,
    /// What mends it: looking, cancelling, pausing, and what the services of a fleet tell one another.
    Control,
}

/// What is asked for, where callers have a quota of it beside the one of all their requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// What programs of strangers ask: the gateway's paths.
    Api,
    /// What proves who somebody is: a sign-in, a token.
    Auth,
    /// Pages for people.
    Page,
}

/// What callers have; none where they are not counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quotas {
    /// Of everything, each caller.
    pub caller: Option<Quota>,
    /// Of [`Class::Api`], each address that shows no credential which is known.
    pub api: Option<Quota>,
    /// Of [`Class::Api`], each principal.
    pub key: Option<Quota>,
    /// Of [`Class::Auth`], each caller.
    pub auth: Option<Quota>,
    /// Of [`Class::Page`], each caller.
    pub page: Option<Quota>,
}

/// By whom requests are counted.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Who {
    /// One that proved who it is.
    Principal(String),
    /// Anybody at an address, as its [party](crate::policy::party).
    Address(IpAddr),
}

/// The places of one service. Cheap to clone; all clones are the same places.
#[derive(Clone, Debug)]
pub struct Admission(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    in_flight: AtomicUsize,
    peak: AtomicUsize,
    /// The limit, as who comes in reads it.
    limit: AtomicUsize,
    law: Mutex<Limit>,
    streams: AtomicUsize,
    /// Those of strangers among them.
    open_streams: AtomicUsize,
    waits: AtomicUsize,
    readers: Crowd<Who>,
    callers: Option<Limiter>,
    api: Option<Limiter>,
    keys: Option<Limiter>,
    auth: Option<Limiter>,
    pages: Option<Limiter>,
    /// When a refusal was last worth a line.
    told: Mutex<Option<Instant>>,
}

impl Default for Admission {
    /// Without a limit for each caller.
    fn default() -> Self {
        Self::new(Quotas::default())
    }
}

impl Admission {
    /// Places, and so many requests for each caller.
    pub fn new(quotas: Quotas) -> Self {
        Admission(Arc::new(Inner {
            in_flight: AtomicUsize::new(0),
            peak: AtomicUsize::new(0),
            limit: AtomicUsize::new(IN_FLIGHT_MAX),
            law: Mutex::new(Limit::new()),
            streams: AtomicUsize::new(0),
            open_streams: AtomicUsize::new(0),
            waits: AtomicUsize::new(0),
            readers: Crowd::default(),
            callers: quotas.caller.map(Limiter::new),
            api: quotas.api.map(Limiter::new),
            keys: quotas.key.map(Limiter::new),
            auth: quotas.auth.map(Limiter::new),
            pages: quotas.page.map(Limiter::new),
            told: Mutex::new(None),
        }))
    }

    /// Counts a request of a caller; gives where it stands, and under which quota. None where callers have no limit.
    pub fn ask(&self, who: &Who, now: Instant) -> Option<(Turn, &Quota)> {
        let callers = self.0.callers.as_ref()?;
        Some((callers.ask_at(who, now), callers.quota()))
    }

    /// The same for what is asked for, where that has a quota of its own.
    pub fn ask_for(&self, class: Class, who: &Who, now: Instant) -> Option<(Turn, &Quota)> {
        let inner = &self.0;
        let limiter = match (class, who) {
            (Class::Api, Who::Principal(_)) => &inner.keys,
            (Class::Api, Who::Address(_)) => &inner.api,
            (Class::Auth, _) => &inner.auth,
            (Class::Page, _) => &inner.pages,
        };
        let limiter = limiter.as_ref()?;
        Some((limiter.ask_at(who, now), limiter.quota()))
    }

    /// A place for a request at work, if there is one.
    ///
    /// # Errors
    /// `OVERLOADED`, with nothing done: 503 and `X-Syscall-Unprocessed`.
    pub fn enter(&self, priority: Priority) -> Result<Place> {
        let inner = &self.0;
        let begun = Instant::now();
        let nth = inner.in_flight.fetch_add(1, Ordering::Relaxed) + 1;
        let place = Place::new(Arc::clone(inner), nth, begun);
        let mut limit = inner.limit.load(Ordering::Relaxed);
        if limit < IN_FLIGHT_MAX && nth <= FLOOR / 2 {
            inner.ask(|law| law.rest(begun));
            limit = inner.limit.load(Ordering::Relaxed);
        }
        let for_work = limit - limit / RESERVE;
        let most = match priority {
            Priority::Work => for_work,
            Priority::Control => limit,
        };
        if nth > most {
            inner.ask(Limit::refused);
            return Err(overloaded());
        }
        inner.peak.fetch_max(nth, Ordering::Relaxed);
        Ok(place.reserved(nth > for_work))
    }

    /// A place for the reader of a stream that is open to all: a stranger's has a bound below that of all streams.
    ///
    /// # Errors
    /// As [`Admission::stream`].
    pub fn open_stream(&self, who: Option<Who>) -> Result<Seat> {
        if !matches!(who, Some(Who::Address(_))) {
            return self.stream(who);
        }
        let among_strangers = Seat::take(&self.0, |inner| &inner.open_streams, STREAMS_OPEN_MAX).ok_or_else(|| {
            turned_away(format!(
                "{STREAMS_OPEN_MAX} streams are read here already by who did not say who they are; come back"
            ))
        })?;
        Ok(self.stream(who)?.and(among_strangers))
    }

    /// A place for the reader of a stream; `who` is none for who has no bound of its own.
    ///
    /// # Errors
    /// As [`Admission::enter`]; `TOO_MANY_STREAMS` where the reader has as many as one may.
    pub fn stream(&self, who: Option<Who>) -> Result<Seat> {
        let seat = Seat::take(&self.0, |inner| &inner.streams, STREAMS_MAX).ok_or_else(|| {
            turned_away(format!(
                "{STREAMS_MAX} streams are read here already; close one, or come back"
            ))
        })?;
        let Some(who) = who else { return Ok(seat) };
        let most = match who {
            Who::Principal(_) => STREAMS_PER_PRINCIPAL,
            Who::Address(_) => STREAMS_PER_ADDRESS,
        };
        match self.0.readers.enter(who, most) {
            Some(reader) => Ok(seat.of(reader)),
            None => Err(Error::new(
                Kind::RateLimited,
                format!("you read {most} streams of this service already; close one, then open this"),
            )
            .with_code("TOO_MANY_STREAMS")
            .with_retry_after(STREAMS_RETRY)),
        }
    }

    /// A place for a request that waits until something happens.
    ///
    /// # Errors
    /// As [`Admission::enter`].
    pub fn wait(&self) -> Result<Seat> {
        Seat::take(&self.0, |inner| &inner.waits, WAITS_MAX).ok_or_else(|| {
            turned_away(format!(
                "{WAITS_MAX} requests wait here already; send it again, or without wait"
            ))
        })
    }

    /// Whether a refusal is worth a line in the log: the first one, and the first after each [`QUIET`]. The others are counted.
    pub fn is_news(&self) -> bool {
        let now = Instant::now();
        let mut told = self.0.told.lock().unwrap_or_else(PoisonError::into_inner);
        let news = told.is_none_or(|told| now - told >= QUIET);
        if news {
            *told = Some(now);
        }
        news
    }

    /// How many requests may be at work now.
    pub fn limit(&self) -> usize {
        self.0.limit.load(Ordering::Relaxed)
    }

    /// How many are.
    pub fn in_flight(&self) -> usize {
        self.0.in_flight.load(Ordering::Relaxed)
    }

    /// The most that were at once since this was last asked.
    pub fn take_peak(&self) -> usize {
        self.0.peak.swap(self.in_flight(), Ordering::Relaxed)
    }

    /// How many streams are read.
    pub fn streams(&self) -> usize {
        self.0.streams.load(Ordering::Relaxed)
    }

    /// How many requests wait.
    pub fn waits(&self) -> usize {
        self.0.waits.load(Ordering::Relaxed)
    }
}

impl Inner {
    /// Tells the law something; who comes in reads what follows from it.
    fn ask(&self, tell: impl FnOnce(&mut Limit)) {
        let mut law = self.law();
        tell(&mut law);
        self.limit.store(law.get(), Ordering::Relaxed);
    }

    fn law(&self) -> MutexGuard<'_, Limit> {
        // Nothing that can panic runs under this lock.
        self.law.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a request is told that found no place.
pub fn overloaded() -> Error {
    turned_away("too many requests are in flight here; nothing of this one was done, send it again")
}

fn turned_away(message: impl Into<String>) -> Error {
    Error::new(Kind::Overloaded, message).unprocessed()
}
