//! What a pipe promises, whichever way it goes.

use std::io::ErrorKind;
use std::time::Duration;

use proptest::collection::vec;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, TestRunner};
use syscall_sdk::context::RequestInfo;
use syscall_sdk::pipe::{BUFFER_BYTES, Broken, Cause, Pipe};
use syscall_sdk::telemetry::{TraceContext, join_trace};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;
use tracing::Instrument;

use super::world::{PATIENCE, Way, World};

async fn read_all(pipe: &mut (impl tokio::io::AsyncRead + Unpin)) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = timeout(PATIENCE, pipe.read_to_end(&mut bytes)).await;
    read.expect("reading comes to an end").map(|_| bytes)
}

/// What is read before the pipe breaks, and why it does.
async fn read_until_broken(pipe: &mut Pipe) -> (Vec<u8>, Broken, ErrorKind) {
    let mut bytes = Vec::new();
    let read = timeout(PATIENCE, pipe.read_to_end(&mut bytes))
        .await
        .expect("the pipe breaks");
    let error = read.unwrap_err();
    (bytes, Broken::of(&error).expect("a pipe's error").clone(), error.kind())
}

/// Bytes that no compression or repetition explains, from a seed that is printed, so that a failure can be run again.
fn random_bytes(length: usize) -> Vec<u8> {
    let seed = std::env::var("PIPE_SEED").ok().and_then(|seed| seed.parse().ok());
    let clock = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    let seed: u64 = seed.unwrap_or(clock.as_nanos() as u64) | 1;
    println!("PIPE_SEED={seed}");
    let mut state = seed;
    let words = std::iter::repeat_with(|| {
        // xorshift64 (Marsaglia, 2003)
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    });
    words.flat_map(u64::to_le_bytes).take(length).collect()
}

pub(super) async fn eight_random_mebibytes_come_back_as_they_were_sent(way: Way) {
    let world = World::start(way).await;
    let sent = random_bytes(8 * 1024 * 1024);
    let (mut from, mut to) = tokio::io::split(world.open("echo").await);
    let writing = async {
        to.write_all(&sent).await.unwrap();
        to.shutdown().await.unwrap();
    };
    let ((), came) = tokio::join!(writing, read_all(&mut from));
    assert!(came.unwrap() == sent, "the bytes are the same");
    world.all_closed().await;
    world.stop().await;
}

pub(super) async fn whoever_says_first_that_there_is_no_more_still_reads_the_answer(way: Way) {
    let world = World::start(way).await;
    let mut pipe = world.open("sink").await;
    pipe.write_all(&[1; 100_000]).await.unwrap();
    pipe.shutdown().await.unwrap();
    assert_eq!(read_all(&mut pipe).await.unwrap(), b"100000");
    let more = pipe.write_all(b"more").await.unwrap_err();
    assert_eq!(more.kind(), ErrorKind::BrokenPipe);
    world.stop().await;
}

pub(super) async fn a_handler_that_has_no_more_to_say_still_hears_the_caller_out(way: Way) {
    let world = World::start(way).await;
    let mut pipe = world.open("first").await;
    assert_eq!(read_all(&mut pipe).await.unwrap(), b"hello");
    pipe.write_all(&[1; 200_000]).await.unwrap();
    pipe.shutdown().await.unwrap();
    assert_eq!(world.ended().await, "heard 200000 bytes");
    world.all_closed().await;
    world.stop().await;
}

/// What the sockets of this machine hold at most between two processes, both ends together.
fn kernel_buffers(way: Way) -> u64 {
    let last = |path: &str| -> u64 {
        let text = std::fs::read_to_string(path).unwrap();
        text.split_whitespace().last().unwrap().parse().unwrap()
    };
    match way {
        Way::InProcess => 0,
        Way::Unix => 2 * last("/proc/sys/net/core/wmem_default"),
        Way::Tcp => last("/proc/sys/net/ipv4/tcp_wmem") + last("/proc/sys/net/ipv4/tcp_rmem"),
    }
}

pub(super) async fn a_writer_waits_for_a_slow_reader_after_a_bounded_number_of_bytes(way: Way) {
    let world = World::start(way).await;
    let mut pipe = world.open("flood").await;
    let mut written = world.seen.bytes.subscribe();
    // The writer stands still once it has written nothing for as long as it would have taken to write megabytes.
    while timeout(Duration::from_secs(1), written.changed()).await.is_ok() {}
    let stood = *written.borrow();
    let ours = match way {
        Way::InProcess => BUFFER_BYTES as u64,
        // A buffer at each end, and a message on its way out and in.
        Way::Unix | Way::Tcp => 4 * BUFFER_BYTES as u64,
    };
    let most = ours + kernel_buffers(way);
    assert!(stood <= most, "{stood} bytes were written to nobody, and {most} may be");
    let mut taken = vec![0; usize::try_from(stood).unwrap() + 1_000_000];
    timeout(PATIENCE, pipe.read_exact(&mut taken))
        .await
        .expect("the writer goes on")
        .unwrap();
    drop(pipe);
    assert_eq!(world.ended().await, "dropped");
    world.stop().await;
}

pub(super) async fn a_caller_that_drops_its_end_ends_the_handler(way: Way) {
    let world = World::start(way).await;
    let mut pipe = world.open("mute").await;
    pipe.write_all(b"half of a").await.unwrap();
    drop(pipe);
    world.ended().await;
    world.all_closed().await;
    // One that waits for bytes is not told that these were all.
    let mut pipe = world.open("sink").await;
    pipe.write_all(b"half of a").await.unwrap();
    drop(pipe);
    world.all_closed().await;
    assert_eq!(
        *world.seen.bytes.borrow(),
        0,
        "half of a message was taken for a whole one"
    );
    world.stop().await;
}

pub(super) async fn a_caller_that_has_said_all_may_leave_while_the_handler_goes_on(way: Way) {
    let world = World::start(way).await;
    let mut pipe = world.open("sink").await;
    pipe.write_all(&[1; 300_000]).await.unwrap();
    pipe.shutdown().await.unwrap();
    drop(pipe);
    let mut bytes = world.seen.bytes.subscribe();
    timeout(PATIENCE, bytes.wait_for(|bytes| *bytes == 300_000))
        .await
        .expect("all is read")
        .unwrap();
    world.all_closed().await;
    world.stop().await;
}

pub(super) async fn a_handler_that_returns_ends_the_callers_pipe_well(way: Way) {
    let world = World::start(way).await;
    let mut pipe = world.open("greet").await;
    let closed = pipe.closed();
    assert_eq!(read_all(&mut pipe).await.unwrap(), b"good day");
    timeout(PATIENCE, closed)
        .await
        .expect("the caller learns that nobody reads");
    let unread = pipe.write_all(&[0; 2 * BUFFER_BYTES]).await.unwrap_err();
    assert_eq!(unread.kind(), ErrorKind::BrokenPipe);
    world.all_closed().await;
    world.stop().await;
}

pub(super) async fn a_handlers_error_reaches_the_caller_as_its_sentence_after_the_bytes_before_it(way: Way) {
    let world = World::start(way).await;
    let mut pipe = world.open("fail").await;
    let (bytes, broken, kind) = read_until_broken(&mut pipe).await;
    assert_eq!(bytes, b"so far");
    assert_eq!((broken.cause(), kind), (Cause::Failed, ErrorKind::Other));
    let sentence = broken.sentence();
    assert!(
        sentence.starts_with("the tape is worn, and this sentence goes on"),
        "{sentence}"
    );
    world.all_closed().await;
    world.stop().await;
}

pub(super) async fn a_handler_that_panics_fails_its_pipe_alone(way: Way) {
    let world = World::start(way).await;
    let mut pipe = world.open("panic").await;
    let (_, broken, _) = read_until_broken(&mut pipe).await;
    assert_eq!(broken.cause(), Cause::Failed);
    let mut pipe = world.open("greet").await;
    assert_eq!(read_all(&mut pipe).await.unwrap(), b"good day");
    world.stop().await;
}

pub(super) async fn a_pipe_that_was_moved_away_ends_with_its_handler(way: Way) {
    let world = World::start(way).await;
    let mut pipe = world.open("away").await;
    assert_eq!(read_all(&mut pipe).await.unwrap(), b"bye");
    drop(pipe);
    let ended = world.ended().await;
    assert!(ended.ends_with("wrote false"), "{ended}");
    world.all_closed().await;
    world.stop().await;
}

pub(super) async fn a_pipe_that_nobody_serves_is_not_found(way: Way) {
    let world = World::start(way).await;
    let error = world.api.pipe("core", "tunnel").await.unwrap_err();
    assert_eq!(error.code(), "PIPE_NOT_FOUND");
    assert!(error.message().contains("echo"), "{error}");
    let error = world.api.pipe("core", "a/b").await.unwrap_err();
    assert_eq!(error.code(), "INVALID_ARGUMENT");
    let error = world.api.pipe("nowhere", "echo").await.unwrap_err();
    assert_eq!(error.code(), "UNKNOWN_SERVICE");
    world.stop().await;
}

pub(super) async fn the_caller_its_request_and_its_trace_go_along(way: Way) {
    let world = World::start(way).await;
    let request = RequestInfo {
        request_id: Some("req-7".parse().unwrap()),
        hops: 2,
        deadline: Some(tokio::time::Instant::now() + PATIENCE),
        ..RequestInfo::default()
    };
    let api = world.api.within(std::sync::Arc::new(request));
    let remote = TraceContext::new();
    let span = tracing::info_span!(target: "syscall", parent: api.kernel().scope.span(), "test");
    join_trace(&span, Some(remote));
    let mut pipe = api.pipe("core", "who").instrument(span).await.unwrap();
    let said: serde_json::Value = serde_json::from_slice(&read_all(&mut pipe).await.unwrap()).unwrap();
    assert_eq!(said["service"], "blackroad-os-api");
    assert_eq!((&said["id"], &said["hops"]), (&"req-7".into(), &3.into()));
    assert_eq!(
        said["deadline"], false,
        "the caller's time bounds the opening, not the pipe"
    );
    assert_eq!(said["trace"], remote.trace.to_string());
    world.all_closed().await;
    let recorded = |name: &str| {
        let spans = world.core.recorder.spans();
        spans.read(|spans| {
            let mut spans = spans.iter();
            spans.any(|span| span.name() == name && span.context.trace == remote.trace)
        })
    };
    timeout(PATIENCE, async {
        while !recorded("pipe who") {
            tokio::task::yield_now().await;
        }
    })
    .await
    .expect("the span of the pipe is of the caller's trace");
    world.stop().await;
}

pub(super) async fn a_service_that_shuts_down_tells_its_pipes(way: Way) {
    let world = World::start(way).await;
    let (mut waiting, mut talking) = (world.open("mute").await, world.open("echo").await);
    talking.write_all(b"before").await.unwrap();
    let mut before = [0; 6];
    talking.read_exact(&mut before).await.unwrap();
    let seen = std::sync::Arc::clone(&world.seen);
    let stopping = tokio::spawn(world.shut_core_down());
    for pipe in [&mut waiting, &mut talking] {
        let (_, broken, kind) = read_until_broken(pipe).await;
        assert_eq!((broken.cause(), kind), (Cause::Gone, ErrorKind::ConnectionAborted));
        assert_eq!(broken.sentence(), "the service is shutting down");
    }
    drop((waiting, talking));
    assert_eq!(stopping.await.unwrap(), Vec::<String>::new(), "nothing was left over");
    assert_eq!(seen.ended.borrow().as_deref(), Some("dropped"));
}

pub(super) async fn any_chopping_of_the_bytes_arrives_as_the_same_bytes(way: Way) {
    let world = World::start(way).await;
    let mut runner = TestRunner::new(Config::with_cases(24));
    let piece = proptest::prop_oneof![1usize..20, 1usize..5_000, 60_000usize..140_000];
    let strategy = (vec(piece, 0..12), vec(1usize..70_000, 1..6));
    for _ in 0..runner.config().cases {
        let (writes, reads) = strategy.new_tree(&mut runner).unwrap().current();
        let sent: Vec<u8> = (0..writes.iter().sum::<usize>()).map(|at| (at % 251) as u8).collect();
        let (mut from, mut to) = tokio::io::split(world.open("echo").await);
        let writing = async {
            let mut rest = sent.as_slice();
            for length in &writes {
                let (piece, after) = rest.split_at(*length);
                to.write_all(piece).await.unwrap();
                rest = after;
            }
            to.shutdown().await.unwrap();
        };
        let reading = async {
            let mut came = Vec::new();
            for length in reads.iter().cycle() {
                let mut buffer = vec![0; *length];
                match from.read(&mut buffer).await.unwrap() {
                    0 => break,
                    read => came.extend_from_slice(&buffer[..read]),
                }
            }
            came
        };
        let ((), came) = timeout(PATIENCE, async { tokio::join!(writing, reading) })
            .await
            .expect("all of it comes");
        assert!(came == sent, "writes of {writes:?}, reads of {reads:?}");
    }
    world.stop().await;
}
