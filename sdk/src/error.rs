//! The one error of the kernel: a closed kind, chosen by what the caller would do differently, with a code, a sentence and a source.
//!
//! Below HTTP nothing knows a status; [`crate::http`] maps a [`Kind`] to one, in one place.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use serde_json::Value;

/// What went wrong, as far as a caller can act on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The request itself is wrong; the same request will never work.
    Invalid,
    /// Nobody knows who is asking.
    Unauthenticated,
    /// It is known who is asking, and they may not.
    Forbidden,
    /// The named thing is not there.
    NotFound,
    /// The path exists, the verb does not.
    MethodNotAllowed,
    /// The thing changed under the caller, or exists already.
    Conflict,
    /// A precondition that the caller stated in a header does not hold.
    PreconditionFailed,
    /// More than the kernel takes in one piece.
    TooLarge,
    /// The request is well formed and contradicts an earlier one.
    Unprocessable,
    /// The request reached another service than the one it names.
    Misdirected,
    /// The caller asks too often; wait and ask again.
    RateLimited,
    /// Refused before any work was done; safe to send again.
    Overloaded,
    /// Something that this needs cannot be reached now.
    Unavailable,
    /// The caller's time ran out.
    DeadlineExceeded,
    /// A peer answered what it must not.
    BadGateway,
    /// A fault of ours; the log has the rest.
    Internal,
}

impl Kind {
    /// All of them.
    pub const ALL: [Kind; 16] = [
        Kind::Invalid,
        Kind::Unauthenticated,
        Kind::Forbidden,
        Kind::NotFound,
        Kind::MethodNotAllowed,
        Kind::Conflict,
        Kind::PreconditionFailed,
        Kind::TooLarge,
        Kind::Unprocessable,
        Kind::Misdirected,
        Kind::RateLimited,
        Kind::Overloaded,
        Kind::Unavailable,
        Kind::DeadlineExceeded,
        Kind::BadGateway,
        Kind::Internal,
    ];

    /// The code used where no narrower one is given.
    pub const fn code(self) -> &'static str {
        match self {
            Kind::Invalid => "INVALID_ARGUMENT",
            Kind::Unauthenticated => "UNAUTHENTICATED",
            Kind::Forbidden => "FORBIDDEN",
            Kind::NotFound => "NOT_FOUND",
            Kind::MethodNotAllowed => "METHOD_NOT_ALLOWED",
            Kind::Conflict => "CONFLICT",
            Kind::PreconditionFailed => "PRECONDITION_FAILED",
            Kind::TooLarge => "TOO_LARGE",
            Kind::Unprocessable => "UNPROCESSABLE",
            Kind::Misdirected => "MISDIRECTED",
            Kind::RateLimited => "RATE_LIMITED",
            Kind::Overloaded => "OVERLOADED",
            Kind::Unavailable => "UNAVAILABLE",
            Kind::DeadlineExceeded => "DEADLINE_EXCEEDED",
            Kind::BadGateway => "BAD_GATEWAY",
            Kind::Internal => "INTERNAL",
        }
    }

    /// Whether trying again is of no use whoever tries: a request that is wrong stays wrong. Every other failure may pass, also an
    /// internal one, since who tries for hours meets faults that a redeploy mends.
    pub const fn hopeless(self) -> bool {
        matches!(self, Kind::Invalid | Kind::TooLarge | Kind::Unprocessable)
    }

    /// Whether the same request, sent again unchanged, may succeed.
    ///
    /// It says nothing about whether sending it again is *safe*: that depends on the method and on how far the first one got.
    pub const fn retryable(self) -> bool {
        match self {
            Kind::RateLimited | Kind::Overloaded | Kind::Unavailable | Kind::DeadlineExceeded | Kind::BadGateway => {
                true
            }
            Kind::Invalid
            | Kind::Unauthenticated
            | Kind::Forbidden
            | Kind::NotFound
            | Kind::MethodNotAllowed
            | Kind::Conflict
            | Kind::PreconditionFailed
            | Kind::TooLarge
            | Kind::Unprocessable
            | Kind::Misdirected
            | Kind::Internal => false,
        }
    }
}

/// Whose failure it is: told in `X-Syscall-Origin`, so that a caller need not guess.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Origin {
    /// The kernel refused or failed.
    Kernel,
    /// The service's own handler said so.
    Handler,
}

impl Origin {
    /// The header's value.
    pub const fn as_str(self) -> &'static str {
        match self {
            Origin::Kernel => "kernel",
            Origin::Handler => "handler",
        }
    }
}

/// The kernel's result.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What happened, to what, and what to do next.
///
/// `Display` is the public sentence alone; [`Error::chain`] adds the sources, for the one who logs it.
///
/// ```
/// use syscall_sdk::error::{Error, Kind};
/// let error = Error::not_found("user 7 does not exist").with_code("USER_NOT_FOUND");
/// assert_eq!(error.kind(), Kind::NotFound);
/// assert!(!error.kind().retryable());
/// ```
pub struct Error(Box<Inner>);

struct Inner {
    kind: Kind,
    origin: Origin,
    code: Cow<'static, str>,
    message: String,
    details: Option<Value>,
    retry_after: Option<Duration>,
    without_retry: bool,
    unprocessed: bool,
    off_record: bool,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// An error of a kind, with a sentence that a person can act on.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Error(Box::new(Inner {
            kind,
            origin: Origin::Kernel,
            code: Cow::Borrowed(kind.code()),
            message: message.into(),
            details: None,
            retry_after: None,
            without_retry: false,
            unprocessed: false,
            off_record: false,
            source: None,
        }))
    }

    /// [`Kind::Invalid`].
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(Kind::Invalid, message)
    }

    /// [`Kind::NotFound`].
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(Kind::NotFound, message)
    }

    /// [`Kind::Conflict`].
    pub fn conflict(message: impl Into<String>) -> Self {
        Self::new(Kind::Conflict, message)
    }

    /// [`Kind::Unavailable`].
    pub fn unavailable(message: impl Into<String>) -> Self {
        Self::new(Kind::Unavailable, message)
    }

    /// [`Kind::Internal`]: its message is for the log, the public reads "internal error" and the request's id.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(Kind::Internal, message)
    }

    /// A narrower machine code, in `UPPER_SNAKE`.
    #[must_use]
    pub fn with_code(mut self, code: impl Into<Cow<'static, str>>) -> Self {
        self.0.code = code.into();
        self
    }

    /// Facts a program can use, such as the id that was not found.
    #[must_use]
    pub fn with_details(mut self, details: Value) -> Self {
        self.0.details = Some(details);
        self
    }

    /// How long to wait before trying again.
    #[must_use]
    pub fn with_retry_after(mut self, wait: Duration) -> Self {
        self.0.retry_after = Some(wait);
        self
    }

    /// Says that trying again is of no use, whatever the kind: a job, a step or a delivery that fails with it ends at once.
    #[must_use]
    pub fn without_retry(mut self) -> Self {
        self.0.without_retry = true;
        self
    }

    /// Says that nothing was done: whoever is told so may send the request again, whatever it asks for. For a refusal that comes before any
    /// work; what a peer refused is no such thing for who asked it in the midst of something.
    #[must_use]
    pub fn unprocessed(mut self) -> Self {
        self.0.unprocessed = true;
        self
    }

    /// Leaves a refusal off the record of who called: it was this service that a peer refused, or what was refused is recorded by a name of its
    /// own.
    #[must_use]
    pub fn off_record(mut self) -> Self {
        self.0.off_record = true;
        self
    }

    /// The error beneath this one; logged, never sent.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// Marks whose failure it is; the kernel marks what a handler returns as the handler's.
    #[must_use]
    pub fn with_origin(mut self, origin: Origin) -> Self {
        self.0.origin = origin;
        self
    }

    /// An error that says the same to another who is told of it; what was beneath it is text.
    #[must_use]
    pub(crate) fn again(&self) -> Self {
        let inner = &self.0;
        Error(Box::new(Inner {
            kind: inner.kind,
            origin: inner.origin,
            code: inner.code.clone(),
            message: inner.message.clone(),
            details: inner.details.clone(),
            retry_after: inner.retry_after,
            without_retry: inner.without_retry,
            unprocessed: inner.unprocessed,
            off_record: inner.off_record,
            source: inner.source.as_ref().map(|source| source.to_string().into()),
        }))
    }

    /// What a caller would do about it.
    pub fn kind(&self) -> Kind {
        self.0.kind
    }

    /// Whose failure it is.
    pub fn origin(&self) -> Origin {
        self.0.origin
    }

    /// The machine code.
    pub fn code(&self) -> &str {
        &self.0.code
    }

    /// The public sentence.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Facts for programs.
    pub fn details(&self) -> Option<&Value> {
        self.0.details.as_ref()
    }

    /// How long to wait before trying again, where waiting helps.
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// Whether trying again is of no use, as [its kind](Kind::hopeless) or [who made it](Error::without_retry) says.
    pub fn hopeless(&self) -> bool {
        self.0.without_retry || self.0.kind.hopeless()
    }

    /// Whether it is left [off the record](Error::off_record).
    pub(crate) fn is_off_record(&self) -> bool {
        self.0.off_record
    }

    /// Whether [nothing was done](Error::unprocessed).
    pub fn is_unprocessed(&self) -> bool {
        self.0.unprocessed
    }

    /// The whole chain on one line, for a log.
    pub fn chain(&self) -> String {
        let mut line = format!("{}: {}", self.0.code, self.0.message);
        let mut source = StdError::source(self);
        while let Some(error) = source {
            line.push_str(": ");
            line.push_str(&error.to_string());
            source = error.source();
        }
        line
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.0.kind)
            .field("code", &self.0.code)
            .field("message", &self.0.message)
            .field("details", &self.0.details)
            .field("source", &self.0.source)
            .finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0
            .source
            .as_deref()
            .map(|source| source as &(dyn StdError + 'static))
    }
}
