//! Whether a large store is as quick as a nearly empty one: claims, lists and gets among ten million ended jobs, a million waiting
//! ones, ten million events and a million keys.
//!
//! It takes some minutes and 10 GB of disk, so it runs when it is named (`scale`) and not otherwise. `--size N` says how many
//! jobs wait, with ten times as many ended jobs and events; `--folder DIR` keeps the file there and finds it again the next time.

mod ask;
mod copy;
mod fill;

use std::sync::Arc;
use std::time::Instant;

use crate::ground::Ground;
use crate::life::{Life, nothing};
use crate::table::{Aim, Cell, Table};

/// Jobs that wait, unless said; there are as many keys, and ten times as many ended jobs and events.
pub(crate) const SIZE: u64 = 1_000_000;
/// The same of the nearly empty store.
const SMALL: u64 = 500;
/// Ended jobs and events that are made by commits; of a file the rest are copies of them.
const MADE: u64 = 20_000;
/// How much longer a question may take of a large store.
const AIM: f64 = 2.0;

/// Measures a small store and a large one, in that order.
pub(crate) async fn measure(small: &Ground<'_>, large: &Ground<'_>, size: u64, table: &mut Table) {
    let before = filled(small, SMALL).await;
    let after = filled(large, size).await;
    for ((what, before), (_, after)) in before.into_iter().zip(after) {
        let cell = Cell {
            value: after / before,
            unit: "×",
            more: format!(
                "{:.0} µs, {:.0} µs on a nearly empty one",
                after * 1_000.0,
                before * 1_000.0
            ),
            aim: Aim::Most(AIM),
        };
        table.cell(&format!("14 {what}"), large.name(), cell);
    }
}

/// Fills a store where it is not filled yet, and asks it. Times are in milliseconds.
async fn filled(ground: &Ground<'_>, size: u64) -> Vec<(&'static str, f64)> {
    let made = if ground.is_disk() {
        (10 * size).min(MADE)
    } else {
        10 * size
    };
    let life = live(ground).await;
    fill::logs(&life, made).await;
    let copied = life.store.stats().await.expect("it is read").events > made;
    end(life).await;
    if !copied && 10 * size >= 2 * made {
        copy::copy(&ground.folder().join("store.db"), 10 * size / made - 1);
    }
    let life = live(ground).await;
    fill::the_rest(&life, size).await;
    let stats = life.store.stats().await.expect("it is read");
    eprintln!("{}: {stats:?}", ground.name());
    end(life).await;

    let begun = Instant::now();
    let life = live(ground).await;
    let mut asked = vec![("open", begun.elapsed().as_secs_f64() * 1_000.0)];
    asked.extend(ask::everything(&life, size).await);
    end(life).await;
    asked
}

async fn live(ground: &Ground<'_>) -> Arc<Life> {
    Arc::new(Life::new(ground.open("bench").await, "bench", nothing()))
}

async fn end(life: Arc<Life>) {
    if let Ok(life) = Arc::try_unwrap(life) {
        life.end().await;
    }
}
