//! State, and writes of several things at once.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args as ClapArgs, Subcommand};

use super::read::duration;

#[derive(Debug, Subcommand)]
pub(crate) enum State {
    /// Print the value of a key.
    Get(Key),
    /// Write a key.
    Put(PutState),
    /// List keys with their values.
    Ls(Prefix),
    /// Delete a key.
    Rm(RemoveState),
    /// Follow committed changes as they come.
    Watch(Prefix),
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Key {
    /// The service, by key or name.
    pub(crate) service: String,
    /// The key.
    pub(crate) key: String,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct RemoveState {
    /// The service, by key or name.
    pub(crate) service: String,
    /// The key.
    pub(crate) key: String,
    /// Only where it has this version.
    #[arg(long, value_name = "VERSION")]
    pub(crate) expect: Option<u64>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct PutState {
    /// The service, by key or name.
    pub(crate) service: String,
    /// The key.
    pub(crate) key: String,
    /// The value, as JSON; `-` reads it from standard input.
    pub(crate) value: String,
    /// Only where the key has this version; 0 is only where it is absent.
    #[arg(long, value_name = "VERSION")]
    pub(crate) expect: Option<u64>,
    /// Forget it after so long, such as 30s, 10m, 2h.
    #[arg(long, value_parser = duration, value_name = "AGE")]
    pub(crate) ttl: Option<Duration>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Prefix {
    /// The service, by key or name.
    pub(crate) service: String,
    /// Only keys under this; it ends in / or :.
    pub(crate) prefix: Option<String>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Commit {
    /// The service, by key or name.
    pub(crate) service: String,
    /// A file that holds {"ops": […]} as JSON; `-` is standard input.
    pub(crate) file: PathBuf,
    /// Names the commit, so that it is done once however often it is sent.
    #[arg(long, value_name = "KEY")]
    pub(crate) idempotency_key: Option<String>,
}
