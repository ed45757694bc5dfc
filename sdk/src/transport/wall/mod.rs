//! What stands between a socket and the HTTP that is spoken over it: heads are checked before hyper sees them, and whoever is too slow is
//! not waited for. hyper mends several faults before anything above it can look, so the look has to be taken here
//! (`docs/adr/0030-a-scanner-under-hyper.md`).
//!
//! A whole head in one read, which is what nearly all are, is looked at where it lies: nothing is copied or allocated for it. A head that
//! comes in pieces is held until it is whole, so that hyper sees whole heads alone and a refusal never finds it in the midst of one.
//! Of bodies only the framing is looked at.

mod chunks;
mod head;
mod pace;
mod refusal;
mod scanner;
#[cfg(test)]
mod tests;

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

pub use pace::PaceLimits;
use pace::{Alarm, Pace};
pub use refusal::Refusal;
use scanner::{Scanner, Stop};

use super::ConnectionLimits;

/// How long the rest of what a refused peer sends is read after the answer: a socket that is closed with bytes unread takes the answer with it.
const LINGER: Duration = Duration::from_secs(1);
/// And how much of it.
const LINGER_MAX_BYTES: usize = 1024 * 1024;
/// A head that was held in a buffer larger than this does not leave it behind for the rest of the connection.
const HELD_KEPT_BYTES: usize = 4 * 1024;

/// In the place of a head that is refused: a request that hyper takes, so that its answer comes after those of the requests before it.
/// It is never handled; [`Post`] says of it that it is the refusal.
const STAND_IN: &[u8] = b"GET / HTTP/1.1\r\nhost: refused\r\nconnection: close\r\n\r\n";

/// What a connection's wall and whoever answers its requests tell one another.
#[derive(Debug, Default)]
pub(super) struct Post {
    /// The connection was upgraded, and speaks something else.
    raw: AtomicBool,
    /// The number of the request in whose place a refusal stands, and which; 0 is none.
    refused: AtomicU32,
    refusal: AtomicU8,
    asked: AtomicU32,
}

impl Post {
    /// Counts a request that is to be answered; gives the refusal where it stands for one.
    pub(super) fn next(&self) -> Option<Refusal> {
        let number = self.asked.fetch_add(1, Ordering::Relaxed) + 1;
        let refused = self.refused.load(Ordering::Relaxed);
        if refused == 0 || number < refused {
            return None;
        }
        Refusal::from_number(self.refusal.load(Ordering::Relaxed))
    }

    /// The connection is upgraded with the answer that is about to be given.
    pub(super) fn step_aside(&self) {
        self.raw.store(true, Ordering::Relaxed);
    }

    fn refuse(&self, number: u32, refusal: Refusal) {
        self.refusal.store(refusal as u8, Ordering::Relaxed);
        self.refused.store(number, Ordering::Relaxed);
    }

    fn is_raw(&self) -> bool {
        self.raw.load(Ordering::Relaxed)
    }
}

/// A connection whose requests are checked as they come.
#[derive(Debug)]
pub(super) struct Wall<I> {
    inner: I,
    limits: ConnectionLimits,
    post: Arc<Post>,
    scanner: Scanner,
    /// What was read and not handed on: a head that is not whole, behind what may go on but found no room.
    held: Vec<u8>,
    /// How much of it may go on.
    cleared: usize,
    mode: Mode,
    opened: Instant,
    /// Since when there is a part of a head.
    begun: Option<Instant>,
    incoming: Pace,
    outgoing: Pace,
    read_alarm: Alarm,
    write_alarm: Alarm,
    /// Since when the answer is out, and how much was read since.
    lingering: Option<(Instant, usize)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Listening,
    /// Nothing more is taken for a request.
    Refused,
    /// The body that is being read ends here, and why.
    Broken(io::ErrorKind, &'static str),
}

/// Who was waited for too long.
enum Late {
    Silent,
    Head,
    Body,
}

impl<I: AsyncRead + AsyncWrite + Unpin> Wall<I> {
    pub(super) fn new(inner: I, limits: ConnectionLimits, post: Arc<Post>) -> Self {
        Wall {
            inner,
            limits,
            post,
            scanner: Scanner::new(),
            held: Vec::new(),
            cleared: 0,
            mode: Mode::Listening,
            opened: Instant::now(),
            begun: None,
            incoming: Pace::default(),
            outgoing: Pace::default(),
            read_alarm: Alarm::default(),
            write_alarm: Alarm::default(),
            lingering: None,
        }
    }

    /// Looks at what was read into `buffer` after its first `before` bytes, and leaves there what may go on.
    fn take(&mut self, buffer: &mut ReadBuf<'_>, before: usize) {
        let new = &buffer.filled()[before..];
        let heads = self.scanner.heads();
        if self.scanner.in_body() {
            self.incoming.came(new.len(), &self.limits.body);
        }
        let stop = if self.held.is_empty() {
            let (cleared, stop) = self.scanner.scan(new, 0);
            if stop.is_ok() {
                self.held.extend_from_slice(&new[cleared..]);
            }
            buffer.set_filled(before + cleared);
            stop
        } else {
            let seen = self.held.len();
            self.held.extend_from_slice(new);
            buffer.set_filled(before);
            let (cleared, stop) = self.scanner.scan(&self.held, seen);
            self.cleared = cleared;
            if stop.is_err() {
                self.held.truncate(cleared);
            }
            stop
        };
        if self.scanner.heads() != heads {
            self.begun = None;
            self.incoming = Pace::default();
        }
        match stop {
            Ok(()) => {}
            Err(Stop::Head(refusal)) => self.refuse(refusal),
            Err(Stop::Body(why)) => self.mode = Mode::Broken(io::ErrorKind::InvalidData, why),
        }
    }

    /// Puts the refusal behind what was cleared; whatever else comes is passed over.
    fn refuse(&mut self, refusal: Refusal) {
        self.held.truncate(self.cleared);
        self.held.extend_from_slice(STAND_IN);
        self.cleared = self.held.len();
        self.post.refuse(self.scanner.heads() + 1, refusal);
        self.mode = Mode::Refused;
    }

    fn hand_on(&mut self, buffer: &mut ReadBuf<'_>) {
        let here = self.cleared.min(buffer.remaining());
        buffer.put_slice(&self.held[..here]);
        self.held.drain(..here);
        self.cleared -= here;
        if self.held.is_empty() && self.held.capacity() > HELD_KEPT_BYTES {
            self.held = Vec::new();
        }
    }

    /// Who is late, of those that are waited for now.
    fn late(&mut self, context: &mut Context<'_>) -> Option<Late> {
        let (until, late) = if self.scanner.in_body() {
            (self.incoming.until(&self.limits.body), Late::Body)
        } else if !self.held.is_empty() {
            let begun = *self.begun.get_or_insert_with(Instant::now);
            (begun + self.limits.head_timeout, Late::Head)
        } else if self.scanner.heads() == 0 {
            (self.opened + self.limits.first_byte_timeout, Late::Silent)
        } else {
            // Between requests it is hyper that knows whether an answer is on its way or the connection is idle.
            return None;
        };
        self.read_alarm.has_rung(until, context).then_some(late)
    }

    /// Reads on for nobody, so that the peer is not cut off while it still writes; its end is not news.
    fn pass_over(&mut self, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        loop {
            ready!(Pin::new(&mut self.inner).poll_read(context, buffer))?;
            if buffer.filled().len() == before {
                return Poll::Pending;
            }
            buffer.set_filled(before);
        }
    }

    /// What became of a write: who reads too slowly is not written to any further.
    fn wrote(&mut self, context: &mut Context<'_>, result: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        match result {
            Poll::Ready(Ok(bytes)) if self.outgoing.is_begun() => self.outgoing.came(bytes, &self.limits.answer),
            Poll::Pending if !self.post.is_raw() => {
                let until = self.outgoing.until(&self.limits.answer);
                if self.write_alarm.has_rung(until, context) {
                    let why = "the answer is read too slowly, or not at all";
                    return Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, why)));
                }
            }
            _ => {}
        }
        result
    }

    /// Reads on for a while after the last answer, so that it arrives.
    fn poll_linger(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut bytes = [0; 4 * 1024];
        let (since, mut read) = self.lingering.unwrap_or((self.opened, 0));
        while read < LINGER_MAX_BYTES {
            let mut buffer = ReadBuf::new(&mut bytes);
            match Pin::new(&mut self.inner).poll_read(context, &mut buffer) {
                Poll::Ready(Ok(())) if !buffer.filled().is_empty() => read += buffer.filled().len(),
                Poll::Pending if !self.read_alarm.has_rung(since + LINGER, context) => {
                    self.lingering = Some((since, read));
                    return Poll::Pending;
                }
                _ => break,
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl<I: AsyncRead + AsyncWrite + Unpin> AsyncRead for Wall<I> {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let wall = self.get_mut();
        let before = buffer.filled().len();
        let raw = wall.post.is_raw();
        if raw {
            // Whatever was sent ahead belongs to what is spoken now.
            wall.cleared = wall.held.len();
        }
        loop {
            if wall.cleared > 0 {
                wall.hand_on(buffer);
                return Poll::Ready(Ok(()));
            }
            match wall.mode {
                Mode::Listening => {}
                Mode::Refused => return wall.pass_over(context, buffer),
                Mode::Broken(kind, why) => return Poll::Ready(Err(io::Error::new(kind, why))),
            }
            let read = Pin::new(&mut wall.inner).poll_read(context, buffer)?;
            let came = buffer.filled().len() > before;
            match read {
                Poll::Pending if raw => return Poll::Pending,
                Poll::Pending => match wall.late(context) {
                    None => return Poll::Pending,
                    // As if it had hung up: nothing was asked, so nothing is answered.
                    Some(Late::Silent) => return Poll::Ready(Ok(())),
                    Some(Late::Head) => wall.refuse(Refusal::Late),
                    Some(Late::Body) => wall.mode = Mode::Broken(io::ErrorKind::TimedOut, "the body came too slowly"),
                },
                Poll::Ready(()) if raw || !came => return Poll::Ready(Ok(())),
                Poll::Ready(()) => {
                    wall.take(buffer, before);
                    if buffer.filled().len() > before {
                        return Poll::Ready(Ok(()));
                    }
                }
            }
        }
    }
}

impl<I: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Wall<I> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let wall = self.get_mut();
        let result = Pin::new(&mut wall.inner).poll_write(context, bytes);
        wall.wrote(context, result)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let wall = self.get_mut();
        let result = Pin::new(&mut wall.inner).poll_write_vectored(context, pieces);
        wall.wrote(context, result)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let wall = self.get_mut();
        let result = Pin::new(&mut wall.inner).poll_flush(context);
        if result.is_ready() && wall.outgoing.is_begun() {
            wall.outgoing = Pace::default();
        }
        result
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let wall = self.get_mut();
        let unread = wall.mode != Mode::Listening || wall.scanner.in_body();
        if wall.lingering.is_none() {
            ready!(Pin::new(&mut wall.inner).poll_shutdown(context))?;
            wall.lingering = Some((Instant::now(), 0));
        }
        if unread && !wall.post.is_raw() {
            wall.poll_linger(context)
        } else {
            Poll::Ready(Ok(()))
        }
    }
}
