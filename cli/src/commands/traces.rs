//! `blackroad traces SERVICE`.

use anyhow::Result;
use comfy_table::{Cell, Color};

use crate::args::Traces;
use crate::print;
use crate::remote::Remote;

pub(super) async fn run(remote: &Remote, machine: bool, traces: Traces) -> Result<()> {
    let query = [
        ("limit", Some(traces.limit.to_string())),
        ("minDuration", traces.min.map(|least| least.to_string())),
        ("error", traces.error.then(|| "true".to_owned())),
    ];
    let found: syscall_sdk::wire::Traces = remote.get(&traces.service, "/v1/sys/traces", &query).await?;
    if machine {
        return print::json(&found);
    }
    if found.traces.is_empty() {
        return print::line("no traces");
    }
    let mut table = print::table(&["trace", "name", "took", "spans", "when", ""]);
    for trace in &found.traces {
        let error = if trace.error {
            Cell::new("error").fg(Color::Red)
        } else {
            Cell::new("")
        };
        table.add_row([
            Cell::new(&trace.trace_id),
            Cell::new(&trace.name),
            Cell::new(format!("{:.1} ms", trace.duration)),
            Cell::new(trace.spans),
            Cell::new(print::age(trace.start)),
            error,
        ]);
    }
    print::show(&table)
}
