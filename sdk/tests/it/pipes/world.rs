//! Two services, core that serves and api that calls, in one process or in two that speak over a socket.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::stream::{self, Stream};
use syscall_sdk::context::{Context, Kernel};
use syscall_sdk::contract::StreamMethod;
use syscall_sdk::error::{Error, Result};
use syscall_sdk::host::{Door, DrainBudget, Host, Running};
use syscall_sdk::pipe::Pipe;
use syscall_sdk::service::Service;
use syscall_sdk::transport::{Bind, Bound};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::watch;

use crate::support::{Text, variables};

/// How api reaches core.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    InProcess,
    Unix,
    Tcp,
}

/// What the handlers let the tests see.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// Bytes that `flood` has written, or that a handler has read.
    pub(super) bytes: watch::Sender<u64>,
    /// How the last handler ended.
    pub(super) ended: watch::Sender<Option<String>>,
    pub(super) begun: AtomicU64,
}

/// Says that a handler was dropped, unless it has said something else.
struct Note(Arc<Seen>);

impl Note {
    fn begin(seen: &Arc<Seen>) -> Self {
        seen.begun.fetch_add(1, Ordering::SeqCst);
        Note(Arc::clone(seen))
    }

    fn say(&self, what: impl Into<String>) {
        let what = what.into();
        self.0.ended.send_modify(|ended| {
            ended.get_or_insert(what);
        });
    }
}

impl Drop for Note {
    fn drop(&mut self) {
        self.say("dropped");
    }
}

pub(super) struct World {
    /// The caller.
    pub(super) api: Context,
    pub(super) core: Arc<Kernel>,
    pub(super) seen: Arc<Seen>,
    serving: Running,
    calling: Option<Running>,
    _folder: Option<TempDir>,
}

pub(super) const COUNT: StreamMethod<u32, u32> = StreamMethod::new("core", "countTo", "Counts to a number.");
pub(super) const HANG: StreamMethod<(), u32> = StreamMethod::new("core", "oneAndNoMore", "One result, then none.");
pub(super) const FAIL: StreamMethod<(), u32> = StreamMethod::new("core", "twoAndAFault", "Two results, then an error.");
pub(super) const PANIC: StreamMethod<(), u32> = StreamMethod::new("core", "oneAndAPanic", "A result, then a panic.");
pub(super) const LOOK: StreamMethod<Text, u32> = StreamMethod::new("core", "look", "Finds nothing.");

fn core(seen: &Arc<Seen>) -> Service {
    let handed = |run: fn(Context, Pipe, Note) -> futures_util::future::BoxFuture<'static, Result<()>>| {
        let seen = Arc::clone(seen);
        move |context: Context, pipe: Pipe| run(context, pipe, Note::begin(&seen))
    };
    let hung = Arc::clone(seen);
    Service::new("core", "1")
        .pipe("sink", handed(|_, pipe, note| Box::pin(sink(pipe, note))))
        .pipe("first", handed(|_, pipe, note| Box::pin(first(pipe, note))))
        .pipe("mute", handed(|_, pipe, note| Box::pin(mute(pipe, note))))
        .pipe("flood", handed(|_, pipe, note| Box::pin(flood(pipe, note))))
        .pipe("fail", handed(|_, pipe, note| Box::pin(fail(pipe, note))))
        .pipe("panic", handed(|_, _, _| Box::pin(async { panic!("on purpose") })))
        .pipe("greet", handed(|_, pipe, note| Box::pin(greet(pipe, note))))
        .pipe(
            "away",
            handed(|context, pipe, note| Box::pin(away(context, pipe, note))),
        )
        .pipe("who", handed(|context, pipe, _| Box::pin(who(context, pipe))))
        .stream_method(COUNT, |_: Context, to: u32| async move {
            Ok(stream::iter((1..=to).map(Ok)))
        })
        .stream_method(HANG, move |_: Context, (): ()| {
            let note = Note::begin(&hung);
            async move { Ok(one_and_no_more(note)) }
        })
        .stream_method(FAIL, |_: Context, (): ()| async move {
            let fault = Error::not_found("there is no third").with_code("NO_THIRD");
            Ok(stream::iter([Ok(1), Ok(2), Err(fault), Ok(4)]))
        })
        .stream_method(PANIC, |_: Context, (): ()| async move {
            Ok(stream::unfold(0, |given| async move {
                assert_eq!(given, 0, "on purpose");
                Some((Ok(1), 1))
            }))
        })
        .stream_method(LOOK, |_: Context, what: Text| async move {
            let nothing = Error::not_found(format!("there is no {}", what.text)).with_code("NOT_THERE");
            Err::<stream::Empty<Result<u32>>, _>(nothing)
        })
}

fn one_and_no_more(note: Note) -> impl Stream<Item = Result<u32>> + Send {
    stream::unfold((0, note), |(given, note)| async move {
        if given > 0 {
            std::future::pending::<()>().await;
        }
        Some((Ok(1), (given + 1, note)))
    })
}

fn broken(error: std::io::Error) -> Error {
    Error::unavailable("the caller left").with_source(error)
}

/// Reads to the end and says how much it was.
async fn sink(mut pipe: Pipe, note: Note) -> Result<()> {
    let mut bytes = Vec::new();
    pipe.read_to_end(&mut bytes).await.map_err(broken)?;
    note.0.bytes.send_replace(bytes.len() as u64);
    let said = pipe.write_all(bytes.len().to_string().as_bytes()).await;
    note.say(if said.is_ok() {
        "answered"
    } else {
        "nobody reads the answer"
    });
    said.map_err(broken)
}

/// Says all that it has to say, then listens.
async fn first(mut pipe: Pipe, note: Note) -> Result<()> {
    pipe.write_all(b"hello").await.map_err(broken)?;
    pipe.shutdown().await.map_err(broken)?;
    let mut bytes = Vec::new();
    pipe.read_to_end(&mut bytes).await.map_err(broken)?;
    note.say(format!("heard {} bytes", bytes.len()));
    Ok(())
}

/// Neither reads nor writes.
async fn mute(pipe: Pipe, note: Note) -> Result<()> {
    pipe.closed().await;
    // Who breaks the pipe drops this; whoever leaves it well is seen here.
    note.say("left alone");
    Ok(())
}

/// Writes for as long as it can.
async fn flood(mut pipe: Pipe, note: Note) -> Result<()> {
    loop {
        let written = pipe.write(&[7; 10_000]).await.map_err(broken)?;
        note.0.bytes.send_modify(|all| *all += written as u64);
    }
}

async fn fail(mut pipe: Pipe, _note: Note) -> Result<()> {
    pipe.write_all(b"so far").await.map_err(broken)?;
    Err(Error::not_found(
        "the tape is worn, and this sentence goes on until it is longer than a close frame may be, which is one hundred and twenty-three bytes, é or not",
    ))
}

async fn greet(mut pipe: Pipe, _note: Note) -> Result<()> {
    pipe.write_all(b"good day").await.map_err(broken)
}

/// Gives its pipe away and returns.
async fn away(context: Context, mut pipe: Pipe, note: Note) -> Result<()> {
    pipe.write_all(b"bye").await.map_err(broken)?;
    context.spawn("holder", async move {
        let mut byte = [0];
        let read = pipe.read(&mut byte).await;
        let written = pipe.write_all(b"still here").await.is_ok();
        note.say(format!("read {:?}, wrote {written}", read.ok()));
    });
    Ok(())
}

async fn who(context: Context, mut pipe: Pipe) -> Result<()> {
    let request = context.request();
    let trace = syscall_sdk::telemetry::current_trace().map(|trace| trace.trace.to_string());
    let said = serde_json::json!({
        "service": request.caller.service,
        "id": request.request_id.as_ref().map(|id| id.to_str().unwrap()),
        "hops": request.hops,
        "deadline": request.deadline.is_some(),
        "trace": trace,
    });
    pipe.write_all(said.to_string().as_bytes()).await.map_err(broken)
}

impl World {
    pub(super) async fn start(way: Way) -> Self {
        let seen = Arc::<Seen>::default();
        let shared = Arc::clone(&seen);
        let serve = move || core(&shared);
        let api = || Service::new("api", "1");
        let folder = (way == Way::Unix).then(|| tempfile::tempdir().unwrap());
        let (serving, calling) = match way {
            Way::InProcess => {
                let host = Host::new(variables(&[])).mount(serve).mount(api);
                (host.start(Vec::new()).await.unwrap(), None)
            }
            Way::Unix => {
                let sockets = folder.as_ref().unwrap().path();
                let told = [("SYSCALL_SOCKETS", sockets.to_str().unwrap())];
                let door = Door::of_service("core", vec![Bind::Unix(sockets.join("core.sock"))]);
                let serving = Host::new(variables(&told))
                    .mount(serve)
                    .start(vec![door])
                    .await
                    .unwrap();
                let calling = Host::new(variables(&told)).mount(api).start(Vec::new()).await.unwrap();
                (serving, Some(calling))
            }
            Way::Tcp => {
                let door = Door::of_service("core", vec![Bind::Tcp(([127, 0, 0, 1], 0).into())]);
                let serving = Host::new(variables(&[])).mount(serve).start(vec![door]).await.unwrap();
                let url = format!("http://{}", address(&serving));
                let told = [("CORE_INTERNAL_URL", url.as_str())];
                let calling = Host::new(variables(&told)).mount(api).start(Vec::new()).await.unwrap();
                (serving, Some(calling))
            }
        };
        let caller = calling.as_ref().unwrap_or(&serving).kernel("api").unwrap();
        World {
            api: Context::new(caller),
            core: serving.kernel("core").unwrap(),
            seen,
            serving,
            calling,
            _folder: folder,
        }
    }

    pub(super) async fn open(&self, name: &str) -> Pipe {
        self.api.pipe("core", name).await.unwrap()
    }

    /// Waits until a handler has ended, and says how.
    pub(super) async fn ended(&self) -> String {
        let mut ended = self.seen.ended.subscribe();
        let waited = tokio::time::timeout(PATIENCE, ended.wait_for(Option::is_some)).await;
        waited.expect("the handler ends").unwrap().clone().unwrap()
    }

    /// Waits until no pipe is open.
    pub(super) async fn all_closed(&self) {
        let room = self.core.pipe_room.clone();
        let closed = async {
            while room.taken() > 0 {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, closed)
            .await
            .expect("every pipe gives up its place");
    }

    /// Shuts core down, as a redeploy would, and gives what did not finish.
    pub(super) async fn shut_core_down(self) -> Vec<String> {
        let budget = DrainBudget {
            accepting: Duration::ZERO,
            in_flight: Duration::from_secs(5),
            total: Duration::from_secs(8),
        };
        let unfinished = self.serving.stop(budget, "test").await;
        if let Some(calling) = self.calling {
            calling.stop(DrainBudget::none(), "test").await;
        }
        unfinished
    }

    pub(super) async fn stop(self) {
        self.serving.stop(DrainBudget::none(), "test").await;
        if let Some(calling) = self.calling {
            calling.stop(DrainBudget::none(), "test").await;
        }
    }
}

/// Longest wait for what must come: a slow machine's, not a budget.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);

pub(super) fn address(running: &Running) -> std::net::SocketAddr {
    match &running.bound()[0] {
        Bound::Tcp(address) => *address,
        Bound::Unix(path) => panic!("{} is no TCP address", path.display()),
    }
}
