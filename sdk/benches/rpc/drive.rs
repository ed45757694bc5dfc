//! One candidate: a process that calls, and one that serves it. The peers' program is made of this file too.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;

/// What a caller waits after a call that came to nothing, so that it does not spend its processor on refusals.
const AFTER_REFUSAL: Duration = Duration::from_millis(1);

/// One caller of a candidate.
pub(crate) trait AsyncCall: Send + 'static {
    /// Makes a call and reads its answer, or says why there is none.
    fn call(&mut self) -> impl Future<Output = Result<(), String>> + Send;
}

/// A server in a process of its own, which is this program with other words. It ends when it is dropped, or when its parent ends.
pub(crate) struct Server {
    child: Child,
    /// Where it listens, in its own words.
    pub(crate) addresses: Vec<String>,
}

impl Server {
    /// Starts one, and waits until it listens.
    pub(crate) fn start(kind: &str) -> Self {
        let program = std::env::current_exe().expect("this program has a path");
        let mut child = Command::new(program)
            .args(["serve", kind])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("this program can be started again");
        let mut line = String::new();
        let said = child.stdout.take().expect("it is piped");
        BufReader::new(said)
            .read_line(&mut line)
            .expect("the server says where it listens");
        Server {
            child,
            addresses: line.split_whitespace().map(str::to_owned).collect(),
        }
    }

    /// Its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Says where a server listens, and blocks until its parent has closed its input.
pub(crate) fn serve_until_closed(addresses: &[String]) {
    println!("{}", addresses.join(" "));
    let mut rest = String::new();
    while std::io::stdin().read_line(&mut rest).is_ok_and(|read| read > 0) {}
}

/// Answers each line `IN_FLIGHT MILLISECONDS` of the standard input with a line of JSON that says what a closed loop of so many callers
/// came to, until the input ends. Callers keep their connections from round to round.
pub(crate) fn drive<C: AsyncCall>(runtime: &Runtime, server: Option<u32>, make: impl AsyncFn() -> C) {
    let mut idle: Vec<C> = Vec::new();
    for line in std::io::stdin().lock().lines() {
        let line = line.expect("the input can be read");
        let (in_flight, millis) = line.split_once(' ').expect("two numbers");
        let in_flight: usize = in_flight.parse().expect("a number");
        let lasts = Duration::from_millis(millis.parse().expect("a number"));
        let round = runtime.block_on(async {
            while idle.len() < in_flight {
                idle.push(make().await);
            }
            let callers = idle.split_off(idle.len() - in_flight);
            round(callers, lasts, server, &mut idle).await
        });
        println!("{round}");
        std::io::stdout().flush().expect("the output can be written");
    }
}

async fn round<C: AsyncCall>(
    callers: Vec<C>,
    lasts: Duration,
    server: Option<u32>,
    idle: &mut Vec<C>,
) -> serde_json::Value {
    let own = std::process::id();
    let before = (cpu(own), server.map(cpu));
    let mut tasks = tokio::task::JoinSet::new();
    let begun = Instant::now();
    let end = begun + lasts;
    for mut caller in callers {
        tasks.spawn(async move {
            let mut took = Vec::with_capacity(8_192);
            let mut refused = Vec::new();
            let mut now = Instant::now();
            while now < end {
                let answered = caller.call().await;
                let done = Instant::now();
                match answered {
                    Ok(()) => took.push((done - now).as_nanos() as u64),
                    Err(why) => {
                        refused.push(why);
                        tokio::time::sleep(AFTER_REFUSAL).await;
                    }
                }
                now = Instant::now();
            }
            (caller, took, refused)
        });
    }
    let mut all: Vec<u64> = Vec::new();
    let mut all_refused: Vec<String> = Vec::new();
    while let Some(ended) = tasks.join_next().await {
        let (caller, took, refused) = ended.expect("a caller does not panic");
        all.extend(took);
        all_refused.extend(refused);
        idle.push(caller);
    }
    let seconds = begun.elapsed().as_secs_f64();
    let after = (cpu(own), server.map(cpu));
    all.sort_unstable();
    let at = |share: f64| {
        let at = all.len().saturating_sub(1) as f64 * share;
        all.get(at as usize).map_or(0.0, |nanos| *nanos as f64 / 1_000.0)
    };
    serde_json::json!({
        "calls": all.len(),
        "refused": all_refused.len(),
        "why": all_refused.first(),
        "seconds": seconds,
        "p50_us": at(0.50),
        "p99_us": at(0.99),
        "client_cpu_us": after.0 - before.0,
        "server_cpu_us": after.1.zip(before.1).map(|(after, before)| after - before),
    })
}

/// What a process has used of all processors, user and system, in microseconds (proc_pid_stat(5)). Linux counts it in hundredths of a
/// second: of a round of two seconds that is half of a hundredth.
fn cpu(process: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).expect("Linux says what a process has used");
    // The name before may hold anything, a parenthesis too.
    let (_, fields) = stat.rsplit_once(')').expect("a name in parentheses");
    let mut times = fields.split_whitespace().skip(11);
    let mut next = || {
        times
            .next()
            .and_then(|ticks| ticks.parse::<u64>().ok())
            .expect("a count of ticks")
    };
    (next() + next()) * 10_000
}
