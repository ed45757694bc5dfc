use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};
use tokio::task::coop::has_budget_remaining;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use super::{BUFFER_BYTES, Broken, Cause};

/// One end of a pipe.
///
/// Reading gives what the other end wrote. It comes to its end (`Ok` of no bytes) only where the other end has said that there is no
/// more, by [`shutdown`](tokio::io::AsyncWriteExt::shutdown) or, in a handler, by returning `Ok`; whatever else ends it is an
/// [`io::Error`] with a [`Broken`], after the bytes that came before. So a transfer that was cut is never taken for a whole one.
///
/// Writing waits while the other end is [`BUFFER_BYTES`] behind. After `shutdown` reading goes on. Dropping an end without `shutdown`
/// breaks the pipe for the other; dropping it after `shutdown` makes the other's writes fail with
/// [`BrokenPipe`](io::ErrorKind::BrokenPipe).
///
/// Reading, writing and shutting down are cancel-safe as those of a socket are.
pub struct Pipe {
    stream: DuplexStream,
    own: Arc<Speaker>,
    peer: Arc<Line>,
    told: Pin<Box<WaitForCancellationFutureOwned>>,
    gone: Pin<Box<WaitForCancellationFutureOwned>>,
}

/// How a direction ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// All was said.
    Clean,
    Broken(Broken),
}

/// What one end lets the other know beside its bytes.
#[derive(Debug, Default)]
struct Line {
    ending: OnceLock<Ending>,
    /// Cancelled once `ending` is set.
    told: CancellationToken,
    /// Cancelled once the end neither reads nor writes any more.
    gone: CancellationToken,
}

impl Line {
    /// The first word counts.
    fn tell(&self, ending: Ending) {
        if self.ending.set(ending).is_ok() {
            self.told.cancel();
        }
    }
}

/// The right to say how an end's direction ended; if nobody has said it when the last one goes, it was dropped.
#[derive(Debug)]
struct Speaker(Arc<Line>);

impl Drop for Speaker {
    fn drop(&mut self) {
        let sentence = "the other end was dropped before it said that there is no more";
        self.0.tell(Ending::Broken(Broken::new(Cause::Gone, sentence)));
        self.0.gone.cancel();
    }
}

/// A say in how an end comes to its end, for who runs what holds it. While one is there, dropping the end decides nothing.
#[derive(Clone, Debug)]
pub(super) struct Control {
    own: Arc<Speaker>,
    peer: Arc<Line>,
}

impl Control {
    /// Ends it, wherever the [`Pipe`] is now.
    pub(super) fn end(&self, ending: Ending) {
        self.own.0.tell(ending);
        self.own.0.gone.cancel();
    }

    /// Waits until the other end is no more. Cancel-safe.
    pub(super) async fn peer_gone(&self) {
        self.peer.gone.cancelled().await;
    }

    /// Waits until the other end has broken the pipe; for ever where it ends well. Cancel-safe.
    pub(super) async fn peer_broken(&self) {
        self.peer.told.cancelled().await;
        if self.peer.ending.get() == Some(&Ending::Clean) {
            std::future::pending().await
        }
    }
}

/// Two ends of a pipe within a process.
pub fn pair() -> (Pipe, Pipe) {
    let (left, right) = tokio::io::duplex(BUFFER_BYTES);
    let (of_left, of_right) = (Arc::<Line>::default(), Arc::<Line>::default());
    (
        Pipe::new(left, Arc::clone(&of_left), Arc::clone(&of_right)),
        Pipe::new(right, of_right, of_left),
    )
}

impl Pipe {
    fn new(stream: DuplexStream, own: Arc<Line>, peer: Arc<Line>) -> Self {
        Pipe {
            stream,
            own: Arc::new(Speaker(own)),
            told: Box::pin(peer.told.clone().cancelled_owned()),
            gone: Box::pin(peer.gone.clone().cancelled_owned()),
            peer,
        }
    }

    /// Waits until the other end neither reads nor writes any more: what a handler watches that has nothing to write for long.
    /// Cancel-safe; may be kept while the pipe itself is elsewhere.
    pub fn closed(&self) -> impl Future<Output = ()> + Send + use<> {
        self.peer.gone.clone().cancelled_owned()
    }

    pub(super) fn control(&self) -> Control {
        Control {
            own: Arc::clone(&self.own),
            peer: Arc::clone(&self.peer),
        }
    }

    /// Reads, and gives whether there was anything to read or the end of it.
    fn poll_bytes(&mut self, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<bool>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        Poll::Ready(Ok(buffer.filled().len() > before))
    }

    /// Why writing fails: what the other end says of it, if it says anything.
    fn unwritable(&self) -> io::Error {
        match self.peer.ending.get() {
            Some(Ending::Broken(broken)) => io::Error::new(io::ErrorKind::BrokenPipe, broken.clone()),
            _ => io::Error::new(
                io::ErrorKind::BrokenPipe,
                Broken::new(Cause::Gone, "the other end reads no more"),
            ),
        }
    }
}

impl AsyncRead for Pipe {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if buffer.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        if let Poll::Ready(true) = self.poll_bytes(context, buffer)? {
            return Poll::Ready(Ok(()));
        }
        // Nothing to read, or nothing any more: how it ended is told apart from the bytes, and may be told later than they end.
        if self.peer.ending.get().is_none() {
            ready!(self.told.as_mut().poll(context));
        }
        // A task that has had its turn is told "nothing yet" of a full buffer too, which must not be taken for the end of it.
        if !has_budget_remaining() {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        // What was written before it was told.
        if let Poll::Ready(true) = self.poll_bytes(context, buffer)? {
            return Poll::Ready(Ok(()));
        }
        Poll::Ready(match self.peer.ending.get() {
            Some(Ending::Broken(broken)) => Err(broken.clone().into()),
            _ => Ok(()),
        })
    }
}

impl AsyncWrite for Pipe {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.own.0.ending.get().is_some() {
            let over = Broken::new(Cause::Gone, "this end has said that there is no more");
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::BrokenPipe, over)));
        }
        match Pin::new(&mut self.stream).poll_write(context, bytes) {
            Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::BrokenPipe => Poll::Ready(Err(self.unwritable())),
            Poll::Pending => {
                // There is no room, and there will be none once nobody reads.
                if !self.peer.gone.is_cancelled() {
                    ready!(self.gone.as_mut().poll(context));
                }
                Poll::Ready(Err(self.unwritable()))
            }
            ready => ready,
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_shutdown(context))?;
        self.own.0.tell(Ending::Clean);
        Poll::Ready(Ok(()))
    }
}

impl fmt::Debug for Pipe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pipe")
            .field("own", &self.own.0.ending.get())
            .field("peer", &self.peer.ending.get())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[tokio::test]
    async fn a_reader_that_has_had_its_turn_does_not_take_that_for_the_end() {
        let (mut from, mut to) = pair();
        from.write_all(&[7; 4_096]).await.unwrap();
        from.shutdown().await.unwrap();
        // One byte a read: many more reads than a task has in one turn.
        let mut came = 0;
        while to.read(&mut [0; 1]).await.unwrap() == 1 {
            came += 1;
        }
        assert_eq!(came, 4_096);
    }
}
