use std::hint::black_box;
use std::time::Instant;

use super::super::{Access, Caller, Credential, Gate, Minter, Need, Purpose};
use super::Fleet;
use crate::config::Secret;

/// Run it by name, in a release build: `cargo test --release -p syscall-sdk --lib what_authorization_costs -- --ignored --nocapture`.
#[test]
#[ignore = "it measures"]
fn what_authorization_costs() {
    const ROUNDS: u32 = 100_000;
    let fleet = Fleet::new();
    let services = ["operator", "core", "api", "app", "console", "docs", "web", "os", "root"];
    let rights = [
        "event read *",
        "job read *",
        "workflow read *",
        "logs read",
        "metrics read",
        "traces read",
        "rpc * *",
    ];
    let holder = fleet.holder("service:console", &services, &rights);
    let minter = Minter::new(Credential::Holder(Box::new(holder)), fleet.clock.clone()).unwrap();
    let shown = minter.header("core", Purpose::Method("getUserById")).unwrap().unwrap();
    let gate = Gate::guarded("core", fleet.verifier("core"));
    let access = Access::right("rpc");
    let caller = || Caller {
        credential: Some(Secret::new(shown.to_str().unwrap())),
        ..Caller::default()
    };
    let each = |name: &str, rounds: u32, mut work: Box<dyn FnMut() + '_>| {
        work();
        let begun = Instant::now();
        for _ in 0..rounds {
            work();
        }
        println!(
            "{name}: {:.0} ns",
            begun.elapsed().as_nanos() as f64 / f64::from(rounds)
        );
    };
    println!("a token of {} bytes", shown.len());
    each(
        "a caller made of its header",
        ROUNDS,
        Box::new(|| drop(black_box(caller()))),
    );
    each(
        "let in and allowed, checked before",
        ROUNDS,
        Box::new(|| {
            let mut caller = caller();
            gate.admit(&access, &mut caller).unwrap();
            gate.allow(&caller, &Need::rpc("core", "getUserById")).unwrap();
            black_box(&caller);
        }),
    );
    each(
        "shown again while it is fresh",
        ROUNDS,
        Box::new(|| drop(black_box(minter.header("core", Purpose::Method("getUserById"))))),
    );
    let token = shown.to_str().unwrap().strip_prefix("Bearer ").unwrap();
    each(
        "checked for the first time, its parent too",
        200,
        Box::new(|| drop(black_box(fleet.verifier("core").verify(token)))),
    );
}
