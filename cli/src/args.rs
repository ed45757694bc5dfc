//! What may be typed.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};

/// Runs a BlackRoad fleet, and is its shell.
#[derive(Debug, Parser)]
#[command(name = "blackroad", version, about, propagate_version = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    pub(crate) target: Target,
    /// Print JSON instead of tables.
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

/// Which fleet to speak to.
#[derive(Clone, Debug, ClapArgs)]
pub(crate) struct Target {
    /// The fleet's environment; development is the one on this machine.
    #[arg(long = "env", global = true, value_enum, default_value_t = Env::Development)]
    pub(crate) environment: Env,
    /// The port of the fleet on this machine.
    #[arg(long, global = true, env = "BLACKROAD_PORT", default_value_t = 8000)]
    pub(crate) port: u16,
}

/// An environment whose fleet can be spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Env {
    /// The public fleet, through its public names.
    Production,
    /// The fleet on this machine.
    Development,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the fleet on this machine.
    Up(Up),
    /// Call a method of a service.
    Call(Call),
}

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
    /// Runs one service of a fleet of processes; used by `--processes` itself.
    #[arg(long, hide = true, value_name = "KEY")]
    pub(crate) serve_one: Option<String>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Call {
    /// The service, by key or name.
    pub(crate) service: String,
    /// The method.
    pub(crate) method: String,
    /// Its parameters, as JSON; `-` reads them from standard input.
    pub(crate) params: Option<String>,
    /// The most that it may take, in milliseconds.
    #[arg(long)]
    pub(crate) timeout: Option<u64>,
}
