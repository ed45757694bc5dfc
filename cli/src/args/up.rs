//! Running a fleet on this machine.

use std::path::PathBuf;

use clap::{Args as ClapArgs, ValueEnum};

#[derive(Debug, ClapArgs)]
pub(crate) struct Up {
    /// Only these services, by key, separated by commas.
    #[arg(long, value_delimiter = ',', value_name = "KEY")]
    pub(crate) only: Vec<String>,
    /// Each service in a process of its own.
    #[arg(long)]
    pub(crate) processes: bool,
    /// Also open a loopback port for each service, for programs whose resolver does not know *.localhost.
    #[arg(long)]
    pub(crate) ports: bool,
    /// Where the services keep their data.
    #[arg(long, env = "DATA_DIR", default_value = "./data", value_name = "DIR")]
    pub(crate) data_dir: PathBuf,
    /// Keep nothing on disk.
    #[arg(long)]
    pub(crate) amnesia: bool,
    /// Print log lines as well as the table.
    #[arg(long)]
    pub(crate) logs: bool,
    /// Whether callers are asked for a token: required makes keys, and a token for you. SYSCALL_AUTH says the same.
    #[arg(long, value_enum)]
    pub(crate) auth: Option<Auth>,
    /// Runs one service of a fleet of processes; used by `--processes` itself.
    #[arg(long, hide = true, value_name = "KEY")]
    pub(crate) serve_one: Option<String>,
    /// Between the probes of each process, in milliseconds.
    #[arg(long, hide = true, default_value_t = 30_000, value_name = "MS")]
    pub(crate) probe_interval: u64,
}

/// Whether callers are asked for a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Auth {
    /// Everybody, for what each route declares.
    Required,
    /// Nobody.
    Open,
}

impl Auth {
    /// The word of the environment.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Auth::Required => "required",
            Auth::Open => "open",
        }
    }
}
