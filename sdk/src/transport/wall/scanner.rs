//! Where each request of a connection begins and ends, and whether its head is one.

use super::Refusal;
use super::chunks::{Chunks, Followed};
use super::head::{self, Body, FIELDS_MAX, TARGET_MAX_BYTES};

/// Largest head: what Kestrel takes, and the platform's edge.
pub(super) const HEAD_MAX_BYTES: usize = 32 * 1024;
/// Longest first line: the longest target, a method and the version.
const FIRST_LINE_MAX_BYTES: usize = TARGET_MAX_BYTES + 64;
/// How HTTP/2 begins (RFC 9113, section 3.4), as far as no request of HTTP/1.1 does.
const HTTP_2: &[u8] = b"PRI ";

/// Follows the requests of one connection through whatever pieces they come in.
#[derive(Debug)]
pub(super) struct Scanner {
    place: Place,
    heads: u32,
}

#[derive(Debug)]
enum Place {
    Head(Search),
    Length(u64),
    Chunked(Chunks),
}

/// Why a connection is not followed any further.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// The head that was begun is refused.
    Head(Refusal),
    /// The body of the last head breaks off, and why.
    Body(&'static str),
}

impl Scanner {
    pub(super) fn new() -> Self {
        Scanner {
            place: Place::Head(Search::default()),
            heads: 0,
        }
    }

    /// How many heads have been let through.
    pub(super) fn heads(&self) -> u32 {
        self.heads
    }

    /// Whether the last head's body goes on.
    pub(super) fn in_body(&self) -> bool {
        !matches!(self.place, Place::Head(_))
    }

    /// Follows `bytes`, of which the first `seen` were there before, all of them of a head that is not whole yet. Gives how many of all
    /// of them may be handed on: whole heads and what there is of bodies.
    ///
    /// After a stop it must not be asked again.
    pub(super) fn scan(&mut self, bytes: &[u8], seen: usize) -> (usize, Result<(), Stop>) {
        let mut at = seen;
        let mut begun = 0;
        loop {
            let rest = &bytes[at..];
            match &mut self.place {
                Place::Head(search) => match search.end(&bytes[begun..], at - begun) {
                    Err(refusal) => return (begun, Err(Stop::Head(refusal))),
                    Ok(None) => return (begun, Ok(())),
                    Ok(Some(length)) => {
                        let whole = &bytes[begun..begun + length];
                        match head::check(whole.strip_prefix(b"\r\n").unwrap_or(whole)) {
                            Err(refusal) => return (begun, Err(Stop::Head(refusal))),
                            Ok(body) => self.place = Place::after(body),
                        }
                        self.heads += 1;
                        at = begun + length;
                    }
                },
                Place::Length(left) => {
                    let here = usize::try_from(*left).unwrap_or(usize::MAX).min(rest.len());
                    *left -= here as u64;
                    at += here;
                    if *left == 0 {
                        self.place = Place::Head(Search::default());
                    }
                }
                Place::Chunked(chunks) => match chunks.follow(rest) {
                    Followed::More => at = bytes.len(),
                    Followed::End(length) => {
                        at += length;
                        self.place = Place::Head(Search::default());
                    }
                    Followed::Broken(length, why) => return (at + length, Err(Stop::Body(why))),
                },
            }
            if at == bytes.len() {
                return (at, Ok(()));
            }
            begun = at;
        }
    }
}

impl Place {
    fn after(body: Body) -> Self {
        match body {
            Body::Length(0) => Place::Head(Search::default()),
            Body::Length(length) => Place::Length(length),
            Body::Chunked => Place::Chunked(Chunks::new()),
        }
    }
}

/// The search for the empty line that ends a head.
#[derive(Clone, Copy, Debug, Default)]
struct Search {
    /// Where the line begins that has not ended yet.
    line: usize,
    lines: usize,
    /// Whether an empty line stood before the first, as some clients send after a body (RFC 9112, section 2.2).
    led: bool,
}

impl Search {
    /// The length of the head that `bytes` begin with, where it is whole; `seen` of them were looked at before.
    ///
    /// What is refused is the same however the bytes were split: each fault is found where it stands, and nothing behind it is looked at.
    fn end(&mut self, bytes: &[u8], seen: usize) -> Result<Option<usize>, Refusal> {
        self.first(bytes)?;
        // The last one may have been the CR of a line's end.
        let mut at = seen.saturating_sub(1).max(self.line);
        while let Some(ahead) = bytes[at..].iter().position(|byte| matches!(byte, b'\r' | b'\n')) {
            let end = at + ahead;
            self.room(end)?;
            match bytes.get(end..end + 2) {
                Some(b"\r\n") => {}
                None if bytes[end] == b'\r' => return Ok(None),
                _ => return Err(Refusal::LineEnd),
            }
            let empty = end == self.line;
            self.line = end + 2;
            at = self.line;
            match (empty, self.lines) {
                (true, 0) if self.led => return Err(Refusal::Malformed),
                (true, 0) => {
                    self.led = true;
                    self.first(bytes)?;
                }
                (true, _) => return Ok(Some(at)),
                (false, lines) if lines > FIELDS_MAX => return Err(Refusal::TooManyFields),
                (false, _) => self.lines += 1,
            }
        }
        self.room(bytes.len())?;
        Ok(None)
    }

    /// What can be told from the first bytes, so that nobody waits for the rest of what is none.
    fn first(&self, bytes: &[u8]) -> Result<(), Refusal> {
        if self.lines > 0 {
            return Ok(());
        }
        match &bytes[self.line..] {
            line if line.starts_with(HTTP_2) => Err(Refusal::Version),
            [b'\r' | b'\n' | b'!'..=b'~', ..] | [] => Ok(()),
            _ => Err(Refusal::Malformed),
        }
    }

    /// Whether a line that reaches to `end` without its own end is short enough.
    fn room(&self, end: usize) -> Result<(), Refusal> {
        if self.lines == 0 && end - self.line > FIRST_LINE_MAX_BYTES {
            Err(Refusal::TargetTooLong)
        } else if end + 2 > HEAD_MAX_BYTES {
            Err(Refusal::HeadTooLarge)
        } else {
            Ok(())
        }
    }
}
