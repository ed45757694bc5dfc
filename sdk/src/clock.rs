//! Time, as something that is given: the wall's, or one that a test turns.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use tokio::time::Instant;

/// Tells the time. Cheap to clone; a kernel has one and reads no other.
///
/// ```
/// use syscall_sdk::clock::Clock;
/// assert!(Clock::system().now() > chrono::DateTime::UNIX_EPOCH);
/// ```
#[derive(Clone)]
pub struct Clock(Arc<Source>);

enum Source {
    System,
    /// Follows tokio's clock from a fixed start, so that paused time pauses this too.
    Tokio {
        start: DateTime<Utc>,
        origin: Instant,
    },
    /// Milliseconds since the epoch; moves by [`Clock::advance`] alone.
    Manual(AtomicI64),
}

impl Clock {
    /// The wall clock.
    pub fn system() -> Self {
        Clock(Arc::new(Source::System))
    }

    /// A clock that starts at `start` and moves with tokio's: under `tokio::time::pause` it moves by `advance` alone.
    pub fn following_tokio(start: DateTime<Utc>) -> Self {
        Clock(Arc::new(Source::Tokio {
            start,
            origin: Instant::now(),
        }))
    }

    /// A clock that stands at `start` until [`Clock::advance`] moves it, whatever the runtime does; its clones move with it.
    ///
    /// For tests of what threads outside tokio do, which paused time cannot wait for. Timers do not follow it.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use syscall_sdk::clock::Clock;
    /// let clock = Clock::manual(chrono::DateTime::UNIX_EPOCH);
    /// clock.advance(Duration::from_secs(2));
    /// assert_eq!(clock.now().timestamp(), 2);
    /// ```
    pub fn manual(start: DateTime<Utc>) -> Self {
        Clock(Arc::new(Source::Manual(AtomicI64::new(start.timestamp_millis()))))
    }

    /// Moves a [manual](Clock::manual) clock forward, to the millisecond; the others move by themselves and ignore it.
    pub fn advance(&self, by: Duration) {
        if let Source::Manual(millis) = &*self.0 {
            millis.fetch_add(i64::try_from(by.as_millis()).unwrap_or(i64::MAX), Ordering::SeqCst);
        }
    }

    /// Now, in UTC, as finely as the clock knows: for what is put in order, not shown.
    pub fn precise(&self) -> DateTime<Utc> {
        match &*self.0 {
            Source::System => wall(),
            _ => self.now(),
        }
    }

    /// Now, in UTC, to the millisecond: the wire shows no more, and what is shown must be what is kept.
    pub fn now(&self) -> DateTime<Utc> {
        let now = match &*self.0 {
            Source::System => wall(),
            Source::Tokio { start, origin } => *start + TimeDelta::from_std(origin.elapsed()).unwrap_or(TimeDelta::MAX),
            Source::Manual(millis) => {
                DateTime::from_timestamp_millis(millis.load(Ordering::SeqCst)).unwrap_or(DateTime::<Utc>::MAX_UTC)
            }
        };
        now.trunc_subsecs(3)
    }

    /// When a moment of the wall will be, on the clock that timers use; at once where it has passed.
    pub fn instant_of(&self, moment: DateTime<Utc>) -> Instant {
        Instant::now() + (moment - self.now()).to_std().unwrap_or_default()
    }

    /// Sleeps until a moment of the wall; returns at once where it has passed. Cancel-safe.
    pub async fn sleep_until(&self, moment: DateTime<Utc>) {
        tokio::time::sleep_until(self.instant_of(moment)).await;
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the clock that everyone else asks")]
fn wall() -> DateTime<Utc> {
    Utc::now()
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &*self.0 {
            Source::System => "Clock(system)",
            Source::Tokio { .. } => "Clock(tokio)",
            Source::Manual(_) => "Clock(manual)",
        })
    }
}
