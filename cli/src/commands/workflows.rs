//! `blackroad workflows SERVICE [--status] [--name]`.

use anyhow::Result;
use syscall_sdk::wire::Workflow;

use crate::args::Workflows;
use crate::print;
use crate::remote::Remote;

pub(super) async fn run(remote: &Remote, machine: bool, workflows: Workflows) -> Result<()> {
    let query = [
        ("status", workflows.status.map(|status| status.to_string())),
        ("name", workflows.name),
        ("limit", Some(workflows.limit.to_string())),
    ];
    let found: syscall_sdk::wire::Workflows = remote.get(&workflows.service, "/v1/sys/workflows", &query).await?;
    if machine {
        return print::json(&found);
    }
    if found.workflows.is_empty() {
        return print::line("no workflows");
    }
    let mut table = print::table(&["id", "name", "status", "started", ""]);
    for run in &found.workflows {
        table.add_row([
            run.id.as_str().into(),
            run.name.as_str().into(),
            print::run_status(run.status),
            print::age(run.created_at).into(),
            remark(run).into(),
        ]);
    }
    print::show(&table)?;
    match found.cursor {
        Some(_) => print::line(format!("… and older ones; -n asks for more than {}", workflows.limit)),
        None => Ok(()),
    }
}

/// What a person would want to know next.
fn remark(run: &Workflow) -> String {
    match (&run.error, run.run_at, &run.continued_as) {
        (Some(error), ..) => print::short(&error.message, 60),
        (None, Some(at), _) => format!("goes on {}", print::age(at)),
        (None, None, Some(next)) => format!("goes on as {next}"),
        (None, None, None) => String::new(),
    }
}
