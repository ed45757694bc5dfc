//! Durable publishing by one and by 64, and reading a log back from its start.

use std::sync::Arc;
use std::time::Instant;

use syscall_sdk::events::Events;
use syscall_sdk::name::TopicFilter;
use syscall_sdk::store::{Batch, Op};

use crate::Effort;
use crate::ground::Ground;
use crate::life::{Life, nothing, payload};
use crate::load::run;
use crate::table::{Aim, Cell, Table};

/// Events that are read back, times the effort.
const EVENTS: usize = 2_000;

pub(crate) async fn measure(ground: &Ground<'_>, table: &mut Table, effort: Effort) {
    let life = Arc::new(Life::new(ground.open("bench").await, "bench", nothing()));
    for (publishers, question) in [
        (1, "7 durable publish, 1 publisher"),
        (64, "7 durable publish, 64 publishers"),
    ] {
        let load = run(publishers, effort, |_| {
            let events = life.events.clone();
            move |n| {
                let events = events.clone();
                async move {
                    let emitted = events.emit("order:placed", Some(payload(n))).await;
                    drop(emitted.expect("the store takes it"));
                }
            }
        })
        .await;
        let cell = Cell {
            value: load.rate,
            unit: "/s",
            more: format!("p50 {:.2} ms, p99 {:.2} ms", load.p50, load.p99),
            aim: match (publishers, ground.is_disk()) {
                (1, _) => Aim::None,
                (_, true) => Aim::Least(20_000.0),
                (_, false) => Aim::Least(5_000.0),
            },
        };
        table.cell(question, ground.name(), cell);
    }
    let (after, wanted) = (life.events.head(), EVENTS * effort.scale);
    for first in (0..wanted).step_by(500) {
        let ops = (first..wanted.min(first + 500))
            .map(|n| Op::Emit(Events::emit_op("order:placed", Some(payload(n as u64))).expect("a topic")))
            .collect();
        let at = life.clock.now();
        life.store.commit(Batch { at, ops }).await.expect("the store takes it");
    }
    let mut rates = Vec::new();
    for _ in 0..effort.rounds {
        let mut follow = life
            .events
            .follow(TopicFilter::parse(None).expect("every topic"), after, None);
        let (begun, mut read) = (Instant::now(), 0);
        while read < wanted {
            read += follow.next().await.expect("it is read").len();
        }
        rates.push(read as f64 / begun.elapsed().as_secs_f64());
    }
    let cell = Cell {
        value: crate::load::median(rates),
        unit: "/s",
        more: format!("{wanted} events, one reader"),
        aim: Aim::Least(200_000.0),
    };
    table.cell("7 replay of a log, through the library", ground.name(), cell);
    if let Ok(life) = Arc::try_unwrap(life) {
        life.end().await;
    }
}
