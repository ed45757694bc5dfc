//! What a run came to.

use std::time::Duration;

/// What a trial came to.
#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) name: &'static str,
    pub(crate) seed: u64,
    pub(crate) kills: u64,
    /// Restarts of the database's server, and cuts of all connections.
    pub(crate) disturbed: u64,
    pub(crate) acknowledged: u64,
    pub(crate) lost: u64,
    /// Jobs and steps whose effect was had again.
    pub(crate) again: u64,
    /// From a kill to the next life's first acknowledged write, or from the return of the database to the next one.
    pub(crate) longest: Duration,
    pub(crate) faults: Vec<String>,
}

pub(crate) fn print(reports: &[Report]) {
    println!(
        "| store | seed | kills | database away | acknowledged | recovered | lost | effects had again | longest recovery |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    for report in reports {
        println!(
            "| {} | {} | {} | {} | {} | {} | {} | {} | {} ms |",
            report.name,
            report.seed,
            report.kills,
            report.disturbed,
            report.acknowledged,
            report.acknowledged.saturating_sub(report.lost),
            report.lost,
            report.again,
            report.longest.as_millis()
        );
    }
}
