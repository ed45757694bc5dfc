//! One call over the network: attempts at one replica after another, for as long as it is safe, paid for and in time.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderValue;
use http::request::Parts;
use http_body_util::{BodyExt, Limited};
use tokio::time::{Instant, sleep_until};
use tracing::Instrument;

use super::classify::{Again, is_draining, is_misdirected, of_response, of_silence};
use super::header;
use super::peer::{Pace, Peer, Ticket, Verdict};
use super::pool::{Pool, Unanswered};
use super::tried::Tried;
use crate::error::{Error, Kind, Result};
use crate::policy::Backoff;
use crate::resolve::Endpoint;
use crate::telemetry;
use crate::transport::{Body, Request, Response};

/// Attempts of a call that may be repeated (AWS, Google SRE: three).
const ATTEMPTS_MAX: u32 = 3;
/// Largest body that is sent again after a doubtful failure (linkerd): a big one is likelier to be the reason.
const REPLAY_MAX_BYTES: usize = 64 * 1024;
/// Between attempts that go where one went before, or where a replica asked for time (AWS SDK, "retry behaviour 2.1").
const BACKOFF: Backoff = Backoff::doubling(Duration::from_millis(50), Duration::from_secs(1));
/// The shortest limit of one attempt: a pause of a busy machine is no failure.
const LIMIT_MIN: Duration = Duration::from_millis(100);
/// The limit of an attempt, as a multiple of the time in which ninety-nine of a hundred are answered.
const LIMIT_OF_P99: f64 = 3.0;
/// A timer that rings so late was kept by this process, not by the replica: timers of an idle runtime ring within a millisecond or two.
const OWN_STALL: Duration = Duration::from_millis(10);
/// Answers from which a limit, or a hedge, is worked out; of fewer the slowest is a coincidence.
const SAMPLES_MIN: u64 = 100;
/// The shortest wait before a hedge: below it the hedge costs more than it saves (Finagle).
const HEDGE_MIN: Duration = Duration::from_millis(2);

/// A call on its way.
pub(super) struct Errand<'a> {
    pub(super) peer: &'a Arc<Peer>,
    pub(super) pool: &'a Pool,
    pub(super) parts: Parts,
    pub(super) body: Bytes,
    /// How many bytes of an answer are read before an attempt ends; none where it ends with the answer's head.
    pub(super) whole: Option<usize>,
    /// Whether doing it twice does no more than doing it once.
    pub(super) repeatable: bool,
    /// Whether it is made for a call that is itself a repeat: then the one who repeats is up there, not here.
    pub(super) repeated: bool,
    pub(super) hedge: bool,
    pub(super) patient: bool,
    pub(super) pace: Option<Arc<Pace>>,
    pub(super) deadline: Instant,
}

/// How an attempt ended.
enum Outcome {
    Answered(Response),
    Unanswered(Unanswered),
    /// It took longer than an attempt may, and another one is paid for.
    Slow,
    /// The call's own time is over.
    Late,
}

impl Errand<'_> {
    /// Makes the call. What is rarely done on the way is boxed, here and where connections are opened and addresses are waited for: else
    /// every call would carry the room for all of it, and be copied with it from hand to hand.
    ///
    /// # Errors
    /// What kept it from being answered, with every attempt. Dropping the future ends the attempt that is on its way.
    pub(super) async fn run(mut self) -> Result<Response> {
        self.repeatable &= self.body.len() <= REPLAY_MAX_BYTES;
        self.peer.begin();
        let mut tried = Tried::new(self.deadline);
        loop {
            let admitted = self
                .peer
                .admit(tried.endpoints(), self.may_repeat(), self.patient, self.deadline)
                .await;
            let ticket = match admitted {
                Ok(ticket) => ticket,
                Err(error) => return Err(tried.into_error(&self.peer.target, error)),
            };
            let number = tried.len() as u32 + 1;
            let (ticket, outcome) = if number == 1 {
                self.attempt(ticket, number, &tried).await
            } else {
                let span = tracing::info_span!(
                    target: "syscall", "attempt", otel.name = %format_args!("attempt {number}"), span.kind = "client",
                    rpc.endpoint = %ticket.endpoint(), rpc.attempt = number
                );
                let attempt = self.attempt(ticket, number, &tried).instrument(span.clone());
                let (ticket, outcome) = Box::pin(attempt).await;
                if !matches!(outcome, Outcome::Answered(_)) {
                    telemetry::mark_error(&span, "no answer");
                }
                (ticket, outcome)
            };
            let again = match self.learn(ticket, &outcome, &mut tried) {
                Again::No => return self.end(outcome, tried),
                again => again,
            };
            let Some(wait) = self.wait_before(again, &outcome, &tried) else {
                return self.end(outcome, tried);
            };
            if !wait.is_zero() {
                tokio::time::sleep(wait).await;
            }
        }
    }

    /// Sends it once; at its limit, or where hedging is asked for a little sooner, another may be on its way before this one is given up.
    async fn attempt(&self, ticket: Ticket, number: u32, tried: &Tried) -> (Ticket, Outcome) {
        match self.hedge_after() {
            Some(after) if number == 1 => Box::pin(self.hedged(ticket, after, tried)).await,
            _ => {
                let outcome = self.alone(&ticket, number, tried).await;
                (ticket, outcome)
            }
        }
    }

    async fn alone(&self, ticket: &Ticket, number: u32, tried: &Tried) -> Outcome {
        let mut exchange = std::pin::pin!(self.exchange(ticket.endpoint().clone(), number));
        let mut limit = self.limit(ticket, number, tried);
        while let Some(at) = limit.take() {
            tokio::select! {
                biased;
                outcome = &mut exchange => return outcome,
                () = sleep_until(at) => {}
            }
            let late = at.elapsed();
            if late >= OWN_STALL {
                // It was this process that stood still: what came meanwhile has not been read yet.
                limit = Some(Instant::now() + late);
            } else if self.peer.may_retry() {
                return Outcome::Slow;
            }
        }
        tokio::select! {
            biased;
            outcome = &mut exchange => outcome,
            () = sleep_until(self.deadline) => Outcome::Late,
        }
    }

    /// Two at once, where the first is slower than most: the one that is answered first is the answer, the other is dropped.
    async fn hedged(&self, first: Ticket, after: Duration, tried: &Tried) -> (Ticket, Outcome) {
        let mut one = std::pin::pin!(self.exchange(first.endpoint().clone(), 1));
        tokio::select! {
            biased;
            outcome = &mut one => return (first, outcome),
            () = sleep_until(self.deadline.min(Instant::now() + after)) => {}
        }
        let mut asked = tried.endpoints().to_vec();
        asked.push(first.endpoint().clone());
        let beside = self.peer.admit_beside(&asked).filter(|_| self.peer.may_hedge());
        let Some(second) = beside else {
            return tokio::select! {
                biased;
                outcome = &mut one => (first, outcome),
                () = sleep_until(self.deadline) => (first, Outcome::Late),
            };
        };
        let mut two = std::pin::pin!(self.exchange(second.endpoint().clone(), 2));
        let (first_ended, outcome) = tokio::select! {
            biased;
            outcome = &mut one => (true, outcome),
            outcome = &mut two => (false, outcome),
            () = sleep_until(self.deadline) => return (first, Outcome::Late),
        };
        let (ended, other) = if first_ended { (first, second) } else { (second, first) };
        let Outcome::Unanswered(unanswered) = outcome else {
            return (ended, outcome);
        };
        // One of them fell; the other may still be answered.
        ended.settle(of_silence(&unanswered).0);
        let other_ends = async { if first_ended { two.await } else { one.await } };
        tokio::select! {
            biased;
            outcome = other_ends => (other, outcome),
            () = sleep_until(self.deadline) => (other, Outcome::Late),
        }
    }

    async fn exchange(&self, endpoint: Endpoint, number: u32) -> Outcome {
        let mut request = Request::from_parts(self.parts.clone(), Body::from(self.body.clone()));
        if number > 1 {
            let headers = request.headers_mut();
            headers.insert(header::PREVIOUS_ATTEMPTS, HeaderValue::from(number - 1));
            if let Some(trace) = telemetry::current_trace()
                && let Ok(value) = HeaderValue::try_from(trace.to_string())
            {
                headers.insert(header::TRACEPARENT, value);
            }
        }
        match self.pool.send(&endpoint, request).await {
            Ok(response) => match self.whole {
                None => Outcome::Answered(response),
                Some(most) => match read(response, most).await {
                    Ok(response) => Outcome::Answered(response),
                    Err(unanswered) => Outcome::Unanswered(unanswered),
                },
            },
            Err(unanswered) => Outcome::Unanswered(unanswered),
        }
    }

    /// Until when this attempt may take: the last one has all the time there is, and so has one that nobody could take over.
    fn limit(&self, ticket: &Ticket, number: u32, tried: &Tried) -> Option<Instant> {
        if !self.may_repeat() || number >= ATTEMPTS_MAX {
            return None;
        }
        let asked = |endpoint: &Endpoint| endpoint == ticket.endpoint() || tried.endpoints().contains(endpoint);
        if !self.peer.has_other_than(asked) {
            return None;
        }
        let left = self.deadline.saturating_duration_since(ticket.begun());
        // Of anything but a method nothing is known: it may be a wait for news, which is meant to be long.
        let usual = self.pace.as_ref()?.quantiles(ticket.begun());
        let limit = if usual.count >= SAMPLES_MIN {
            Duration::from_secs_f64(usual.p99 * LIMIT_OF_P99 / 1_000.0).max(LIMIT_MIN)
        } else {
            left / 2
        };
        Some(ticket.begun() + limit.min(left / 2))
    }

    /// After how long a second one is sent beside the first: the time in which nineteen of twenty are answered.
    fn hedge_after(&self) -> Option<Duration> {
        if !self.hedge || !self.may_repeat() || self.peer.count() < 2 {
            return None;
        }
        let usual = self.pace.as_ref()?.quantiles(Instant::now());
        (usual.count >= SAMPLES_MIN).then(|| Duration::from_secs_f64(usual.p95 / 1_000.0).max(HEDGE_MIN))
    }

    fn may_repeat(&self) -> bool {
        self.repeatable && !self.repeated
    }

    /// Tells the replica's breaker, remembers what was tried, and says whether there may be another attempt.
    fn learn(&self, ticket: Ticket, outcome: &Outcome, tried: &mut Tried) -> Again {
        let endpoint = ticket.endpoint().clone();
        let (verdict, again) = match outcome {
            Outcome::Answered(response) => of_response(response),
            Outcome::Unanswered(unanswered) => of_silence(unanswered),
            Outcome::Slow => (Verdict::Failure, Again::Doubtful { wait: None }),
            // A caller in a hurry says nothing of the replica.
            Outcome::Late if ticket.begun().elapsed() < LIMIT_MIN => {
                tried.push(
                    endpoint,
                    ticket.begun().elapsed(),
                    "no answer when the time was over".to_owned(),
                );
                return Again::No;
            }
            Outcome::Late => (Verdict::Failure, Again::No),
        };
        let misdirected = matches!(outcome, Outcome::Answered(response) if is_misdirected(response.status()));
        let draining = matches!(outcome, Outcome::Answered(response) if is_draining(response.headers()));
        if misdirected || draining {
            // What is idle to it is about to be closed there, maybe under the next request.
            self.pool.forget(&endpoint);
        }
        let took = if misdirected {
            ticket.misdirected()
        } else if draining {
            ticket.settle_last(verdict)
        } else {
            ticket.settle(verdict)
        };
        if verdict == Verdict::Success
            && let Some(pace) = &self.pace
        {
            pace.record(took);
        }
        let why = match outcome {
            Outcome::Answered(_) if again == Again::No => return again,
            Outcome::Answered(response) => format!("answered {}", response.status()),
            Outcome::Unanswered(Unanswered::Unsent(error)) => {
                // What refuses a connection may have moved.
                self.peer.discovery.suspect();
                error.message().to_owned()
            }
            Outcome::Unanswered(unanswered) => unanswered.error().chain(),
            Outcome::Slow => "no answer within an attempt's time".to_owned(),
            Outcome::Late => "no answer when the time was over".to_owned(),
        };
        tried.push(endpoint, took, why);
        again
    }

    /// How long to wait before another attempt; `None` where there must be none.
    fn wait_before(&self, again: Again, outcome: &Outcome, tried: &Tried) -> Option<Duration> {
        let (asked, paid) = match again {
            Again::No => return None,
            Again::Unprocessed { wait, free } => {
                // Each replica once, and one more after the addresses were looked up again.
                if tried.len() > self.peer.count() {
                    return None;
                }
                (wait, free)
            }
            Again::Doubtful { wait } => {
                if !self.may_repeat() || tried.len() as u32 >= ATTEMPTS_MAX {
                    return None;
                }
                (wait, matches!(outcome, Outcome::Slow))
            }
        };
        let elsewhere = self
            .peer
            .has_other_than(|endpoint| tried.endpoints().contains(endpoint));
        let wait = match asked {
            // Another replica did not ask for time.
            Some(_) | None if elsewhere => Duration::ZERO,
            Some(asked) => asked.max(BACKOFF.wait(tried.len() as u32, self.peer.random())),
            None => BACKOFF.wait(tried.len() as u32, self.peer.random()),
        };
        let in_time = Instant::now() + wait < self.deadline;
        (in_time && (paid || self.peer.may_retry())).then_some(wait)
    }

    /// What the caller gets: the last answer, whatever it says, or an error that says what was tried.
    fn end(&self, outcome: Outcome, tried: Tried) -> Result<Response> {
        let error = match outcome {
            Outcome::Answered(response) => {
                tried.tell();
                return Ok(response);
            }
            Outcome::Unanswered(unanswered) => unanswered.into_error(),
            Outcome::Slow | Outcome::Late => Error::new(Kind::DeadlineExceeded, "no answer came in time"),
        };
        Err(tried.into_error(&self.peer.target, error))
    }
}

/// A number of bytes as people say it, in the largest unit of which it is a whole number.
fn bytes_in_words(bytes: usize) -> String {
    match bytes {
        _ if bytes.is_multiple_of(1024 * 1024) => format!("{} MiB", bytes / 1024 / 1024),
        _ if bytes.is_multiple_of(1024) => format!("{} KiB", bytes / 1024),
        _ => format!("{bytes} bytes"),
    }
}

/// Reads an answer to its end, where that comes within so many bytes.
pub(super) async fn read(response: Response, most: usize) -> Result<Response, Unanswered> {
    let (parts, body) = response.into_parts();
    match Limited::new(body, most).collect().await {
        Ok(body) => Ok(Response::from_parts(parts, Body::from(body.to_bytes()))),
        Err(error) if error.is::<http_body_util::LengthLimitError>() => Err(Unanswered::Unreadable(
            Error::new(
                Kind::BadGateway,
                format!("the answer is larger than {}", bytes_in_words(most)),
            )
            .with_code("ANSWER_TOO_LARGE"),
        )),
        Err(error) => Err(Unanswered::Doubtful(
            Error::new(Kind::BadGateway, "the answer broke off").with_source(error),
        )),
    }
}
