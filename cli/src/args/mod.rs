//! What may be typed, a file a group of commands.

mod affected;
mod ask;
mod audit;
mod conform;
mod contract;
mod cost;
mod dns;
mod groups;
mod jobs;
mod new;
mod observe;
mod railway;
mod read;
mod satellite;
mod state;
mod store;
mod token;
mod up;
mod verify;
mod workflows;

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use syscall_sdk::config::Environment;

pub(crate) use affected::Affected;
pub(crate) use ask::{Call, Emit, Events, One, OneOrAll, Path, Pipe, Ps, Resolve};
pub(crate) use audit::{Audit, AuditList, AuditVerify};
pub(crate) use conform::{Conform, Level};
pub(crate) use contract::{Contract, ContractCheck};
pub(crate) use cost::Cost;
pub(crate) use dns::{Dns, DnsApply, DnsExport, DnsFormat, DnsPlan, DnsZones};
pub(crate) use groups::{DeadLetter, DeadLetters, Group, OneGroup, OneLetter};
pub(crate) use jobs::{CreateJob, Job, Jobs, JobsAction, OneJob, OnePause, PauseJobs, RetryJob, RetryJobs, WaitJob};
pub(crate) use new::{New, NewFleet, NewService};
pub(crate) use observe::{Logs, Trace, Traces, Why};
pub(crate) use railway::Railway;
pub(crate) use read::duration;
pub(crate) use satellite::{ExportSatellite, Satellite};
pub(crate) use state::{Commit, Key, Prefix, PutState, RemoveState, State};
pub(crate) use store::{Store, StoreFile, StoreOf, StorePlace};
pub(crate) use token::{Inspect, Keygen, Mint, Narrow, Revoke, Revoked, Rotate, Token};
pub(crate) use up::Up;
pub(crate) use verify::Verify;
pub(crate) use workflows::{Fork, OneRun, Signal, StartWorkflow, WaitRun, Workflow, Workflows};

/// Runs a BlackRoad fleet, and is its shell.
#[derive(Debug, Parser)]
#[command(name = "blackroad", version, about, propagate_version = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    pub(crate) target: Target,
    /// Print JSON: one document, or one a line where things keep coming.
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
    /// The credential: a token with its key, from which a narrow one is signed for each request, or a token that is shown as it is. A fleet
    /// in development asks for none.
    #[arg(long, global = true, env = "BLACKROAD_TOKEN", hide_env_values = true)]
    pub(crate) token: Option<String>,
}

/// An environment whose fleet can be spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Env {
    /// The public fleet, through its public names.
    Production,
    /// The rehearsal, through the platform's names.
    Staging,
    /// The fleet on this machine.
    Development,
    /// The platform's environment called development, through the platform's names.
    RailwayDevelopment,
}

impl Env {
    /// The word that its services say of themselves.
    pub(crate) fn environment(self) -> Environment {
        match self {
            Env::Production => Environment::Production,
            Env::Staging => Environment::Staging,
            Env::Development | Env::RailwayDevelopment => Environment::Development,
        }
    }

    /// Whether it is the one on this machine.
    pub(crate) fn is_here(self) -> bool {
        self == Env::Development
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the fleet on this machine.
    Up(Up),
    /// Who is there: the roster with health, version and uptime.
    Ps(Ps),
    /// Call a method of a service; without a method, list those it has. Results that come one after the other are printed as they come.
    Call(Call),
    /// Open a pipe of a service: what is typed goes in, what comes out is printed. Every service has `echo`.
    Pipe(Pipe),
    /// Emit an event.
    Emit(Emit),
    /// Follow a service's events as they come.
    Events(Events),
    /// Read a service's log.
    Logs(Logs),
    /// A service's jobs, newest first.
    Jobs(Jobs),
    /// One job: create it, look at it, cancel it, run it again.
    #[command(subcommand)]
    Job(Job),
    /// A service's workflows: their runs, newest first.
    Workflows(Workflows),
    /// One run of a workflow: start it, look at it, wait for it, signal, cancel, resume or fork it.
    #[command(subcommand)]
    Workflow(Workflow),
    /// A service's state: read, write, list, delete, watch.
    #[command(subcommand)]
    State(State),
    /// Write keys, emit events and create jobs, all of it or none.
    Commit(Commit),
    /// What a service keeps, as it lies there: how much it is, whether it is sound, and moving it.
    #[command(subcommand)]
    Store(Store),
    /// What a service pushes to others, and others to it, with how far each is.
    Subscriptions(One),
    /// The groups of consumers of a service's events.
    Groups(One),
    /// One group: move it, forget it.
    #[command(subcommand)]
    Group(Group),
    /// Events that subscriptions and groups gave up on, oldest first.
    DeadLetters(DeadLetters),
    /// One dead letter: look at it, edit it, try it again, forget it.
    #[command(subcommand)]
    DeadLetter(DeadLetter),
    /// Who did what, on what, from where, and how it was decided: the trail that core keeps.
    #[command(subcommand)]
    Audit(Audit),
    /// How one service is, or all of them.
    Health(OneOrAll),
    /// Who a service says it is.
    Identity(One),
    /// The fleet as one service sees it: how it reaches each other one, how its calls end and how long they take.
    Peers(One),
    /// Where a service is found: its name, who resolved it, its addresses and how each of them does.
    Resolve(Resolve),
    /// The registry: all services, or all that it says of one.
    Registry(OneOrAll),
    /// List a directory of the fleet's tree.
    Ls(Path),
    /// Print a file of the fleet's tree.
    Cat(Path),
    /// Traces that a service recorded, newest first.
    Traces(Traces),
    /// One trace as a service recorded it, span by span.
    Trace(Trace),
    /// Why a job, an event or a workflow's run did what it did, or did not: its story, oldest first.
    Why(Why),
    /// Capability tokens: make keys, mint, narrow, inspect, revoke, rotate.
    #[command(subcommand)]
    Token(Token),
    /// Begin a service of this fleet, or a fleet of your own.
    #[command(subcommand)]
    New(New),
    /// The fleet's DNS zones at Cloudflare: what differs from the registry, and putting it right.
    #[command(subcommand)]
    Dns(Dns),
    /// Check a running service, in any language, against the syscall contract.
    Conform(Conform),
    /// Which services a change touches, by the cargo graph of this checkout.
    Affected(Affected),
    /// The platform's configuration: made of the registry, and checked.
    #[command(subcommand)]
    Railway(Railway),
    /// What the services offer one another, and whom a change of it would break.
    #[command(subcommand)]
    Contract(Contract),
    /// Whether what runs is what was meant: commit, version, contract, health, DNS, certificates, configuration. Fails where it is not.
    Verify(Verify),
    /// What the fleet costs in a month, by what it uses now and the platform's price sheet.
    Cost(Cost),
    /// Repositories that have one service each, made from this checkout.
    #[command(subcommand)]
    Satellite(Satellite),
    /// Print the completions for a shell.
    Completions {
        /// The shell.
        #[arg(value_enum)]
        shell: Shell,
    },
}
