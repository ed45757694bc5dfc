//! A service of two cores under loads that are made of a seed, in paused time: everything is real but the work.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::*;

const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);
/// How long a caller waits: the deadline of a plain request.
const PATIENCE: Duration = crate::policy::REQUEST_TIMEOUT;

/// Two cores, each of which does one thing at a time, and places for who waits for them.
struct Machine {
    cores: Semaphore,
    admission: Admission,
    /// One for each route.
    references: [Reference; 3],
}

/// What one request does: it waits for others, then it has a core.
#[derive(Clone, Copy)]
struct Work {
    route: usize,
    wait: Duration,
    core: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Done,
    OutOfTime,
    /// With how long it took to be told so.
    Refused(Duration),
}

impl Machine {
    fn new() -> Self {
        Machine {
            cores: Semaphore::new(2),
            admission: Admission::default(),
            references: Default::default(),
        }
    }

    async fn serve(&self, work: Work) -> Outcome {
        let begun = Instant::now();
        let Ok(place) = self.admission.enter(Priority::Work) else {
            return Outcome::Refused(begun.elapsed());
        };
        let done = async {
            sleep(work.wait).await;
            if work.core > Duration::ZERO {
                let _core = self.cores.acquire().await.unwrap();
                sleep(work.core).await;
            }
        };
        let in_time = timeout(PATIENCE, done).await.is_ok();
        place.give_back(&self.references[work.route], in_time);
        if in_time { Outcome::Done } else { Outcome::OutOfTime }
    }

    /// Requests at random moments, so many a second, for so long; and what became of each that ended in that time.
    async fn load(&self, work: Work, a_second: f64, lasts: Duration, seed: &mut u64) -> Tally {
        let end = Instant::now() + lasts;
        let mut running: FuturesUnordered<Pin<Box<dyn Future<Output = Outcome> + '_>>> = FuturesUnordered::new();
        let mut tally = Tally::default();
        let mut next = Instant::now();
        loop {
            tokio::select! {
                biased;
                Some(outcome) = running.next(), if !running.is_empty() => tally.note(outcome, self),
                () = sleep_until(next), if next < end => {
                    running.push(Box::pin(self.serve(work)));
                    next += Duration::from_secs_f64(-(1.0 - random(seed)).ln() / a_second);
                }
                () = sleep_until(end) => return tally,
            }
        }
    }
}

#[derive(Debug, Default)]
struct Tally {
    done: u32,
    out_of_time: u32,
    refused: u32,
    slowest_refusal: Duration,
    highest_limit: usize,
    lowest_limit: usize,
}

impl Tally {
    fn note(&mut self, outcome: Outcome, machine: &Machine) {
        match outcome {
            Outcome::Done => self.done += 1,
            Outcome::OutOfTime => self.out_of_time += 1,
            Outcome::Refused(took) => {
                self.refused += 1;
                self.slowest_refusal = self.slowest_refusal.max(took);
            }
        }
        let limit = machine.admission.limit();
        self.highest_limit = self.highest_limit.max(limit);
        self.lowest_limit = if self.lowest_limit == 0 {
            limit
        } else {
            self.lowest_limit.min(limit)
        };
    }
}

/// A number in `0.0..1.0` from a seed (Marsaglia's xorshift).
fn random(seed: &mut u64) -> f64 {
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    (*seed >> 11) as f64 / (1_u64 << 53) as f64
}

/// 20 ms of a core: the machine does 100 a second, and 512 at once would take longer than anyone waits.
const HEAVY: Work = Work {
    route: 0,
    wait: Duration::ZERO,
    core: Duration::from_millis(20),
};
const CAPACITY: f64 = 100.0;
/// 200 ms for others and 2 ms of a core: busy only with 200 at once.
const MIXED: Work = Work {
    route: 0,
    wait: Duration::from_millis(200),
    core: Duration::from_millis(2),
};

#[tokio::test(start_paused = true)]
async fn at_five_times_its_load_a_service_does_four_fifths_of_its_best_and_refuses_at_once() {
    for (work, best) in [(HEAVY, CAPACITY), (MIXED, 1_000.0)] {
        for mut seed in [1, 7, 4_242] {
            for warm in [true, false] {
                let machine = Machine::new();
                if warm {
                    machine.load(work, best * 0.3, SECOND * 10, &mut seed).await;
                }
                // What a fresh process under full load needs to learn what a request takes; a warm one knows.
                let begins = if warm { SECOND } else { SECOND * 15 };
                machine.load(work, best * 5.0, begins, &mut seed).await;
                let tally = machine.load(work, best * 5.0, SECOND * 30, &mut seed).await;
                assert!(f64::from(tally.done) >= best * 30.0 * 0.8, "warm {warm}: {tally:?}");
                assert!(
                    tally.refused > 0 && tally.slowest_refusal == Duration::ZERO,
                    "{tally:?}"
                );
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn when_the_load_is_over_nobody_is_turned_away_any_more() {
    let mut seed = 11;
    let machine = Machine::new();
    machine.load(HEAVY, CAPACITY * 5.0, SECOND * 60, &mut seed).await;
    assert!(machine.admission.limit() < IN_FLIGHT_MAX);
    machine.load(HEAVY, CAPACITY * 0.7, SECOND * 15, &mut seed).await;
    let tally = machine.load(HEAVY, CAPACITY * 0.7, SECOND * 30, &mut seed).await;
    assert_eq!(
        (tally.refused, machine.admission.limit()),
        (0, IN_FLIGHT_MAX),
        "{tally:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn load_that_lasts_moves_neither_the_measure_nor_the_limit() {
    let mut seed = 23;
    let machine = Machine::new();
    machine.load(HEAVY, CAPACITY * 5.0, SECOND * 30, &mut seed).await;
    let early = machine.load(HEAVY, CAPACITY * 5.0, SECOND * 30, &mut seed).await;
    machine.load(HEAVY, CAPACITY * 5.0, SECOND * 300, &mut seed).await;
    let late = machine.load(HEAVY, CAPACITY * 5.0, SECOND * 30, &mut seed).await;
    // At the floor a request takes what 64 of them take on two cores; that is as far as the measure can go.
    let at_the_floor = HEAVY.core * (FLOOR as u32) / 2;
    let known = machine.references[0].get().unwrap();
    assert!(known <= at_the_floor.mul_f64(1.25), "{known:?}");
    for tally in [early, late] {
        // Twice the measure, a quarter for its own error, and the one step up that was too many.
        assert!(
            tally.highest_limit <= FLOOR * 4 && tally.lowest_limit >= FLOOR,
            "{tally:?}"
        );
        assert_eq!(tally.out_of_time, 0, "{tally:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_service_with_little_to_do_and_two_slow_handlers_turns_nobody_away() {
    let (slow, slower) = (
        Work {
            route: 0,
            wait: SECOND * 4,
            core: MS,
        },
        Work {
            route: 1,
            wait: MS * 800,
            core: MS,
        },
    );
    let machine = Machine::new();
    let quick = Work {
        route: 2,
        wait: MS,
        core: MS,
    };
    let (mut one, mut two, mut three) = (3, 5, 9);
    // Forty of one and forty of the other at once, most of the time, and quick ones between them.
    let tallies = futures_util::join!(
        machine.load(slow, 10.0, SECOND * 120, &mut one),
        machine.load(slower, 50.0, SECOND * 120, &mut two),
        machine.load(quick, 100.0, SECOND * 120, &mut three),
    );
    for tally in [tallies.0, tallies.1, tallies.2] {
        assert_eq!(tally.refused, 0, "{tally:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_dependency_that_became_slow_for_good_costs_a_moment_and_not_the_limit() {
    let mut seed = 31;
    let machine = Machine::new();
    let quick = Work {
        route: 0,
        wait: MS * 100,
        core: Duration::ZERO,
    };
    let slow = Work {
        wait: MS * 900,
        ..quick
    };
    machine.load(quick, 300.0, SECOND * 20, &mut seed).await;
    let first = machine.load(slow, 300.0, SECOND * 20, &mut seed).await;
    let then = machine.load(slow, 300.0, SECOND * 60, &mut seed).await;
    assert!(first.refused < 300 * 20 / 2, "{first:?}");
    assert_eq!(then.refused, 0, "{then:?}");
}

#[tokio::test(start_paused = true)]
async fn work_is_turned_away_before_control_is() {
    let admission = Admission::default();
    let mut places = Vec::new();
    while let Ok(place) = admission.enter(Priority::Work) {
        assert!(!place.is_reserved());
        places.push(place);
    }
    assert_eq!(places.len(), IN_FLIGHT_MAX - IN_FLIGHT_MAX / RESERVE);
    while let Ok(place) = admission.enter(Priority::Control) {
        assert!(place.is_reserved());
        places.push(place);
    }
    assert_eq!(places.len(), IN_FLIGHT_MAX);
    let refused = admission.enter(Priority::Control).unwrap_err();
    assert_eq!((refused.kind(), refused.is_unprocessed()), (Kind::Overloaded, true));
    drop(places);
    assert_eq!(admission.in_flight(), 0);
}

#[tokio::test]
async fn streams_and_waits_take_no_place_of_the_others() {
    let admission = Admission::default();
    let streams: Vec<_> = std::iter::from_fn(|| admission.stream(None).ok()).collect();
    let waits: Vec<_> = std::iter::from_fn(|| admission.wait().ok()).collect();
    assert_eq!((streams.len(), waits.len()), (STREAMS_MAX, WAITS_MAX));
    assert!(admission.enter(Priority::Work).is_ok());
    drop(streams);
    assert!(admission.stream(None).is_ok() && admission.wait().is_err());
}
