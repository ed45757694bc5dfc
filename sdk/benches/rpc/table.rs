//! What is printed: a row a candidate, and what ours came to beside the others.

use crate::candidate::Round;

pub(crate) const OURS: &str = "ours, TCP";
/// The same with a token that is checked and a caller who is counted.
pub(crate) const GUARDED: &str = "ours, TCP, guarded";
pub(crate) const BARE: &str = "axum + reqwest, HTTP/1.1 pool";
pub(crate) const CLIENT: &str = "our client, bare axum";
pub(crate) const HYPER: &str = "hyper alone, bare axum";
/// What peers are named, as sdk/benches/peers/calls.sh names them.
const TONIC: &str = "tonic";
const EXPRESS: &str = "Express + fetch";

/// Rounds by calls in flight, number and candidate, in the order in which they were made.
#[derive(Default)]
pub(crate) struct Table {
    rounds: Vec<(usize, usize, String, Round)>,
    absent: Vec<(String, String)>,
}

impl Table {
    /// A round of a candidate came to this.
    pub(crate) fn add(&mut self, in_flight: usize, number: usize, name: &str, round: Round) {
        eprintln!("{in_flight} in flight, {name}: {:.0}/s", round.rate());
        self.rounds.push((in_flight, number, name.to_owned(), round));
    }

    /// A candidate is not measured, or no longer.
    pub(crate) fn absent(&mut self, name: &str, why: String) {
        eprintln!("{name}: {why}");
        self.absent.push((name.to_owned(), why));
    }

    /// Prints Markdown, as docs/benchmarks.md holds it.
    pub(crate) fn print(&self) {
        println!(
            "\n| in flight | what | calls/s | p50 µs | p99 µs | caller's CPU µs a call | callee's CPU µs a call | × bare |"
        );
        println!("|---|---|---|---|---|---|---|---|");
        let mut shown: Vec<(usize, &str)> = Vec::new();
        for (in_flight, _, name, _) in &self.rounds {
            if shown.contains(&(*in_flight, name)) {
                continue;
            }
            shown.push((*in_flight, name));
            let of = |figure: fn(&Round) -> f64| median(self.of(*in_flight, name).map(|(_, round)| figure(round)));
            let cell = |figure: Option<f64>| figure.map_or(String::new(), |figure| format!("{figure:.1}"));
            let server = median(self.of(*in_flight, name).filter_map(|(_, round)| round.server_cpu()));
            let times = self.pairs(*in_flight, name, BARE, |one, other| one.rate() / other.rate());
            println!(
                "| {in_flight} | {name} | {:.0} | {} | {} | {} | {} | {} |",
                of(Round::rate).unwrap_or_default(),
                cell(of(|round| round.p50_us)),
                cell(of(|round| round.p99_us)),
                cell(of(Round::client_cpu)),
                cell(server),
                times.map_or(String::new(), |times| format!("{times:.2}")),
            );
        }
        self.print_aims(&shown);
        for (in_flight, number, name, round) in self.rounds.iter().filter(|(.., round)| round.refused > 0) {
            let (refused, why) = (round.refused, round.why.as_deref().unwrap_or_default());
            println!("\n{refused} calls of {name}, {in_flight} in flight, round {number}, came to no answer: {why}");
        }
        for (name, why) in &self.absent {
            println!("\n{name} is not measured, or not to the end: {why}.");
        }
    }

    fn print_aims(&self, shown: &[(usize, &str)]) {
        println!("\n| in flight | what | figure | aim | |\n|---|---|---|---|---|");
        let mut counts: Vec<usize> = shown.iter().map(|(in_flight, _)| *in_flight).collect();
        counts.dedup();
        let rate = |one: &Round, other: &Round| one.rate() / other.rate();
        for in_flight in counts {
            for (other, least) in [(BARE, 0.9), (TONIC, 1.0), (EXPRESS, 8.0)] {
                if let Some(times) = self.pairs(in_flight, OURS, other, rate) {
                    let what = format!("throughput beside {other}");
                    row(
                        in_flight,
                        &what,
                        format!("{times:.2} ×"),
                        &format!("≥ {least} ×"),
                        times >= least,
                    );
                }
            }
            if let Some(times) = self.pairs(in_flight, GUARDED, OURS, rate) {
                let what = "throughput of guarded beside open";
                row(in_flight, what, format!("{times:.2} ×"), "≥ 0.9 ×", times >= 0.9);
            }
            if let Some(added) = self.pairs(in_flight, OURS, BARE, |one, other| one.p99_us - other.p99_us) {
                let what = format!("p99 added to {BARE}");
                row(in_flight, &what, format!("{added:.0} µs"), "≤ 50 µs", added <= 50.0);
            }
        }
        // With more callers a difference of medians says how they wait for one another.
        if let Some(added) = self.pairs(1, CLIENT, HYPER, |one, other| one.p50_us - other.p50_us) {
            row(
                1,
                "p50 that our client adds to hyper",
                format!("{added:.1} µs"),
                "≤ 5 µs",
                added <= 5.0,
            );
        }
    }

    /// The rounds of one candidate, by number.
    fn of(&self, in_flight: usize, name: &str) -> impl Iterator<Item = (usize, &Round)> {
        self.rounds
            .iter()
            .filter(move |round| round.0 == in_flight && round.2 == name)
            .map(|round| (round.1, &round.3))
    }

    /// The middle of what two candidates come to, round by round.
    fn pairs(&self, in_flight: usize, one: &str, other: &str, compare: fn(&Round, &Round) -> f64) -> Option<f64> {
        median(self.of(in_flight, one).filter_map(|(number, one)| {
            let (_, other) = self.of(in_flight, other).find(|other| other.0 == number)?;
            Some(compare(one, other))
        }))
    }
}

fn row(in_flight: usize, what: &str, figure: String, aim: &str, met: bool) {
    let met = if met { "met" } else { "missed" };
    println!("| {in_flight} | {what} | {figure} | {aim} | {met} |");
}

/// The middle of some figures, where there are any.
fn median(figures: impl Iterator<Item = f64>) -> Option<f64> {
    let mut figures: Vec<f64> = figures.collect();
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied()
}
