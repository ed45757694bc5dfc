//! What a call costs, beside bare axum and reqwest and whatever else is named: the table of calls in docs/benchmarks.md.
//!
//! ```console
//! $ cargo bench -p syscall-sdk --bench rpc                 # ours and the bare parts
//! $ cargo bench -p syscall-sdk --bench rpc -- tcp bare     # some of them
//! $ cargo bench -p syscall-sdk --bench rpc -- --quick      # a look whether it works
//! $ cargo bench -p syscall-sdk --bench rpc -- --peer tonic "blackroad-bench-rpc drive tonic"
//! ```
//!
//! Each candidate is two processes, one that calls and one that serves, so that the processor time of each is its own. They run at the
//! same time and measure in turn, A B C A B C …; who is not measured rests.

mod bare;
mod candidate;
mod drive;
mod guarded;
mod ours;
mod table;

use std::time::Duration;

use candidate::Candidate;
use drive::{Server, drive};
use ours::{By, Network, Process};
use table::Table;

/// Calls at once.
const IN_FLIGHT: [usize; 3] = [1, 64, 512];
/// What is measured here, by the word that chooses it and the name that it is shown by.
const OURS: [(&str, &str); 7] = [
    ("tcp", table::OURS),
    ("guarded", table::GUARDED),
    ("unix", "ours, unix socket"),
    ("process", "ours, in process"),
    ("bare", table::BARE),
    ("client", table::CLIENT),
    ("hyper", table::HYPER),
];
/// Before anything is counted: connections are opened, and caches filled.
const WARM_UP: Duration = Duration::from_millis(300);

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["serve", kind] => serve(kind),
        ["drive", kind] => candidate(kind),
        _ => measure(words),
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a runtime")
}

fn serve(kind: &str) {
    match kind {
        "ours" => runtime().block_on(ours::serve(&[])),
        "guarded" => runtime().block_on(ours::serve(&guarded::variables())),
        _ => runtime().block_on(bare::serve()),
    }
}

fn candidate(kind: &str) {
    let runtime = runtime();
    let network = |server: &str, by| {
        let server = Server::start(server);
        let minter = (kind == "guarded").then(guarded::minter);
        let network = runtime.block_on(Network::of(&server.addresses, by, minter));
        drive(&runtime, Some(server.id()), async || network.caller());
    };
    match kind {
        "tcp" => network("ours", By::Tcp),
        "guarded" => network("guarded", By::Tcp),
        "unix" => network("ours", By::Unix),
        "client" => network("bare", By::Tcp),
        "process" => {
            let process = runtime.block_on(Process::start());
            drive(&runtime, None, async || process.caller());
        }
        "hyper" => {
            let server = Server::start("bare");
            let address = &server.addresses[0];
            drive(&runtime, Some(server.id()), async || {
                bare::Hyper::connect(address).await
            });
        }
        _ => {
            let server = Server::start("bare");
            syscall_sdk::transport::install_tls();
            let http = reqwest::Client::builder().no_proxy().build().expect("a client");
            let url = format!("http://{}/echo", server.addresses[0]);
            drive(&runtime, Some(server.id()), async || bare::Reqwest {
                http: http.clone(),
                url: url.clone(),
            });
        }
    }
}

/// What the words ask for.
struct Wanted {
    ours: Vec<String>,
    peers: Vec<(String, Vec<String>)>,
    quick: bool,
}

impl Wanted {
    fn read(words: Vec<String>) -> Self {
        let mut wanted = Wanted {
            ours: Vec::new(),
            peers: Vec::new(),
            quick: false,
        };
        let mut words = words.into_iter();
        while let Some(word) = words.next() {
            match word.as_str() {
                "--peer" => {
                    let (name, command) = words.next().zip(words.next()).expect("--peer NAME COMMAND");
                    let command = command.split_whitespace().map(str::to_owned).collect();
                    wanted.peers.push((name, command));
                }
                // `cargo test --benches` asks for a quick look too.
                "--quick" | "--test" => wanted.quick = true,
                // `cargo bench` passes it.
                "--bench" => {}
                _ => wanted.ours.push(word),
            }
        }
        wanted
    }
}

fn measure(words: Vec<String>) {
    let wanted = Wanted::read(words);
    let (rounds, lasts) = if wanted.quick {
        (1, Duration::from_millis(200))
    } else {
        (5, Duration::from_secs(2))
    };
    let program = std::env::current_exe()
        .expect("this program has a path")
        .display()
        .to_string();
    let ours = OURS
        .iter()
        .filter(|(word, _)| wanted.ours.is_empty() || wanted.ours.iter().any(|wanted| wanted == word))
        .map(|(word, name)| {
            (
                (*name).to_owned(),
                [&program, "drive", word].map(str::to_owned).to_vec(),
            )
        });
    let mut table = Table::default();
    let mut candidates = Vec::new();
    for (name, command) in ours.chain(wanted.peers) {
        match Candidate::start(&name, &command) {
            Ok(candidate) => candidates.push(candidate),
            Err(why) => table.absent(&name, why),
        }
    }
    for in_flight in IN_FLIGHT {
        candidates.retain_mut(|candidate| match candidate.round(in_flight, WARM_UP) {
            Ok(_) => true,
            Err(why) => {
                table.absent(&candidate.name, why);
                false
            }
        });
        for number in 0..rounds {
            candidates.retain_mut(|candidate| match candidate.round(in_flight, lasts) {
                Ok(round) => {
                    table.add(in_flight, number, &candidate.name, round);
                    true
                }
                Err(why) => {
                    table.absent(&candidate.name, why);
                    false
                }
            });
        }
    }
    table.print();
}
