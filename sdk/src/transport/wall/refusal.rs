use std::fmt;

/// Why a connection is not listened to any further: what was sent on it is not one request after another, or came too slowly.
///
/// Which status it has is for who answers to say; the peer is told the sentence, and the connection ends with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Refusal {
    /// The head is not what RFC 9112 says a head is.
    Malformed = 1,
    /// A line of the head ends with a line feed alone, or has a carriage return within (RFC 9112, section 2.2).
    LineEnd,
    /// No `Host`, more than one, or one that is no host (RFC 9112, section 3.2).
    Host,
    /// The target names another host than `Host` does.
    OtherHost,
    /// Where the body ends can be read in two ways: `Content-Length` beside `Transfer-Encoding`, or either twice, or of another form.
    Framing,
    /// A body where there is none: on GET, HEAD or TRACE.
    Body,
    /// A target that is no target: bytes that are to be percent-encoded, or a percent sign that encodes nothing.
    Target,
    /// The target is too long.
    TargetTooLong,
    /// The head has too many fields.
    TooManyFields,
    /// The head has too many bytes.
    HeadTooLarge,
    /// Another protocol, such as HTTP/2.
    Version,
    /// `CONNECT`: this is no proxy.
    Connect,
    /// The head was begun and not ended in time.
    Late,
    /// More than one `Authorization` or `X-Api-Key`: who stands before us may have looked at the other.
    Credential,
}

impl Refusal {
    /// All of them.
    pub const ALL: [Refusal; 14] = [
        Refusal::Malformed,
        Refusal::LineEnd,
        Refusal::Host,
        Refusal::OtherHost,
        Refusal::Framing,
        Refusal::Body,
        Refusal::Target,
        Refusal::TargetTooLong,
        Refusal::TooManyFields,
        Refusal::HeadTooLarge,
        Refusal::Version,
        Refusal::Connect,
        Refusal::Late,
        Refusal::Credential,
    ];

    pub(super) fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|refusal| *refusal as u8 == number)
    }

    /// For programs.
    pub const fn code(self) -> &'static str {
        match self {
            Refusal::Malformed => "MALFORMED_REQUEST",
            Refusal::LineEnd => "BAD_LINE_END",
            Refusal::Host => "BAD_HOST",
            Refusal::OtherHost => "HOST_MISMATCH",
            Refusal::Framing => "AMBIGUOUS_BODY",
            Refusal::Body => "UNEXPECTED_BODY",
            Refusal::Target => "BAD_TARGET",
            Refusal::TargetTooLong => "TARGET_TOO_LONG",
            Refusal::TooManyFields => "TOO_MANY_HEADERS",
            Refusal::HeadTooLarge => "HEAD_TOO_LARGE",
            Refusal::Version => "HTTP_VERSION",
            Refusal::Connect => "NO_PROXY",
            Refusal::Late => "REQUEST_TIMEOUT",
            Refusal::Credential => "AMBIGUOUS_CREDENTIAL",
        }
    }
}

/// What the peer is told.
impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Refusal::Malformed => {
                "this is no request of HTTP/1.1: a method, a target and the version with one space between, then fields of a name, a \
                 colon and a value without control characters, each on one line"
            }
            Refusal::LineEnd => "a line of the head does not end with CR and LF; send both",
            Refusal::Host => "a request has one Host field that holds a host and perhaps a port",
            Refusal::OtherHost => "the target names another host than the Host field does; send the same in both",
            Refusal::Framing => {
                "where the body ends is said twice or not at all; send one Content-Length in digits, or Transfer-Encoding: chunked, and not both"
            }
            Refusal::Body => "a GET, HEAD or TRACE has no body here; put what it says in the query, or send a POST",
            Refusal::Target => {
                "the target has bytes that are to be percent-encoded, or a percent sign before something else than two hexadecimal digits"
            }
            Refusal::TargetTooLong => "the target is longer than 8 KiB; put what it says in a body",
            Refusal::TooManyFields => "a request has at most 100 fields",
            Refusal::HeadTooLarge => "the head is larger than 32 KiB; send less in its fields",
            Refusal::Version => "HTTP/1.1 is spoken here, and 1.0, and nothing else",
            Refusal::Connect => "this is no proxy",
            Refusal::Late => "the head of the request was not all there in time; send it at once",
            Refusal::Credential => "a request has one Authorization field at most, and one X-Api-Key",
        })
    }
}
