//! What the platform asks for what is used.

/// Where the prices stand, and when they were read there.
pub(super) const SOURCE: &str = "https://docs.railway.com/reference/pricing/plans";
pub(super) const READ_ON: &str = "2026-08-21";

/// A GB of memory for a month, in dollars.
const MEMORY_GB_MONTH: f64 = 10.0;
/// A processor for a month.
const CPU_MONTH: f64 = 20.0;
/// A GB to the public network. The private network is free.
const EGRESS_GB: f64 = 0.05;

/// Bytes of the platform's GB: as its examples count.
const GB: f64 = 1e9;
/// A month of 30 days, as the price of a minute (0.000231 of memory, 0.000463 of a processor) says.
pub(super) const MONTH_SECONDS: f64 = 30.0 * 86_400.0;

/// What was used, on average.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Use {
    /// Resident memory, in bytes.
    pub(super) memory_bytes: f64,
    /// Processors that were busy.
    pub(super) cpus: f64,
    /// Bytes a second to the public network.
    pub(super) egress_rate: f64,
}

/// What that comes to in a month, in dollars.
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize)]
pub(super) struct Bill {
    pub(super) memory: f64,
    pub(super) cpu: f64,
    pub(super) egress: f64,
}

impl Bill {
    pub(super) fn of(used: Use) -> Self {
        Bill {
            memory: used.memory_bytes / GB * MEMORY_GB_MONTH,
            cpu: used.cpus * CPU_MONTH,
            egress: used.egress_rate * MONTH_SECONDS / GB * EGRESS_GB,
        }
    }

    /// So many of the same.
    pub(super) fn times(self, count: u32) -> Self {
        let count = f64::from(count);
        Bill {
            memory: self.memory * count,
            cpu: self.cpu * count,
            egress: self.egress,
        }
    }

    pub(super) fn plus(self, other: Bill) -> Self {
        Bill {
            memory: self.memory + other.memory,
            cpu: self.cpu + other.cpu,
            egress: self.egress + other.egress,
        }
    }

    pub(super) fn total(self) -> f64 {
        self.memory + self.cpu + self.egress
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_platforms_own_example_comes_to_what_it_says() {
        // Nine services of 30 MB and five thousandths of a processor: $2.70 and $0.90.
        let one = Bill::of(Use {
            memory_bytes: 30e6,
            cpus: 0.005,
            egress_rate: 0.0,
        });
        let fleet = one.times(9);
        assert!(
            (fleet.memory - 2.7).abs() < 1e-9 && (fleet.cpu - 0.9).abs() < 1e-9,
            "{fleet:?}"
        );
        let minute = 10.0 / (MONTH_SECONDS / 60.0);
        assert!((minute - 0.000_231).abs() < 1e-6, "{minute}");
    }

    #[test]
    fn what_leaves_is_paid_by_the_gb_however_many_it_leaves_from() {
        // A GB in a month.
        let bill = Bill::of(Use {
            egress_rate: 1e9 / MONTH_SECONDS,
            ..Use::default()
        });
        assert!((bill.times(3).egress - 0.05).abs() < 1e-12, "{bill:?}");
    }
}
