//! What is fed to the fleet's parsers and handlers, and what must hold of it.
//!
//! A target is a function of bytes that panics where a law is broken. `make fuzz` runs each under libFuzzer for a minute, from the corpus
//! that is kept beside this crate; the ordinary tests feed each its corpus, and mutations of it from a seed that they print.

#![forbid(unsafe_code)]

mod requests;
mod streams;
mod token;
mod words;

pub use requests::requests;
pub use streams::sse;
pub use token::token;
pub use words::{cron, registry, traceparent, wire};

/// A target: bytes in, a panic where a law is broken.
pub type Target = fn(&[u8]);

/// Every target, by the name of its corpus and of its binary.
pub const TARGETS: &[(&str, Target)] = &[
    ("cron", cron),
    ("registry", registry),
    ("requests", requests),
    ("sse", sse),
    ("token", token),
    ("traceparent", traceparent),
    ("wire", wire),
];
