use std::time::Duration;

use super::wall::PaceLimits;
use crate::config::TrustEdge;

/// What a connection may take.
#[derive(Clone, Copy, Debug)]
pub struct ConnectionLimits {
    /// Connections at once; the next ones wait in the kernel's backlog.
    pub connections_max: usize,
    /// Connections at once of one [party](crate::policy::party); none where the addresses are a proxy's.
    pub connections_per_address: Option<usize>,
    /// Longest wait for the first byte of a connection.
    pub first_byte_timeout: Duration,
    /// Longest time from the first byte of a head to its last.
    pub head_timeout: Duration,
    /// How long a connection is kept on which nothing is asked.
    pub idle_timeout: Duration,
    /// How long a request's body is waited for.
    pub body: PaceLimits,
    /// How long it is waited for that an answer is taken.
    pub answer: PaceLimits,
    /// Bytes that are buffered of a connection; a head must fit.
    pub buffer_max_bytes: usize,
    /// How long a connection is used, a tenth more or less at random; then it ends with the next answer.
    pub age_max: Duration,
    /// Requests that one connection brings at most.
    pub requests_max: u32,
}

impl Default for ConnectionLimits {
    /// For a listener that anybody may reach.
    ///
    /// - 10,000 connections, as many as the platform's edge opens, and a tenth of them to one address: more than the 512 requests that a
    ///   service takes at once, so that no peer meets it, and nine others find room beside who takes it all.
    /// - 10 s to the first byte and 30 s to the end of a head (Kestrel's): nobody who means to ask takes so long.
    /// - 75 s idle, longer than the minute for which proxies keep connections to use them again (nginx: 75 s).
    /// - A body: 10 s between two pieces, 30 s in all, and 240 bytes a second after 5 s (Kestrel's floor, below any modem's).
    /// - An answer: 30 s without a byte taken, and the same floor after it: who sleeps for a moment is waited for.
    /// - 64 KiB of buffer, twice the largest head.
    /// - 10 min, so that a new replica has its share soon and the cost of connecting is nowhere to be seen (what gRPC's users set as
    ///   `MAX_CONNECTION_AGE`, with its tenth of jitter), and 10,000 requests, as the platform's edge sends at most over one.
    fn default() -> Self {
        let floor = 240;
        ConnectionLimits {
            connections_max: 10_000,
            connections_per_address: Some(1_000),
            first_byte_timeout: Duration::from_secs(10),
            head_timeout: Duration::from_secs(30),
            idle_timeout: Duration::from_secs(75),
            body: PaceLimits {
                idle: Duration::from_secs(10),
                total: Some(Duration::from_secs(30)),
                floor,
                grace: Duration::from_secs(5),
            },
            answer: PaceLimits {
                idle: Duration::from_secs(30),
                total: None,
                floor,
                grace: Duration::from_secs(30),
            },
            buffer_max_bytes: 64 * 1024,
            age_max: Duration::from_secs(600),
            requests_max: 10_000,
        }
    }
}

impl ConnectionLimits {
    /// For a listener behind an edge: it opens connections ahead of need and keeps them, and its few addresses stand for everybody.
    pub fn behind(edge: TrustEdge) -> Self {
        let limits = ConnectionLimits::default();
        match edge {
            TrustEdge::None => limits,
            TrustEdge::Cloudflare | TrustEdge::Railway => ConnectionLimits {
                connections_per_address: None,
                first_byte_timeout: limits.idle_timeout,
                ..limits
            },
        }
    }
}
