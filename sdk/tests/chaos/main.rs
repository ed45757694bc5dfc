//! `kill -9`, again and again, against real processes under a mixed load, with a ledger outside: on a file, on PostgreSQL whose server
//! restarts and whose connections are cut, and on two replicas of which one dies.
//!
//! `cargo test --test chaos` kills 20 times, `make chaos` ten times as often. `--kills 50` says how often, `--seed 7` which moments. The
//! moments are the seed's; what the processes were about in them is not, since they run beside each other as in life.

#![expect(
    clippy::disallowed_methods,
    reason = "the bans are the kernel's: here a driver and the processes that it kills stand outside of it"
)]
#![expect(
    clippy::unwrap_used,
    reason = "a test that meets what it does not expect stops there"
)]

mod audit;
mod client;
mod effects;
mod ledger;
mod load;
mod process;
mod table;
mod trial;
mod worker;

use std::process::ExitCode;

use trial::{Place, Plan};

/// What the binary is called where the names of tests are asked for.
const NAME: &str = "nothing_acknowledged_is_lost_however_often_it_is_killed";
/// Kills of an ordinary run.
const KILLS: u64 = 20;
/// Kills of a process that keeps nothing.
const FORGETFUL: u64 = 1;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["serve", serial, effects] => return worker::run(serial, effects),
        [.., "--list"] | ["--list", ..] => {
            println!("{NAME}: test");
            return ExitCode::SUCCESS;
        }
        _ => {}
    }
    let number = |name| {
        let at = words.iter().position(|word| *word == name)?;
        Some(words.get(at + 1)?.parse().expect("a number"))
    };
    let kills: u64 = number("--kills").unwrap_or(KILLS);
    let seed: u64 = number("--seed").unwrap_or(1);
    // A word alone is a filter of tests, as everywhere.
    let filter = words.first().filter(|word| !word.starts_with('-'));
    if filter.is_some_and(|filter| !NAME.contains(filter)) {
        return ExitCode::SUCCESS;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    runtime.unwrap().block_on(drive(kills, seed))
}

async fn drive(kills: u64, seed: u64) -> ExitCode {
    syscall_sdk::transport::install_tls();
    println!("{kills} kills, seed {seed}");
    let plan = |name, place, share: u64, salt| Plan {
        name,
        place,
        kills: share,
        seed: seed.wrapping_mul(1_000).wrapping_add(salt),
    };
    let (on_file, in_database) = (kills * 2 / 5, kills * 3 / 10);
    // Beside each other, since the ones in a database wait for leases much of their time.
    let trials = tokio::join!(
        trial::run(plan("file", Place::File, on_file, 1)),
        trial::run(plan("PostgreSQL", Place::Database { replicas: 1 }, in_database, 2)),
        trial::run(plan(
            "two replicas",
            Place::Database { replicas: 2 },
            kills - on_file - in_database,
            3
        )),
    );
    let forgetful = trial::run(plan("memory", Place::Nowhere, FORGETFUL, 4)).await;
    assert!(
        forgetful.lost > 0 && !forgetful.faults.is_empty(),
        "a store that forgets was not found out, so nothing is proved"
    );
    let reports = [trials.0, trials.1, trials.2];
    table::print(&reports);
    let faults: Vec<&String> = reports.iter().flat_map(|report| &report.faults).collect();
    for fault in &faults {
        println!("fault: {fault}");
    }
    if faults.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
