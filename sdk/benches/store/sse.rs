//! Server-sent events through the whole kernel: how soon one arrives, how many a thousand readers get, how fast a log is replayed.

use std::time::{Duration, Instant};

use syscall_sdk::events::Events;
use syscall_sdk::store::{Batch, Op};
use tokio::sync::mpsc;

use crate::fleet::Fleet;
use crate::ground::Ground;
use crate::life::payload;
use crate::load::percentiles;
use crate::probe::{Probe, request};
use crate::table::{Aim, Cell, Table};
use crate::{Effort, raw};

/// Readers of one publisher.
const READERS: usize = 1_000;
/// Events that each of them gets, times the effort.
const EVENTS: u64 = 10;
/// Events that are replayed, times the effort.
const REPLAYED: u64 = 4_000;
/// Events whose way is timed, times the effort.
const TIMED: u64 = 10;
/// The pause before each of those.
const PAUSE: Duration = Duration::from_millis(5);

/// A reader of a stream: it counts messages and checks that their ids only rise.
struct Reader {
    probe: Probe,
    rest: Vec<u8>,
    last: u64,
    count: u64,
}

impl Reader {
    /// Follows from what comes next, or from an id on.
    async fn follow(port: u16, after: Option<u64>) -> Self {
        let mut probe = Probe::connect(port).await;
        let resume = after.map_or(String::new(), |id| format!("last-event-id: {id}\r\n"));
        let head = format!("GET /v1/sys/events?event=order:placed HTTP/1.1\r\nhost: core.localhost\r\n{resume}\r\n");
        probe.begin(head.as_bytes()).await;
        let mut reader = Reader {
            probe,
            rest: Vec::new(),
            last: 0,
            count: 0,
        };
        // The head of the answer says that it follows; a part of the stream may come with it.
        reader.read().await;
        reader
    }

    /// Reads until so many messages have come in all.
    async fn until(&mut self, count: u64) {
        while self.count < count {
            self.read().await;
        }
    }

    async fn read(&mut self) {
        let more = self.probe.more().await;
        self.rest.extend_from_slice(more);
        let mut begin = 0;
        while let Some(length) = self.rest[begin..].iter().position(|byte| *byte == b'\n') {
            let line = &self.rest[begin..begin + length];
            if let Some(id) = line.strip_prefix(b"id: ") {
                let digits = id.iter().take_while(|byte| byte.is_ascii_digit());
                let id = digits.fold(0, |id, digit| id * 10 + u64::from(digit - b'0'));
                assert!(id > self.last, "{id} comes after {}", self.last);
                self.last = id;
                self.count += 1;
            }
            begin += length + 1;
        }
        self.rest.drain(..begin);
    }
}

fn emit() -> Vec<u8> {
    let body = format!(r#"{{"event":"order:placed","data":{}}}"#, payload(7).text());
    request("POST", "/v1/sys/event", &body)
}

pub(crate) async fn measure(ground: &Ground<'_>, table: &mut Table, effort: Effort) {
    let fleet = Fleet::start(ground).await;
    arrival(&fleet, ground, table, effort).await;
    readers(&fleet, ground, table, effort).await;
    replay(&fleet, ground, table, effort).await;
    fleet.stop().await;
}

/// From before the request that emits to the message at the one reader.
async fn arrival(fleet: &Fleet, ground: &Ground<'_>, table: &mut Table, effort: Effort) {
    let (mut reader, mut publisher) = (Reader::follow(fleet.port, None).await, Probe::connect(fleet.port).await);
    let (emit, mut took) = (emit(), Vec::new());
    for n in 0..TIMED * effort.scale as u64 {
        tokio::time::sleep(PAUSE).await;
        let begun = Instant::now();
        let arrives = async {
            reader.until(n + 1).await;
            begun.elapsed()
        };
        let ((), arrived) = tokio::join!(publisher.ask(&emit), arrives);
        took.push(arrived);
    }
    let (p50, p99) = percentiles(&mut took);
    let sync = raw::sync_after(PAUSE, effort.lasts);
    let cell = Cell {
        value: p50,
        unit: "ms",
        more: format!("p99 {p99:.2} ms, one sync after the same pause {sync:.2} ms"),
        aim: Aim::Most(sync + 1.0),
    };
    table.cell("13 from emit to the message at an SSE reader, p50", ground.name(), cell);
}

/// One publisher that emits as fast as it is answered, and a thousand readers.
async fn readers(fleet: &Fleet, ground: &Ground<'_>, table: &mut Table, effort: Effort) {
    let events = EVENTS * effort.scale as u64;
    let (tell, mut told) = mpsc::unbounded_channel();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..READERS {
        let mut reader = Reader::follow(fleet.port, None).await;
        let tell = tell.clone();
        tasks.spawn(async move {
            reader.until(events).await;
            // Nobody listens where another reader has failed.
            let _ = tell.send(reader.count);
        });
    }
    let mut publisher = Probe::connect(fleet.port).await;
    let (emit, begun) = (emit(), Instant::now());
    for _ in 0..events {
        publisher.ask(&emit).await;
    }
    let published = begun.elapsed();
    let mut delivered = 0;
    for _ in 0..READERS {
        delivered += told.recv().await.expect("every reader gets all");
    }
    let seconds = begun.elapsed().as_secs_f64();
    assert_eq!(
        delivered,
        events * READERS as u64,
        "nothing is lost, nothing comes twice"
    );
    let cell = Cell {
        value: delivered as f64 / seconds,
        unit: "/s",
        more: format!(
            "{delivered} of {events} events in {seconds:.1} s, published in {:.1} s",
            published.as_secs_f64()
        ),
        aim: Aim::Least(100_000.0),
    };
    table.cell("13 deliveries to 1,000 SSE readers, nothing lost", ground.name(), cell);
}

/// One reader that comes back with an old `Last-Event-ID`.
async fn replay(fleet: &Fleet, ground: &Ground<'_>, table: &mut Table, effort: Effort) {
    let (wanted, after) = (REPLAYED * effort.scale as u64, fleet.kernel.events.head());
    for first in (0..wanted).step_by(500) {
        let ops = (first..wanted.min(first + 500))
            .map(|n| Op::Emit(Events::emit_op("order:placed", Some(payload(n))).expect("a topic")))
            .collect();
        let at = fleet.kernel.clock.now();
        let batch = Batch { at, ops };
        fleet.kernel.store.commit(batch).await.expect("the store takes it");
    }
    let mut rates = Vec::new();
    for _ in 0..effort.rounds {
        let begun = Instant::now();
        let mut reader = Reader::follow(fleet.port, Some(after)).await;
        reader.until(wanted).await;
        rates.push(wanted as f64 / begun.elapsed().as_secs_f64());
    }
    let cell = Cell {
        value: crate::load::median(rates),
        unit: "/s",
        more: format!("{wanted} events, one reader"),
        aim: Aim::Least(200_000.0),
    };
    table.cell("13 replay of a log over SSE", ground.name(), cell);
}
