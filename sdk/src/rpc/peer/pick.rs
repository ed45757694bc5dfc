use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::replica::Replica;
use crate::policy::Dice;
use crate::resolve::Endpoint;

/// More than this share of the replicas out, and whose breaker is open no longer matters: it is the peer that is ill, or the way to it,
/// and the rest would only be drowned (Finagle's and Envoy's panic threshold).
const PANIC_SHARE: f64 = 0.5;
/// How long a probe waits for a call that may be repeated; then any call is one.
const PROBE_PATIENCE: Duration = Duration::from_secs(5);

/// Who is called next.
pub(super) enum Choice {
    /// This one; a place is taken. Whether the call finds out if it is well again.
    Taken(Arc<Replica>, bool),
    /// Everybody who could be has all the calls that one may have.
    Full,
}

/// What a choice is made by.
pub(super) struct By<'a> {
    /// Who was tried already: only where nobody else is left.
    pub(super) tried: &'a [Endpoint],
    /// Whether a failure of this call would be repaired by another attempt.
    pub(super) repeatable: bool,
    /// Whether any breaker is open.
    pub(super) troubled: bool,
    /// What an answer takes, in seconds, where nothing is known of a replica.
    pub(super) typical: f64,
    pub(super) now: Instant,
    pub(super) dice: &'a Dice,
}

/// Two at random, and of them the one with less to do (Mitzenmacher: "The power of two choices in randomized load balancing", 2001).
pub(super) fn choose(replicas: &[Arc<Replica>], by: &By<'_>) -> Choice {
    if replicas.len() == 1 {
        // One alone is never ejected: an open breaker would only turn its errors into ours.
        return take(&replicas[0], false);
    }
    if !by.troubled && by.tried.is_empty() {
        return two_of(replicas, by);
    }
    let untried: Vec<&Arc<Replica>> = replicas
        .iter()
        .filter(|replica| !by.tried.contains(&replica.endpoint))
        .collect();
    let open = replicas.iter().filter(|replica| !replica.is_closed()).count();
    let panic = open as f64 > replicas.len() as f64 * PANIC_SHARE;
    if panic {
        let some: Vec<&Arc<Replica>> = if untried.is_empty() {
            replicas.iter().collect()
        } else {
            untried
        };
        return least_of(&some, by);
    }
    if let Some(choice) = probe(&untried, by) {
        return choice;
    }
    let closed = |some: &mut dyn Iterator<Item = &Arc<Replica>>| -> Vec<Arc<Replica>> {
        some.filter(|replica| replica.is_closed()).map(Arc::clone).collect()
    };
    for some in [closed(&mut untried.into_iter()), closed(&mut replicas.iter())] {
        if !some.is_empty() {
            return two_of(&some, by);
        }
    }
    // Everybody else was tried, or is open for a share that is no panic yet.
    two_of(replicas, by)
}

/// The one with least to do: whoever is well is asked until it has so much to do that even the ill are worth a try.
fn least_of(replicas: &[&Arc<Replica>], by: &By<'_>) -> Choice {
    let mut by_load: Vec<_> = replicas
        .iter()
        .map(|replica| (replica.load(by.typical, by.now), *replica))
        .collect();
    by_load.sort_by(|one, other| one.0.total_cmp(&other.0));
    by_load
        .into_iter()
        .find_map(|(_, replica)| match take(replica, false) {
            Choice::Full => None,
            taken => Some(taken),
        })
        .unwrap_or(Choice::Full)
}

fn probe(untried: &[&Arc<Replica>], by: &By<'_>) -> Option<Choice> {
    untried
        .iter()
        .filter(|replica| {
            replica
                .due(by.now)
                .is_some_and(|since| by.repeatable || since >= PROBE_PATIENCE)
        })
        .find(|replica| replica.probe(by.now))
        .map(|replica| take(replica, true))
}

fn two_of(replicas: &[Arc<Replica>], by: &By<'_>) -> Choice {
    let first = by.dice.below(replicas.len());
    let mut best = &replicas[first];
    if replicas.len() > 1 {
        // Any but the first, each as likely.
        let second = (first + 1 + by.dice.below(replicas.len() - 1)) % replicas.len();
        let other = &replicas[second];
        if other.load(by.typical, by.now) < best.load(by.typical, by.now) {
            best = other;
        }
    }
    match take(best, false) {
        Choice::Full => replicas
            .iter()
            .filter(|replica| !replica.is_full())
            .find_map(|replica| match take(replica, false) {
                Choice::Full => None,
                taken => Some(taken),
            })
            .unwrap_or(Choice::Full),
        taken => taken,
    }
}

fn take(replica: &Arc<Replica>, probe: bool) -> Choice {
    if replica.enter() {
        return Choice::Taken(Arc::clone(replica), probe);
    }
    if probe {
        replica.give_back_probe(Instant::now());
    }
    Choice::Full
}
