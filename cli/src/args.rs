//! What may be typed.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use syscall_sdk::wire::{CatchUp, JobStatus, LogLevel, Overlap, UniqueMode};

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
    /// The credential to show; a fleet in development asks for none.
    #[arg(long, global = true, env = "BLACKROAD_TOKEN", hide_env_values = true)]
    pub(crate) token: Option<String>,
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
    /// Who is there: the roster with health, version and uptime.
    Ps,
    /// Call a method of a service; without a method, list those it has.
    Call(Call),
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
    /// One run of a workflow: start it, look at it, signal, cancel, resume or fork it.
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
    /// How one service is, or all of them.
    Health(OneOrAll),
    /// Who a service says it is.
    Identity(One),
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
    /// Check a running service, in any language, against the syscall contract.
    Conform(Conform),
    /// Print the completions for a shell.
    Completions {
        /// The shell.
        #[arg(value_enum)]
        shell: Shell,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Store {
    /// How many rows and bytes, since when, and jobs by status.
    Stats(StoreOf),
    /// Check that everything agrees; names each rule that is broken, and fails where one is.
    Verify(StoreOf),
    /// Write all that a service keeps to a file.
    Export(StoreFile),
    /// Put what was exported where the service keeps nothing yet.
    Import(StoreFile),
}

#[derive(Debug, ClapArgs)]
pub(crate) struct StoreOf {
    /// The service.
    pub(crate) service: String,
    #[command(flatten)]
    pub(crate) place: StorePlace,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct StoreFile {
    /// The service.
    pub(crate) service: String,
    /// The dump; - is standard output or input.
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) place: StorePlace,
}

/// Where the data lies; as for a fleet, the environment says it where nothing is typed.
#[derive(Debug, ClapArgs)]
pub(crate) struct StorePlace {
    /// The directory of the services' files; DATA_DIR or ./data where neither option nor DATABASE_URL is given.
    #[arg(long, value_name = "DIR", conflicts_with = "database_url")]
    pub(crate) data_dir: Option<PathBuf>,
    /// The PostgreSQL database of the services' schemas; DATABASE_URL keeps its password out of the list of processes.
    #[arg(long, value_name = "URL")]
    pub(crate) database_url: Option<String>,
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
    /// Between the probes of each process, in milliseconds.
    #[arg(long, hide = true, default_value_t = 30_000, value_name = "MS")]
    pub(crate) probe_interval: u64,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Call {
    /// The service, by key or name.
    pub(crate) service: String,
    /// The method; without one, the service's methods are listed.
    pub(crate) method: Option<String>,
    /// Its parameters, as JSON; `-` reads them from standard input.
    pub(crate) params: Option<String>,
    /// The most that it may take, in milliseconds.
    #[arg(long)]
    pub(crate) timeout: Option<u64>,
    /// Names the call, so that it is made once however often it is sent.
    #[arg(long, value_name = "KEY")]
    pub(crate) idempotency_key: Option<String>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Emit {
    /// The service, by key or name.
    pub(crate) service: String,
    /// What happened, such as user:created.
    pub(crate) event: String,
    /// The facts, as JSON; `-` reads them from standard input.
    pub(crate) data: Option<String>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Events {
    /// The service, by key or name.
    pub(crate) service: String,
    /// Only this name, or with a trailing * every name that starts so.
    #[arg(long, value_name = "NAME")]
    pub(crate) event: Option<String>,
    /// First what is later than this: a moment (RFC 3339), or an age such as 90s, 15m, 2h, 7d.
    #[arg(long, value_name = "WHEN")]
    pub(crate) since: Option<String>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Logs {
    /// The service, by key or name.
    pub(crate) service: String,
    /// Stay, and print lines as they come.
    #[arg(short, long)]
    pub(crate) follow: bool,
    /// Exactly this level.
    #[arg(long, value_parser = level)]
    pub(crate) level: Option<LogLevel>,
    /// Only lines that hold this text, whatever its case.
    #[arg(long, value_name = "TEXT")]
    pub(crate) grep: Option<String>,
    /// Only lines of this trace.
    #[arg(long, value_name = "ID")]
    pub(crate) trace: Option<String>,
    /// The latest so many, at most 1,000.
    #[arg(short = 'n', long = "lines", default_value_t = 100)]
    pub(crate) lines: usize,
}

#[derive(Debug, ClapArgs)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct Jobs {
    #[command(subcommand)]
    pub(crate) action: Option<JobsAction>,
    /// The service, by key or name.
    #[arg(required = true)]
    pub(crate) service: Option<String>,
    /// Only of this status.
    #[arg(long, value_parser = status)]
    pub(crate) status: Option<JobStatus>,
    /// Only of this name.
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// The schedules instead of the jobs.
    #[arg(long)]
    pub(crate) schedules: bool,
    /// At most so many.
    #[arg(short = 'n', long, default_value_t = 50)]
    pub(crate) limit: usize,
}

#[derive(Debug, Subcommand)]
pub(crate) enum JobsAction {
    /// Queue dead jobs anew, the newest first.
    Retry(RetryJobs),
}

#[derive(Debug, ClapArgs)]
pub(crate) struct RetryJobs {
    /// The service, by key or name.
    pub(crate) service: String,
    /// Those that are failed, or cancelled.
    #[arg(long, default_value = "failed", value_parser = status)]
    pub(crate) status: JobStatus,
    /// Only of this name.
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// Only those that ended so long ago or longer, such as 10m, 2h, 7d.
    #[arg(long, value_parser = duration, value_name = "AGE")]
    pub(crate) before: Option<Duration>,
    /// At most so many are looked at; all of them unless said.
    #[arg(short = 'n', long)]
    pub(crate) limit: Option<usize>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Job {
    /// Create a job, or with --cron a schedule.
    Create(CreateJob),
    /// Show a job with its attempts, or a schedule.
    Show(OneJob),
    /// Wait until a job has ended; fails where it did or was cancelled.
    Wait(WaitJob),
    /// Cancel a job at once, running or not; or end a schedule.
    Cancel(OneJob),
    /// Queue a failed or cancelled job anew; with an edit, make another of it.
    Retry(RetryJob),
    /// Begin no more jobs of a name, or let a schedule tick no more, until it is resumed.
    Pause(PauseJobs),
    /// End a pause.
    Resume(OnePause),
}

#[derive(Debug, ClapArgs)]
pub(crate) struct PauseJobs {
    #[command(flatten)]
    pub(crate) one: OnePause,
    /// Why, for whoever wonders.
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,
    /// Who says so.
    #[arg(long, value_name = "WHO")]
    pub(crate) by: Option<String>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct OnePause {
    /// The service, by key or name.
    pub(crate) service: String,
    /// The name of the jobs, or with --schedule the id of a schedule.
    pub(crate) of: String,
    /// A schedule, and not the jobs of a name.
    #[arg(long)]
    pub(crate) schedule: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct CreateJob {
    /// The service, by key or name.
    pub(crate) service: String,
    /// Which handler runs it.
    pub(crate) name: String,
    /// What the handler is given, as JSON; `-` reads it from standard input.
    pub(crate) params: Option<String>,
    /// Not before so long from now, such as 30s, 10m, 2h.
    #[arg(long, value_parser = duration, value_name = "AGE")]
    pub(crate) delay: Option<Duration>,
    /// A cron expression: each tick makes a job.
    #[arg(long, value_name = "EXPRESSION")]
    pub(crate) cron: Option<String>,
    /// The IANA time zone of the expression; UTC unless said.
    #[arg(long, requires = "cron", value_name = "ZONE")]
    pub(crate) tz: Option<String>,
    /// What becomes of ticks that were missed: none, last or all.
    #[arg(long, requires = "cron", value_parser = word::<CatchUp>, value_name = "POLICY")]
    pub(crate) catch_up: Option<CatchUp>,
    /// What a tick does while a job of an earlier one lives: allow, skip or buffer.
    #[arg(long, requires = "cron", value_parser = word::<Overlap>, value_name = "POLICY")]
    pub(crate) overlap: Option<Overlap>,
    /// How many failures end it.
    #[arg(long, value_name = "N")]
    pub(crate) attempts: Option<u32>,
    /// The longest that one attempt may take, such as 90s.
    #[arg(long, value_parser = duration, value_name = "AGE")]
    pub(crate) timeout: Option<Duration>,
    /// The longest that it may live in all, such as 2h: past it nothing is tried any more.
    #[arg(long, value_parser = duration, value_name = "AGE")]
    pub(crate) within: Option<Duration>,
    /// Higher runs first, each step as a minute of waiting.
    #[arg(long, allow_negative_numbers = true)]
    pub(crate) priority: Option<i32>,
    /// How long it may wait to begin, such as 5m: past it, it fails without having run.
    #[arg(long, value_parser = duration, value_name = "AGE")]
    pub(crate) start_within: Option<Duration>,
    /// The longest that an attempt may be silent, such as 30s.
    #[arg(long, value_parser = duration, value_name = "AGE")]
    pub(crate) heartbeat: Option<Duration>,
    /// A key of which there are not to be many jobs: while one lives, no second one is made.
    #[arg(long, value_name = "KEY")]
    pub(crate) unique: Option<String>,
    /// What becomes of a second one: ignore, replace, earliest, debounce or throttle.
    #[arg(long, requires = "unique", value_parser = word::<UniqueMode>, value_name = "MODE")]
    pub(crate) mode: Option<UniqueMode>,
    /// With --mode throttle: there is one in each such length of time.
    #[arg(long, requires = "mode", value_parser = duration, value_name = "AGE")]
    pub(crate) window: Option<Duration>,
    /// Of the jobs with this key only so many run at a time.
    #[arg(long, value_name = "KEY")]
    pub(crate) concurrency_key: Option<String>,
    /// With how many of its key it runs at most; 1 unless said.
    #[arg(long, requires = "concurrency_key", value_name = "N")]
    pub(crate) concurrency_limit: Option<u32>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct OneJob {
    /// The service, by key or name.
    pub(crate) service: String,
    /// The job's id.
    pub(crate) id: String,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct RetryJob {
    #[command(flatten)]
    pub(crate) one: OneJob,
    /// What the handler is given instead, as JSON; `-` reads it from standard input.
    #[arg(long, value_name = "JSON")]
    pub(crate) params: Option<String>,
    /// How many failures end it instead.
    #[arg(long, value_name = "N")]
    pub(crate) attempts: Option<u32>,
    /// Not before so long from now, such as 30s, 10m, 2h.
    #[arg(long, value_parser = duration, value_name = "AGE")]
    pub(crate) delay: Option<Duration>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct WaitJob {
    #[command(flatten)]
    pub(crate) one: OneJob,
    /// At most so long, such as 30s, 10m, 2h; as long as it takes unless said.
    #[arg(long = "for", value_parser = duration, value_name = "AGE")]
    pub(crate) most: Option<Duration>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Workflows {
    /// The service, by key or name.
    pub(crate) service: String,
    /// Only of this status.
    #[arg(long, value_parser = status)]
    pub(crate) status: Option<JobStatus>,
    /// Only of this workflow.
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// At most so many.
    #[arg(short = 'n', long, default_value_t = 50)]
    pub(crate) limit: usize,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Workflow {
    /// Show a run with its steps.
    Show(OneRun),
    /// Start a run.
    Start(StartWorkflow),
    /// Send a signal to a run.
    Signal(Signal),
    /// Cancel a run at once, and what it waits for with it.
    Cancel(OneRun),
    /// Take up a failed or cancelled run where its journal ends.
    Resume(OneRun),
    /// Start a new run with what the journal of another holds from before a step.
    Fork(Fork),
}

#[derive(Debug, ClapArgs)]
pub(crate) struct OneRun {
    /// The service, by key or name.
    pub(crate) service: String,
    /// The run's id.
    pub(crate) id: String,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct StartWorkflow {
    /// The service, by key or name.
    pub(crate) service: String,
    /// Which workflow.
    pub(crate) name: String,
    /// What it is given, as JSON; `-` reads it from standard input.
    pub(crate) input: Option<String>,
    /// The run's id; the same id with the same input is the same run.
    #[arg(long)]
    pub(crate) id: Option<String>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Signal {
    /// The service, by key or name.
    pub(crate) service: String,
    /// The run's id.
    pub(crate) id: String,
    /// The signal's name.
    pub(crate) name: String,
    /// Its value, as JSON; `-` reads it from standard input.
    pub(crate) value: Option<String>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Fork {
    /// The service, by key or name.
    pub(crate) service: String,
    /// The run's id.
    pub(crate) id: String,
    /// The first step that is done anew: its name, or name#occurrence counted from 0; all of them unless said.
    #[arg(long, value_name = "STEP")]
    pub(crate) from: Option<String>,
}

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

#[derive(Debug, Subcommand)]
pub(crate) enum Group {
    /// Move a group to another place in the log; what its consumers hold is no longer theirs.
    Seek(SeekGroup),
    /// Forget a group and its place.
    Rm(OneGroup),
}

#[derive(Debug, ClapArgs)]
pub(crate) struct OneGroup {
    /// The service, by key or name.
    pub(crate) service: String,
    /// The group.
    pub(crate) group: String,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct SeekGroup {
    #[command(flatten)]
    pub(crate) one: OneGroup,
    /// Where to: start, end, a cursor, a moment (RFC 3339), or an age such as 15m, 2h, 7d.
    pub(crate) to: String,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct DeadLetters {
    /// The service, by key or name.
    pub(crate) service: String,
    /// Only of this subscription, as source/event, or of this group.
    #[arg(long, value_name = "NAME")]
    pub(crate) holder: Option<String>,
    /// At most so many.
    #[arg(short = 'n', long, default_value_t = 50)]
    pub(crate) limit: usize,
}

#[derive(Debug, Subcommand)]
pub(crate) enum DeadLetter {
    /// Show a dead letter with its event.
    Show(OneLetter),
    /// Give the event other data, to be redriven with.
    Edit(EditLetter),
    /// Try it again: a subscription's handler takes it now, a group's next fetch gets it.
    Redrive(OneLetter),
    /// Forget it.
    Rm(OneLetter),
}

#[derive(Debug, ClapArgs)]
pub(crate) struct OneLetter {
    /// The service, by key or name.
    pub(crate) service: String,
    /// The dead letter's id.
    pub(crate) id: String,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct EditLetter {
    #[command(flatten)]
    pub(crate) one: OneLetter,
    /// The data, as JSON; `-` reads it from standard input.
    pub(crate) data: String,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct One {
    /// The service, by key or name.
    pub(crate) service: String,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct OneOrAll {
    /// The service, by key or name; all of them where none is named.
    pub(crate) service: Option<String>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Path {
    /// Where, such as /core/identity.
    #[arg(default_value = "/")]
    pub(crate) path: String,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Traces {
    /// The service, by key or name.
    pub(crate) service: String,
    /// Only those that took at least so many milliseconds here.
    #[arg(long, value_name = "MS")]
    pub(crate) min: Option<f64>,
    /// Only those with an error.
    #[arg(long)]
    pub(crate) error: bool,
    /// At most so many.
    #[arg(short = 'n', long, default_value_t = 20)]
    pub(crate) limit: usize,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Trace {
    /// The service, by key or name.
    pub(crate) service: String,
    /// The trace's id.
    pub(crate) id: String,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Why {
    /// The id of a job, a schedule, a run, an event or a dead letter.
    pub(crate) id: String,
    /// Only ask this service, by key or name; all of them where none is named.
    #[arg(long, value_name = "SERVICE")]
    pub(crate) service: Option<String>,
}

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

fn level(text: &str) -> Result<LogLevel, String> {
    text.parse()
        .map_err(|error: syscall_sdk::error::Error| error.message().to_owned())
}

fn status(text: &str) -> Result<JobStatus, String> {
    text.parse()
        .map_err(|error: syscall_sdk::error::Error| error.message().to_owned())
}

/// Reads a word as the wire knows it; the refusal lists those that there are.
fn word<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, String> {
    serde_json::from_value(text.into()).map_err(|error| error.to_string())
}

/// Longest length of time that is taken: past any use, and within what a date can bear.
const LONGEST: Duration = Duration::from_secs(100 * 365 * 86_400);

/// Reads `250ms`, `30s`, `15m`, `2h`, `7d`.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("{text:?} is no length of time; write 250ms, 30s, 15m, 2h or 7d");
    let unit = text.trim_start_matches(|c: char| c.is_ascii_digit());
    let count: u64 = text[..text.len() - unit.len()].parse().map_err(|_| wrong())?;
    let millis = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return Err(wrong()),
    };
    match count.checked_mul(millis).map(Duration::from_millis) {
        Some(length) if length <= LONGEST => Ok(length),
        _ => Err(format!("{text:?} is longer than 100 years; say less")),
    }
}
