use std::future::Future;
use std::io;

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, copy, split};
use tokio_util::sync::CancellationToken;

use super::end::Ending;
use super::{Broken, Cause, Pipe};

/// Carries the bytes between two pipes as if they were one: back-pressure, half-close and the reason of an end go through, and who leaves
/// is missed at the other side as ever. It lasts until both have ended, one of them broke, or `stop`.
pub(crate) async fn join(one: Pipe, other: Pipe, stop: impl Future<Output = ()>) {
    let (ours, theirs) = (one.control(), other.control());
    let ((mut from_one, mut to_one), (mut from_other, mut to_other)) = (split(one), split(other));
    let answered = CancellationToken::new();
    let there = carry(&mut from_one, &mut to_other);
    let back = async {
        carry(&mut from_other, &mut to_one).await?;
        answered.cancel();
        Ok(())
    };
    // A handler's return is its end, whatever its caller has still to say.
    let over = async {
        answered.cancelled().await;
        theirs.peer_gone().await;
    };
    let ended = tokio::select! {
        biased;
        ended = async { tokio::try_join!(there, back) } => ended.map(drop),
        () = over => Ok(()),
        () = stop => Err(Broken::new(Cause::Gone, "the gateway ends this pipe; open it anew")),
    };
    // Where a direction has ended already, what is said of it first counts.
    let ending = ended.map_or_else(Ending::Broken, |()| Ending::Clean);
    ours.end(ending.clone());
    theirs.end(ending);
}

async fn carry(from: &mut (impl AsyncRead + Unpin), to: &mut (impl AsyncWrite + Unpin)) -> Result<(), Broken> {
    let carried = async {
        copy(from, to).await?;
        to.shutdown().await
    };
    carried.await.map_err(|error: io::Error| {
        let said = Broken::of(&error).cloned();
        said.unwrap_or_else(|| Broken::new(Cause::Lost, "the connection broke"))
    })
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt;

    use super::super::pair;
    use super::*;

    /// A caller's end and a handler's, with a relay between them.
    fn relayed() -> (Pipe, Pipe, tokio::task::JoinHandle<()>) {
        let ((caller, one), (other, handler)) = (pair(), pair());
        #[expect(clippy::disallowed_methods, reason = "a test runs the relay beside itself")]
        let relay = tokio::spawn(join(one, other, std::future::pending()));
        (caller, handler, relay)
    }

    #[tokio::test]
    async fn bytes_and_half_closes_go_through_both_ways() {
        let (mut caller, mut handler, relay) = relayed();
        caller.write_all(b"question").await.unwrap();
        caller.shutdown().await.unwrap();
        let mut text = String::new();
        handler.read_to_string(&mut text).await.unwrap();
        assert_eq!(text, "question");
        handler.write_all(b"answer").await.unwrap();
        handler.shutdown().await.unwrap();
        text.clear();
        caller.read_to_string(&mut text).await.unwrap();
        assert_eq!(text, "answer");
        relay.await.unwrap();
    }

    #[tokio::test]
    async fn the_reason_of_an_end_goes_through() {
        let (mut caller, handler, relay) = relayed();
        let sentence = "the shelf is empty";
        handler
            .control()
            .end(Ending::Broken(Broken::new(Cause::Failed, sentence)));
        let error = caller.read(&mut [0; 1]).await.unwrap_err();
        let broken = Broken::of(&error).unwrap();
        assert_eq!((broken.cause(), broken.sentence()), (Cause::Failed, sentence));
        relay.await.unwrap();
    }

    #[tokio::test]
    async fn who_leaves_is_missed_at_the_other_side() {
        let (caller, handler, relay) = relayed();
        let broken = handler.control();
        drop(caller);
        broken.peer_broken().await;
        relay.await.unwrap();
    }

    #[tokio::test]
    async fn a_reader_that_does_not_read_holds_the_writer_up() {
        let (mut caller, handler, _relay) = relayed();
        // Two pipes' buffers, and what the copy holds between them.
        let room = 2 * super::super::BUFFER_BYTES + 64 * 1024;
        let full = async { caller.write_all(&vec![7; 2 * room]).await };
        tokio::select! {
            biased;
            written = full => panic!("more than the buffers hold was taken: {written:?}"),
            () = async { for _ in 0..10_000 { tokio::task::yield_now().await } } => {}
        }
        drop(handler);
    }
}
