//! Cloudflare's API: the client, what it refuses, and the calls that are made of it.

mod client;
mod read;
mod refusal;
mod write;

pub(super) use client::{Client, answer, may_carry_a_token};
pub(super) use write::{BATCH_MAX, check, records, setting};
