//! The whole fleet in one process: from the start of the process to nine healthy, and what it holds when idle.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::table::{Table, median};

/// How long the fleet is left alone before its memory is looked at: past its first background work.
const IDLE: Duration = Duration::from_secs(3);

pub(crate) fn measure(table: &mut Table, rounds: usize) {
    let (mut boots, mut sizes) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        let folder = tempfile::tempdir().expect("a folder");
        let begun = Instant::now();
        let mut fleet = Command::new(env!("CARGO_BIN_EXE_blackroad"))
            .args(["up", "--port", "0", "--data-dir"])
            .arg(folder.path())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the fleet starts");
        let lines = BufReader::new(fleet.stdout.take().expect("its output")).lines();
        let mut healthy = 0;
        for line in lines.map_while(Result::ok) {
            healthy += usize::from(line.contains("healthy"));
            if line.contains("the fleet is up") {
                break;
            }
        }
        assert_eq!(healthy, 9, "nine services are healthy");
        boots.push(begun.elapsed().as_secs_f64() * 1_000.0);
        std::thread::sleep(IDLE);
        let status = std::fs::read_to_string(format!("/proc/{}/status", fleet.id())).unwrap_or_default();
        let kilobytes = status.lines().find_map(|line| {
            line.strip_prefix("VmRSS:")?
                .split_whitespace()
                .next()?
                .parse::<f64>()
                .ok()
        });
        sizes.push(kilobytes.unwrap_or(f64::NAN) / 1_024.0);
        fleet.kill().expect("it is killed");
        fleet.wait().expect("it ends");
    }
    let (boot, size) = (median(boots), median(sizes));
    table.row(
        "the fleet's boot, from exec to nine healthy, empty disk",
        format!("{boot:.0} ms"),
        "< 150 ms",
        boot < 150.0,
    );
    table.row(
        "the fleet's idle memory",
        format!("{size:.0} MiB resident"),
        "< 80 MB",
        size < 80.0,
    );
}
