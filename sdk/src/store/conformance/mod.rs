//! The contract of a store as a list of cases, each a sentence, that every backend and wrapper must pass.
//!
//! ```
//! # use std::sync::Arc;
//! # use syscall_sdk::store::{Store, conformance, memory::Memory};
//! # tokio::runtime::Builder::new_current_thread().build().expect("a runtime").block_on(async {
//! conformance::run(async |clock| Arc::new(Memory::new(clock)) as Arc<dyn Store>).await;
//! # });
//! ```

mod atomic;
mod bytes;
mod cancels;
mod changes;
mod checks;
mod claims;
mod context;
mod events;
mod expiries;
mod horizon;
mod jobs;
mod kernel;
mod parks;
mod rates;
mod redrives;
mod remembered;
mod retention;
mod schedules;
mod settles;
mod state;
mod turns;
mod uniques;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use futures_util::future::BoxFuture;

use crate::clock::Clock;
use crate::store::Store;

pub use context::Context;

/// A case: it is given an empty store of its own, and the [manual](Clock::manual) clock that this store reads, and panics
/// where a promise is broken.
pub type Case = for<'a> fn(&'a dyn Store, &'a Clock) -> BoxFuture<'a, ()>;

/// All cases, by what they are about.
pub const CASES: &[&[(&str, Case)]] = &[
    state::CASES,
    checks::CASES,
    changes::CASES,
    events::CASES,
    jobs::CASES,
    uniques::CASES,
    claims::CASES,
    turns::CASES,
    rates::CASES,
    settles::CASES,
    cancels::CASES,
    redrives::CASES,
    expiries::CASES,
    parks::CASES,
    schedules::CASES,
    remembered::CASES,
    retention::CASES,
    bytes::CASES,
    horizon::CASES,
    atomic::CASES,
    kernel::CASES,
];

/// Where the clock of each case starts.
pub const START: DateTime<Utc> = DateTime::from_timestamp(1_767_225_600, 0).expect("the start of 2026 is a moment");

/// Runs every case against a store that `open` makes for it; on a broken promise it panics and says which case.
pub async fn run(open: impl AsyncFn(Clock) -> Arc<dyn Store>) {
    for (name, case) in CASES.iter().copied().flatten() {
        let _named = Named(name);
        let clock = Clock::manual(START);
        let store = open(clock.clone()).await;
        case(&*store, &clock).await;
        store.close().await;
    }
}

/// Says which case it was when one panics.
struct Named(&'static str);

impl Drop for Named {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the case that failed: {}", self.0);
        }
    }
}

/// The list of a file's cases.
macro_rules! cases {
    ($($name:ident),* $(,)?) => {
        pub(super) const CASES: &[(&str, super::Case)] = &[
            $((stringify!($name), |store, clock| Box::pin($name(super::Context { store, clock })))),*
        ];
    };
}
use cases;
