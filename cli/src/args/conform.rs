//! Checking a service against the contract.

use clap::{Args as ClapArgs, ValueEnum};

#[derive(Debug, ClapArgs)]
pub(crate) struct Conform {
    /// Where the service listens, such as http://127.0.0.1:8080; or a service of the fleet, by key.
    pub(crate) url: String,
    /// Who it should say it is, by key or name of the registry.
    #[arg(long, value_name = "KEY")]
    pub(crate) service: Option<String>,
    /// How much is asked for.
    #[arg(long, value_enum, default_value_t = Level::Ours)]
    pub(crate) level: Level,
    /// The Host to send, where it is not the URL's own.
    #[arg(long, value_name = "NAME")]
    pub(crate) host: Option<String>,
    /// A job that may be created, run and cancelled here; without it the rules of jobs are skipped.
    #[arg(long, value_name = "NAME")]
    pub(crate) job: Option<String>,
    /// A workflow that waits, and may be started and cancelled here; without it the rules that start one are skipped.
    #[arg(long, value_name = "NAME")]
    pub(crate) workflow: Option<String>,
    /// What --workflow is given, as JSON; nothing unless said.
    #[arg(long, requires = "workflow", value_name = "JSON")]
    pub(crate) input: Option<String>,
    /// A method that may be called here without harm; found by asking where none is named.
    #[arg(long, value_name = "NAME")]
    pub(crate) method: Option<String>,
    /// The parameters of --method, as JSON.
    #[arg(long, requires = "method", value_name = "JSON")]
    pub(crate) params: Option<String>,
    /// A method that takes a second or more, to see that its deadline is kept.
    #[arg(long, value_name = "NAME")]
    pub(crate) slow: Option<String>,
    /// Only rules whose sentence or family holds this text.
    #[arg(long, value_name = "TEXT")]
    pub(crate) rule: Option<String>,
    /// Also check what takes long, such as the heartbeat of a silent stream.
    #[arg(long)]
    pub(crate) patient: bool,
}

/// How much of the contract is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum Level {
    /// What clients of version 2.0 need.
    #[value(name = "2.0")]
    V2,
    /// All of it, as far as the service has it switched on.
    Ours,
}
