//! Ratios from one run: the kernel against the bare parts that it is made of. `make bench` prints the table.
//!
//! Each pair is measured in turn, A B A B …, and the median of the pairwise ratios is shown: a machine that slows down slows both.

mod boot;
mod calls;
mod health;
mod load;
mod puts;
mod table;

use table::Table;

fn main() {
    // `cargo bench` passes its own words; `cargo test --benches` asks for a quick look.
    let quick = std::env::args().any(|word| word == "--test");
    let rounds = if quick { 1 } else { 5 };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let table = runtime.block_on(async {
        let mut table = Table::default();
        calls::measure(&mut table, rounds, quick).await;
        health::measure(&mut table, rounds, quick).await;
        puts::measure(&mut table, rounds, quick).await;
        table
    });
    runtime.shutdown_timeout(std::time::Duration::from_secs(1));
    let mut table = table;
    boot::measure(&mut table, rounds);
    table.print();
}
