//! `blackroad workflow show|start|wait|signal|cancel|resume|fork`.

use anyhow::Result;
use reqwest::Method;
use syscall_sdk::wire::{self, ForkWorkflow, Json, Signalled, StepStatus, WorkflowStep, WorkflowWait};

use super::job::segment;
use super::wait;
use crate::args::{Fork, OneRun, Signal, StartWorkflow, Workflow};
use crate::input;
use crate::print::{self, BAD, DIM, NAME};
use crate::remote::Remote;

pub(super) async fn run(remote: &Remote, machine: bool, workflow: Workflow) -> Result<()> {
    let run = match workflow {
        Workflow::Show(one) => act(remote, Method::GET, one, "").await?,
        Workflow::Start(start) => self::start(remote, start).await?,
        Workflow::Wait(wait) => return wait::run(remote, machine, wait).await,
        Workflow::Signal(signal) => return self::signal(remote, machine, signal).await,
        Workflow::Cancel(one) => act(remote, Method::POST, one, "/cancel").await?,
        Workflow::Resume(one) => act(remote, Method::POST, one, "/resume").await?,
        Workflow::Fork(fork) => self::fork(remote, fork).await?,
    };
    if machine {
        return print::json(&run);
    }
    show(&run)
}

async fn start(remote: &Remote, start: StartWorkflow) -> Result<wire::Workflow> {
    let input = start.input.as_deref().map(input::json).transpose()?;
    let body = wire::StartWorkflow {
        name: start.name,
        input,
        id: start.id,
    };
    remote.post(&start.service, "/v1/sys/workflow", &body).await
}

async fn signal(remote: &Remote, machine: bool, signal: Signal) -> Result<()> {
    let value = signal.value.as_deref().map(input::json).transpose()?;
    let path = format!(
        "/v1/sys/workflow/{}/signal/{}",
        segment(&signal.id),
        segment(&signal.name)
    );
    let sent: Signalled = remote.post(&signal.service, &path, &value).await?;
    if machine {
        return print::json(&sent);
    }
    let what = if sent.first {
        "sent"
    } else {
        "sent before, and not again"
    };
    print::line(format!("{NAME}{}{NAME:#} {what} to {}", sent.name, sent.id))
}

async fn fork(remote: &Remote, fork: Fork) -> Result<wire::Workflow> {
    let body = ForkWorkflow { from_step: fork.from };
    let path = format!("/v1/sys/workflow/{}/fork", segment(&fork.id));
    remote.post(&fork.service, &path, &body).await
}

async fn act(remote: &Remote, method: Method, one: OneRun, action: &str) -> Result<wire::Workflow> {
    let path = format!("/v1/sys/workflow/{}{action}", segment(&one.id));
    remote
        .send(&one.service, remote.request(method, &one.service, &path)?)
        .await?
        .read()
}

pub(super) fn show(run: &wire::Workflow) -> Result<()> {
    print::line(format!("{NAME}{}{NAME:#} {} {}", run.name, run.id, run.status))?;
    let field = |name: &str, value: Option<String>| match value {
        Some(value) => print::line(format!("  {DIM}{name:10}{DIM:#} {value}")),
        None => Ok(()),
    };
    let text = |json: &Option<Json>| json.as_ref().map(|json| json.text().to_owned());
    let moment = |at: Option<wire::Timestamp>| at.map(|at| format!("{at} ({})", print::age(at)));
    field("input", text(&run.input))?;
    field("parent", run.parent.clone())?;
    field("fork of", run.forked_from.clone())?;
    field("continues", run.continued_from.clone())?;
    field("goes on as", run.continued_as.as_ref().map(|next| onward(run, next)))?;
    field("started", moment(Some(run.created_at)))?;
    field("goes on", moment(run.run_at))?;
    field("ended", moment(run.completed_at))?;
    field("result", text(&run.result))?;
    field("error", run.error.as_ref().map(bad))?;
    for step in run.steps.iter().flatten() {
        print::line(format!("  {NAME}{}{NAME:#} {}", step.name, remark(step)))?;
    }
    Ok(())
}

/// The run that continues another, and where the workflow is by now.
fn onward(run: &wire::Workflow, next: &str) -> String {
    match &run.chain {
        Some(chain) if chain.latest != next => format!("{next}, of late {}", chain.latest),
        _ => next.to_owned(),
    }
}

/// How a step stands, in a line.
fn remark(step: &WorkflowStep) -> String {
    let mut line = step.status.as_str().to_owned();
    if let Some(ended) = step.ended_at {
        let took = (ended.0 - step.started_at.0).as_seconds_f64() * 1_000.0;
        line.push_str(&format!(" after {took:.0} ms"));
    }
    if step.attempts > 1 {
        line.push_str(&format!(", {} attempts", step.attempts));
    }
    match (step.status, &step.waits) {
        (StepStatus::Waiting, Some(waits)) => line.push_str(&waiting(waits)),
        (StepStatus::Completed, _) => {
            let result = step.result.as_ref().filter(|result| result.text() != "null");
            line.push_str(&result.map_or_else(String::new, |result| format!(" {}", print::short(result.text(), 60))));
        }
        _ => {}
    }
    match &step.error {
        Some(error) => format!("{line} {}", bad(error)),
        None => line,
    }
}

fn waiting(waits: &WorkflowWait) -> String {
    let signal = waits.signal.as_ref().map(|name| format!(" for signal {name}"));
    let event = waits.event.as_ref().map(|name| format!(" for event {name}"));
    let job = waits.job.as_ref().map(|id| format!(" for {id}"));
    let until = waits.until.map(|until| format!(" until {until}"));
    [signal, event, job, until].into_iter().flatten().collect()
}

fn bad(error: &wire::WorkflowError) -> String {
    format!("{BAD}{}: {}{BAD:#}", error.code, error.message)
}
