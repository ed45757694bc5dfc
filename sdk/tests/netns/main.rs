//! Three replicas of one service in network namespaces, each with an IPv6 address of its own, a name server that knows them, and 64 callers:
//! one replica falls ill in every way that there is, then all three are redeployed under other addresses.
//!
//! Every part is a process of its own: this binary runs itself again, by `ip netns exec`. It takes iproute2 and root; where there is
//! neither, and it is not a continuous integration, it says so and does nothing. `make netns` runs it alone and prints the table.

#![expect(
    clippy::disallowed_methods,
    reason = "the bans are the kernel's: here a driver and the machines around it stand outside of it"
)]
#![expect(
    clippy::unwrap_used,
    reason = "a test that meets what it does not expect stops there"
)]

mod caller;
mod names;
mod network;
mod process;
mod proxy;
mod replica;
mod report;
mod rollout;
mod trial;
mod world;

use std::process::ExitCode;

use trial::Fault;
use world::World;

/// What the binary is called where the names of tests are asked for.
const NAME: &str = "one_ill_replica_of_three_fails_no_call_and_neither_does_a_redeploy_of_all";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["replica", name, ledger] => return run(replica::serve(name, ledger)),
        ["names"] => return run(names::serve()),
        ["proxy", upstream] => return run(proxy::serve(upstream)),
        ["caller", prefix, records] => return run(caller::call(prefix, records)),
        [.., "--list"] | ["--list", ..] => {
            println!("{NAME}: test");
            return ExitCode::SUCCESS;
        }
        _ => {}
    }
    // A word alone is a filter of tests, as everywhere.
    let filter = words.first().filter(|word| !word.starts_with('-'));
    if filter.is_some_and(|filter| !NAME.contains(filter)) {
        return ExitCode::SUCCESS;
    }
    let root = rustix::process::geteuid().is_root();
    if !root && std::env::var_os("CI").is_none() {
        println!("skipped: network namespaces need root; `sudo make netns` runs this test");
        return ExitCode::SUCCESS;
    }
    run(async {
        tokio::select! {
            code = drive() => code,
            // Whatever was made goes with the future.
            signal = syscall_sdk::host::stop_signal() => {
                println!("stopped by {signal}");
                ExitCode::FAILURE
            }
        }
    })
}

fn run(role: impl Future<Output = ExitCode>) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    runtime.unwrap().block_on(role)
}

async fn drive() -> ExitCode {
    let mut world = World::build().await;
    let mut reports = Vec::new();
    for fault in Fault::WHILE_IT_RUNS {
        reports.push(trial::run(&mut world, fault).await);
    }
    reports.push(rollout::run(&mut world).await);
    // Last, since it does not come back.
    reports.push(trial::run(&mut world, Fault::Killed).await);
    report::print(&reports);
    let mut faults: Vec<String> = reports.iter().flat_map(|report| report.faults.clone()).collect();
    // Only now: a replica that was paused may have done late what it was asked before.
    faults.extend(world.close().await.check(&reports));
    for fault in &faults {
        println!("fault: {fault}");
    }
    if faults.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
