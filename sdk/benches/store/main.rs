//! What the durable store carries, through the library, on both backends: the rows of docs/benchmarks.md.
//!
//! ```console
//! $ cargo bench -p syscall-sdk --bench store                      # every row, on the file and on PostgreSQL
//! $ cargo bench -p syscall-sdk --bench store -- drain embedded    # one row family, on one of them
//! ```
//!
//! Words choose rows (`enqueue drain flows state events latency crash idle syncs http sse`) and stores (`embedded postgres`). PostgreSQL is the
//! server that `TEST_DATABASE_URL` names, else the one on 127.0.0.1; a database of the bench's own is made there and dropped at its
//! end. `--json FILE` appends the figures as lines of JSON, which is how they come beside the peers'.

mod crash;
mod drain;
mod enqueue;
mod events;
mod fleet;
mod flows;
mod ground;
mod http;
mod idle;
mod latency;
mod life;
mod load;
mod probe;
mod raw;
mod scale;
mod sse;
mod state;
mod syncs;
mod table;

use std::path::PathBuf;
use std::time::Duration;

use ground::{Ground, Server};
use table::Table;

/// How long and how often is measured.
#[derive(Clone, Copy)]
pub(crate) struct Effort {
    /// One round of a load.
    pub(crate) lasts: Duration,
    /// Rounds, of which the middle one is shown.
    pub(crate) rounds: usize,
    /// What the counts of rows that have a count are multiplied with.
    pub(crate) scale: usize,
}

/// What the words of the command line ask for.
struct Wanted {
    words: Vec<String>,
    json: Option<String>,
    quick: bool,
    size: u64,
    folder: Option<PathBuf>,
}

impl Wanted {
    fn read() -> Self {
        let mut wanted = Wanted {
            words: Vec::new(),
            json: None,
            quick: false,
            size: scale::SIZE,
            folder: None,
        };
        let mut given = std::env::args().skip(1);
        while let Some(word) = given.next() {
            match word.as_str() {
                "--json" => wanted.json = given.next(),
                "--size" => {
                    let size = given.next().and_then(|size| size.parse().ok());
                    wanted.size = size.expect("--size is followed by a number");
                }
                "--folder" => wanted.folder = given.next().map(PathBuf::from),
                // What `cargo test --benches` says.
                "--test" | "--quick" => wanted.quick = true,
                word if word.starts_with("--") => {}
                _ => wanted.words.push(word),
            }
        }
        wanted
    }

    /// Whether the row that takes long is wanted, which nothing but its name asks for.
    fn scale(&self) -> bool {
        self.words.iter().any(|word| word == "scale")
    }

    /// Whether a word of a set is wanted: it is named, or none of its set is.
    fn has(&self, word: &str, set: &[&str]) -> bool {
        let named = |word: &str| self.words.iter().any(|named| named == word);
        named(word) || !set.iter().any(|word| named(word))
    }
}

const ROWS: [&str; 11] = [
    "enqueue", "drain", "flows", "state", "events", "latency", "crash", "idle", "syncs", "http", "sse",
];
const ROWS_AND_SCALE: [&str; 12] = [
    "scale", "enqueue", "drain", "flows", "state", "events", "latency", "crash", "idle", "syncs", "http", "sse",
];
const STORES: [&str; 2] = ["embedded", "postgres"];

fn main() {
    let given: Vec<String> = std::env::args().collect();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    // The bench starts itself for what needs a process of its own.
    match given.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [_, "victim", place, schema] => return runtime.block_on(crash::victim(place, schema)),
        [_, "synced", folder] => return runtime.block_on(syncs::synced(folder)),
        _ => {}
    }
    let wanted = Wanted::read();
    let effort = Effort {
        lasts: Duration::from_millis(if wanted.quick { 100 } else { 2_000 }),
        rounds: if wanted.quick { 1 } else { 3 },
        scale: if wanted.quick { 1 } else { 50 },
    };
    let table = runtime.block_on(measure(&wanted, effort));
    runtime.shutdown_timeout(Duration::from_secs(1));
    table.print();
    if let Some(path) = &wanted.json {
        table.append_json(path);
    }
}

async fn measure(wanted: &Wanted, effort: Effort) -> Table {
    let mut table = Table::default();
    let server = match wanted.has("postgres", &STORES) {
        true => Server::reach().await,
        false => None,
    };
    if wanted.scale() {
        if wanted.has("embedded", &STORES) {
            let kept = wanted.folder.clone().map(Ground::Kept);
            let large = kept.unwrap_or_else(Ground::disk);
            scale::measure(&Ground::disk(), &large, wanted.size, &mut table).await;
        }
        if let Some(server) = &server {
            let (small, large) = (Ground::schema(server), Ground::schema(server));
            scale::measure(&small, &large, wanted.size, &mut table).await;
        }
    }
    for row in ROWS.into_iter().filter(|row| wanted.has(row, &ROWS_AND_SCALE)) {
        if wanted.has("embedded", &STORES) {
            one(row, &Ground::disk, &mut table, effort).await;
        }
        if let Some(server) = &server {
            one(row, &|| Ground::schema(server), &mut table, effort).await;
        }
    }
    if let Some(server) = server {
        server.leave().await;
    }
    table
}

/// Measures one family of rows, on ground that nothing was written to.
async fn one<'a>(row: &str, fresh: &dyn Fn() -> Ground<'a>, table: &mut Table, effort: Effort) {
    let ground = fresh();
    match row {
        "enqueue" => enqueue::measure(&ground, table, effort).await,
        "drain" => drain::measure(&ground, table, effort).await,
        "flows" => flows::measure(&ground, table, effort).await,
        "state" => state::measure(&ground, table, effort).await,
        "events" => events::measure(&ground, table, effort).await,
        "latency" => latency::measure(&ground, table, effort).await,
        "crash" => crash::measure(&ground, table, effort).await,
        "idle" => idle::measure(&ground, table, effort).await,
        "http" => http::measure(&ground, table, effort).await,
        "sse" => sse::measure(&ground, table, effort).await,
        _ => syncs::measure(&ground, table, effort).await,
    }
}
