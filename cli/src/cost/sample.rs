//! What `/metrics` says of a process at a moment, and what two such moments say of the time between.

use std::collections::BTreeMap;

use super::price::Use;

/// How far two moments may put the same start of a process apart, in seconds: the answer was on its way.
const SAME_START: f64 = 2.0;
/// Shortest time between two moments that says anything, in seconds.
const SPAN_MIN: f64 = 0.5;

/// What was read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Sample {
    /// When, in seconds since any fixed moment.
    pub(super) at: f64,
    uptime: f64,
    memory_bytes: f64,
    cpu_seconds: f64,
    egress_bytes: f64,
}

impl Sample {
    /// Reads the text format; none where a figure is missing.
    pub(super) fn read(at: f64, exposition: &str) -> Option<Self> {
        let figure = |name: &str| {
            exposition
                .lines()
                .find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.trim().parse().ok())
        };
        Some(Sample {
            at,
            uptime: figure("syscall_uptime_seconds")?,
            memory_bytes: figure("process_resident_memory_bytes")?,
            cpu_seconds: figure("process_cpu_seconds_total")?,
            egress_bytes: figure("http_response_bytes_total{to=\"public\"}")?,
        })
    }

    /// Whether both are of one process: behind one name there may be several, and a deploy may have come between.
    fn is_of_the_process_of(&self, other: &Sample) -> bool {
        ((self.at - self.uptime) - (other.at - other.uptime)).abs() < SAME_START
    }
}

/// What a service of several processes used.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Measured {
    /// One process of it, on average; what left is that of all that were seen.
    pub(super) one: Use,
    /// How many processes answered.
    pub(super) seen: u32,
}

/// What was used between the first and the last sample of each process; none where no process was seen twice.
pub(super) fn used(samples: &[Sample]) -> Option<Measured> {
    let mut processes: BTreeMap<usize, Vec<&Sample>> = BTreeMap::new();
    for (index, sample) in samples.iter().enumerate() {
        let known = processes
            .iter()
            .find(|(_, of)| of.iter().any(|other| sample.is_of_the_process_of(other)));
        let key = known.map_or(index, |(key, _)| *key);
        processes.entry(key).or_default().push(sample);
    }
    let each: Vec<Use> = processes.values().filter_map(|of| between(of)).collect();
    let seen = u32::try_from(each.len()).ok().filter(|seen| *seen > 0)?;
    let average = |of: fn(&Use) -> f64| each.iter().map(of).sum::<f64>() / f64::from(seen);
    Some(Measured {
        one: Use {
            memory_bytes: average(|used| used.memory_bytes),
            cpus: average(|used| used.cpus),
            egress_rate: each.iter().map(|used| used.egress_rate).sum(),
        },
        seen,
    })
}

fn between(samples: &[&Sample]) -> Option<Use> {
    let (first, last) = (samples.first()?, samples.last()?);
    let span = last.at - first.at;
    if span < SPAN_MIN {
        return None;
    }
    let memory: f64 = samples.iter().map(|sample| sample.memory_bytes).sum();
    Some(Use {
        memory_bytes: memory / samples.len() as f64,
        cpus: (last.cpu_seconds - first.cpu_seconds).max(0.0) / span,
        egress_rate: (last.egress_bytes - first.egress_bytes).max(0.0) / span,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(uptime: f64, cpu: f64, sent: u64) -> String {
        format!(
            "# TYPE syscall_uptime_seconds gauge\nsyscall_uptime_seconds {uptime}\nprocess_resident_memory_bytes 50000000\n\
             process_cpu_seconds_total {cpu}\nhttp_response_bytes_total{{to=\"private\"}} 9\nhttp_response_bytes_total{{to=\"public\"}} {sent}\n"
        )
    }

    fn sample(at: f64, uptime: f64, cpu: f64, sent: u64) -> Sample {
        Sample::read(at, &text(uptime, cpu, sent)).expect("all figures are there")
    }

    #[test]
    fn what_was_used_is_the_difference_of_two_moments() {
        let measured = used(&[sample(100.0, 40.0, 1.0, 1_000), sample(110.0, 50.0, 1.5, 6_000)]).unwrap();
        assert_eq!(measured.seen, 1);
        assert!(
            (measured.one.cpus - 0.05).abs() < 1e-9 && (measured.one.egress_rate - 500.0).abs() < 1e-9,
            "{measured:?}"
        );
        assert!((measured.one.memory_bytes - 50e6).abs() < 1.0);
    }

    #[test]
    fn figures_of_two_processes_behind_one_name_are_not_taken_for_one() {
        let samples = [
            sample(100.0, 40.0, 1.0, 0),
            sample(101.0, 900.0, 77.0, 9_000_000),
            sample(110.0, 50.1, 2.0, 10_000),
            sample(111.0, 910.0, 78.0, 9_010_000),
        ];
        let measured = used(&samples).unwrap();
        assert_eq!(measured.seen, 2);
        assert!(
            (measured.one.cpus - 0.1).abs() < 0.01 && (measured.one.egress_rate - 2_000.0).abs() < 20.0,
            "{measured:?}"
        );
        // Each was seen once: nothing is known.
        assert_eq!(used(&samples[..2]), None);
    }

    #[test]
    fn an_exposition_without_the_figures_says_nothing() {
        assert_eq!(Sample::read(0.0, "up 1\n"), None);
        assert_eq!(used(&[]), None);
    }
}
