//! What a trial came to, against what it may come to.

use crate::caller::{CALLERS, Call, Records, Traffic};

/// The most of all attempts that may go to the ill replica in the second after the first. It is due a third; a breaker lets one probe
/// through each half second or more, which is some 0.3 % of 600 calls, and of the 60 that a machine makes that is ten times as busy 3 %.
const SHARE_MAX: f64 = 0.05;
/// The ratio of the slowest of a hundred calls that is aimed at.
const P99_RATIO_AIM: f64 = 3.0;
/// A second, in the microseconds of the records.
const SECOND: u64 = 1_000_000;
/// Errors that are shown of one trial: they are alike.
const SHOWN: usize = 3;

/// When what happened, in microseconds since 1970.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Times {
    pub(crate) begun: u64,
    pub(crate) struck: u64,
    pub(crate) ended: u64,
}

/// What a trial came to.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) name: &'static str,
    pub(crate) records: Records,
    times: Times,
    /// The share of attempts that went to the ill replica in the first second, and in the next.
    shares: Option<(f64, f64)>,
    pub(crate) faults: Vec<String>,
}

impl Report {
    pub(crate) fn of_fault(name: &'static str, records: Records, times: Times, ill: &str) -> Self {
        let first = share(&records, ill, times.struck, times.struck + SECOND);
        let next = share(&records, ill, times.struck + SECOND, times.ended);
        let mut report = Report {
            name,
            records,
            times,
            shares: Some((first, next)),
            faults: Vec::new(),
        };
        report.fail_where_any_failed(false);
        if failures(&report.records, ill, times.struck, times.ended) == 0 {
            report
                .faults
                .push(format!("{name}: nobody felt it, so nothing is proved"));
        }
        if next > SHARE_MAX {
            report.faults.push(format!(
                "{name}: after a second the ill replica still gets {:.1} % of all attempts; at most {:.0} % is allowed",
                next * 100.0,
                SHARE_MAX * 100.0
            ));
        }
        report
    }

    pub(crate) fn of_rollout(name: &'static str, records: Records, times: Times) -> Self {
        let mut report = Report {
            name,
            records,
            times,
            shares: None,
            faults: Vec::new(),
        };
        report.fail_where_any_failed(true);
        report
    }

    /// No call that may be repeated fails, ever; of the others none where nothing is ill.
    fn fail_where_any_failed(&mut self, once_too: bool) {
        let errors = self.records.calls.iter().filter(|call| !call.once || once_too);
        let errors: Vec<&String> = errors.filter_map(|call| call.error.as_ref()).collect();
        let shown = errors
            .iter()
            .take(SHOWN)
            .map(|error| format!("{}: of {} calls that failed: {error}", self.name, errors.len()))
            .collect::<Vec<_>>();
        self.faults.extend(shown);
    }

    fn row(&self) -> String {
        let Times { begun, struck, ended } = self.times;
        let failed = |once| {
            let calls = self.records.calls.iter().filter(|call| call.once == once);
            calls.filter(|call| call.error.is_some()).count()
        };
        let of = |once| self.records.calls.iter().filter(|call| call.once == once).count();
        let ill = took(&self.records, struck, ended);
        let (healthy, ratio) = if self.shares.is_some() {
            let healthy = took(&self.records, begun, struck);
            let ratio = quantile(&ill, 0.99) / quantile(&healthy, 0.99);
            let aim = if ratio <= P99_RATIO_AIM { "met" } else { "missed" };
            (
                format!("{:.1} / {:.1} ms", quantile(&healthy, 0.5), quantile(&healthy, 0.99)),
                format!("{ratio:.1} ({aim})"),
            )
        } else {
            ("".to_owned(), "".to_owned())
        };
        let shares = self.shares.map_or_else(
            || " | ".to_owned(),
            |(first, next)| format!("{:.1} % | {:.1} %", first * 100.0, next * 100.0),
        );
        format!(
            "| {} | {} of {} | {} of {} | {shares} | {healthy} | {:.1} / {:.1} ms | {ratio} |",
            self.name,
            failed(false),
            of(false),
            failed(true),
            of(true),
            quantile(&ill, 0.5),
            quantile(&ill, 0.99),
        )
    }
}

pub(crate) fn print(reports: &[Report]) {
    println!("{CALLERS} callers of what may be done twice; three replicas, one of them ill");
    println!(
        "| fault | failed | failed, of those that nobody may repeat | share of the ill one, first second | next second | p50 / p99 before | p50 / p99 after | p99, aim {P99_RATIO_AIM} |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    for report in reports {
        println!("{}", report.row());
    }
}

/// How long calls took that may be repeated and began in a time, in milliseconds, in order.
fn took(records: &Records, from: u64, to: u64) -> Vec<f64> {
    let within = |call: &&Call| !call.once && (from..to).contains(&call.at);
    let calls = records.calls.iter().filter(within);
    let mut took: Vec<f64> = calls.map(|call| call.took as f64 / 1_000.0).collect();
    took.sort_by(f64::total_cmp);
    took
}

fn quantile(sorted: &[f64], share: f64) -> f64 {
    let last = sorted.len().saturating_sub(1);
    sorted
        .get((last as f64 * share).round() as usize)
        .copied()
        .unwrap_or(f64::NAN)
}

/// The share of all attempts in a time that went to an address.
fn share(records: &Records, address: &str, from: u64, to: u64) -> f64 {
    let until = |moment| {
        let traffic = traffic(records, moment);
        let ill = traffic.iter().find(|known| known.address == address);
        let all: u64 = traffic.iter().map(|known| known.attempts).sum();
        (ill.map_or(0, |known| known.attempts) as f64, all as f64)
    };
    let ((ill_before, all_before), (ill_after, all_after)) = (until(from), until(to));
    (ill_after - ill_before) / (all_after - all_before)
}

/// How many attempts at an address came to nothing in a time.
fn failures(records: &Records, address: &str, from: u64, to: u64) -> u64 {
    let until = |moment| {
        let ill = traffic(records, moment).iter().find(|known| known.address == address);
        ill.map_or(0, |known| known.failures)
    };
    until(to) - until(from)
}

/// What had gone where at a moment.
fn traffic(records: &Records, moment: u64) -> &[Traffic] {
    let samples = records.samples.iter().take_while(|sample| sample.at <= moment);
    samples
        .last()
        .map(|sample| sample.endpoints.as_slice())
        .unwrap_or_default()
}
