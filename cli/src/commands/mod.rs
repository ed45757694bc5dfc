//! The shell's commands, one file each; what may be typed is in [`crate::args`].

pub(crate) mod affected;
mod audit;
mod call;
mod commit;
mod completions;
pub(crate) mod contract;
mod dead_letters;
mod emit;
mod events;
mod groups;
mod health;
mod identity;
mod job;
mod jobs;
mod logs;
mod new;
mod peers;
mod pipe;
mod ps;
pub(crate) mod railway;
mod registry;
pub(crate) mod satellite;
mod state;
mod store;
mod subscriptions;
mod token;
mod trace;
mod traces;
mod tree;
mod wait;
mod why;
mod workflow;
mod workflows;

use anyhow::Result;

use crate::args::{Command, Target};
use crate::fleet::Known;
use crate::remote::Remote;

/// Runs a command against the fleet.
pub(crate) async fn run(fleet: &Known, target: &Target, json: bool, command: Command) -> Result<()> {
    let remote = Remote::new(&fleet.registry, target)?;
    match command {
        Command::Ps(ps) => ps::run(&remote, json, ps.watch).await,
        Command::Call(call) => call::run(&remote, json, call).await,
        Command::Pipe(pipe) => pipe::run(&remote, pipe).await,
        Command::Emit(emit) => emit::run(&remote, json, emit).await,
        Command::Events(events) => events::run(&remote, json, events).await,
        Command::Logs(logs) => logs::run(&remote, json, logs).await,
        Command::Jobs(jobs) => jobs::run(&remote, json, jobs).await,
        Command::Job(job) => job::run(&remote, json, job).await,
        Command::Workflows(workflows) => workflows::run(&remote, json, workflows).await,
        Command::Workflow(workflow) => workflow::run(&remote, json, workflow).await,
        Command::State(state) => state::run(&remote, json, state).await,
        Command::Commit(commit) => commit::run(&remote, json, commit).await,
        Command::Store(store) => store::run(&remote, json, store).await,
        Command::Subscriptions(which) => subscriptions::run(&remote, json, which).await,
        Command::Groups(which) => groups::list(&remote, json, which).await,
        Command::Group(group) => groups::run(&remote, json, group).await,
        Command::DeadLetters(letters) => dead_letters::list(&remote, json, letters).await,
        Command::DeadLetter(letter) => dead_letters::run(&remote, json, letter).await,
        Command::Audit(audit) => audit::run(&remote, json, audit).await,
        Command::Health(which) => health::run(&remote, json, which).await,
        Command::Identity(which) => identity::run(&remote, json, which).await,
        Command::Peers(which) => peers::list(&remote, json, which).await,
        Command::Resolve(which) => peers::resolve(&remote, json, which).await,
        Command::Registry(which) => registry::run(&remote, json, which),
        Command::Ls(path) => tree::ls(&remote, json, path).await,
        Command::Cat(path) => tree::cat(&remote, json, path).await,
        Command::Traces(traces) => traces::run(&remote, json, traces).await,
        Command::Why(why) => why::run(&remote, json, why).await,
        Command::Trace(trace) => trace::run(&remote, json, trace).await,
        Command::Token(token) => token::run(&remote, target, json, token).await,
        Command::New(new) => new::run(json, new),
        Command::Completions { shell } => completions::run(shell),
        // Those are no questions to a fleet; `main` runs them.
        Command::Up(_)
        | Command::Conform(_)
        | Command::Dns(_)
        | Command::Affected(_)
        | Command::Satellite(_)
        | Command::Railway(_)
        | Command::Contract(_)
        | Command::Verify(_)
        | Command::Cost(_) => Ok(()),
    }
}
