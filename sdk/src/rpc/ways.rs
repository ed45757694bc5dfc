//! Which way calls to a peer go: the private network for as long as anybody is there, then the public ways in order, and back when it is well.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::outside::Road;
use crate::error::Error;

/// How long nobody must have been reached on the private network before a public way is taken: a restart of one replica is shorter.
const UNREACHABLE_FOR: Duration = Duration::from_secs(1);
/// Shortest stay on a public way, so that calls do not go back and forth.
const STAY: Duration = Duration::from_secs(30);
/// Between looks whether the private network is well again.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// Good looks in a row that end a stay.
const LOOKS: u32 = 2;

/// The way that calls to one peer take.
#[derive(Debug)]
pub(super) struct Ways {
    roads: Vec<Road>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Since when nobody was reached inside.
    down: Option<Instant>,
    outside: Option<Stay>,
}

#[derive(Debug)]
struct Stay {
    road: usize,
    since: Instant,
    looked: Instant,
    good: u32,
}

impl Ways {
    pub(super) fn new(roads: Vec<Road>) -> Self {
        Ways {
            roads,
            state: Mutex::default(),
        }
    }

    /// The public way that is taken now; none while the private network serves.
    pub(super) fn outside(&self) -> Option<&Road> {
        if self.roads.is_empty() {
            return None;
        }
        let state = self.state();
        state.outside.as_ref().and_then(|stay| self.roads.get(stay.road))
    }

    /// The private network served a call.
    pub(super) fn inside_served(&self) {
        if !self.roads.is_empty() {
            self.state().down = None;
        }
    }

    /// Nobody was reached inside. Gives the public way to take, where that has lasted, or where there is nobody for certain.
    pub(super) fn inside_failed(&self, error: &Error, now: Instant) -> Option<&Road> {
        if self.roads.is_empty() || !matches!(error.code(), "SERVICE_UNREACHABLE" | "NO_ENDPOINTS" | "DNS_FAILED") {
            return None;
        }
        let mut state = self.state();
        let down = *state.down.get_or_insert(now);
        if error.code() != "NO_ENDPOINTS" && now < down + UNREACHABLE_FOR {
            return None;
        }
        let stay = state.outside.get_or_insert(Stay {
            road: 0,
            since: now,
            looked: now,
            good: 0,
        });
        self.roads.get(stay.road)
    }

    /// The public way could not be taken; gives the next, if there is one. The last leads to the first at the next call.
    pub(super) fn outside_failed(&self, road: &Road, now: Instant) -> Option<&Road> {
        let mut state = self.state();
        let stay = state.outside.as_mut()?;
        let failed = self.roads.iter().position(|known| known == road)?;
        stay.road = (failed + 1) % self.roads.len();
        stay.since = now;
        self.roads.get(failed + 1)
    }

    /// Whether it is time to look inside again; whoever is told so must say what came of it.
    pub(super) fn look(&self, now: Instant) -> bool {
        let mut state = self.state();
        match &mut state.outside {
            Some(stay) if now >= stay.looked + LOOK_EVERY => {
                stay.looked = now;
                true
            }
            _ => false,
        }
    }

    /// What came of a look.
    pub(super) fn looked(&self, well: bool, now: Instant) {
        let mut state = self.state();
        if let Some(stay) = &mut state.outside {
            stay.good = if well { stay.good + 1 } else { 0 };
            if stay.good >= LOOKS && now >= stay.since + STAY {
                *state = State::default();
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::Way;

    fn ways() -> Ways {
        let road = |way, url: &str| Road {
            way,
            url: url.to_owned(),
        };
        Ways::new(vec![
            road(Way::Railway, "https://core.up.railway.app"),
            road(Way::Cloudflare, "https://core.blackroad.systems"),
        ])
    }

    fn refused() -> Error {
        Error::unavailable("refused").with_code("SERVICE_UNREACHABLE")
    }

    #[test]
    fn only_who_cannot_be_reached_for_a_second_is_asked_by_a_public_way() {
        let (ways, start) = (ways(), Instant::now());
        let after = |millis| start + Duration::from_millis(millis);
        assert!(ways.inside_failed(&refused(), start).is_none());
        assert!(ways.inside_failed(&refused(), after(900)).is_none());
        ways.inside_served();
        assert!(
            ways.inside_failed(&refused(), after(1_500)).is_none(),
            "somebody was there in between"
        );
        assert_eq!(ways.inside_failed(&refused(), after(2_600)).unwrap().way, Way::Railway);
        let slow = Error::new(crate::error::Kind::DeadlineExceeded, "slow");
        assert!(Ways::new(vec![]).inside_failed(&refused(), after(9_000)).is_none());
        assert!(ways.inside_failed(&slow, after(9_000)).is_none());
    }

    #[test]
    fn a_stay_outside_ends_with_two_good_looks_and_not_before_half_a_minute() {
        let (ways, start) = (ways(), Instant::now());
        let after = |secs| start + Duration::from_secs(secs);
        let nobody = Error::unavailable("nobody").with_code("NO_ENDPOINTS");
        ways.inside_failed(&nobody, start).unwrap();
        assert!(!ways.look(after(4)));
        for second in [5, 10, 15, 20, 25] {
            assert!(ways.look(after(second)));
            assert!(!ways.look(after(second)), "one look at a time");
            ways.looked(second != 20, after(second));
            assert!(ways.outside().is_some());
        }
        ways.looked(true, after(31));
        assert!(ways.outside().is_none());
    }

    #[test]
    fn a_public_way_that_fails_leads_to_the_next_and_the_last_to_an_error() {
        let (ways, start) = (ways(), Instant::now());
        let nobody = Error::unavailable("nobody").with_code("NO_ENDPOINTS");
        let first = ways.inside_failed(&nobody, start).unwrap().clone();
        let second = ways.outside_failed(&first, start).unwrap().clone();
        assert_eq!(second.way, Way::Cloudflare);
        assert!(ways.outside_failed(&second, start).is_none());
        assert_eq!(ways.outside().unwrap().way, Way::Railway);
    }
}
