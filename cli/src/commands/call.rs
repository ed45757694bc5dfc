//! `blackroad call SERVICE [METHOD] [JSON]`.

use anyhow::Result;
use serde_json::Value;
use syscall_sdk::wire::{MethodInfo, Methods, RpcRequest};

use crate::args::Call;
use crate::remote::Remote;
use crate::{input, print, results};

pub(super) async fn run(remote: &Remote, machine: bool, call: Call) -> Result<()> {
    let Some(method) = call.method else {
        return list(remote, machine, &call.service).await;
    };
    let body = RpcRequest {
        method,
        params: call.params.as_deref().map(input::json).transpose()?,
        timeout: call.timeout,
        service: None,
    };
    let sent = results::Call {
        service: &call.service,
        body,
        idempotency_key: call.idempotency_key.as_deref(),
    };
    results::each(remote, sent, |result| {
        if machine {
            print::json(result)
        } else {
            print::stored(result)
        }
    })
    .await
}

async fn list(remote: &Remote, machine: bool, service: &str) -> Result<()> {
    let Methods { methods } = remote.get(service, "/v1/sys/rpc", &[]).await?;
    if machine {
        return print::json(&methods);
    }
    if methods.is_empty() {
        return print::line(format!("{service} has no methods"));
    }
    let mut table = print::table(&["method", "params", "", ""]);
    for method in &methods {
        let results = if method.stream { "stream" } else { "" };
        table.add_row([method.name.as_str(), &params(method), results, &method.description]);
    }
    print::show(&table)
}

/// The names of a method's parameters; those that may be left out with a question mark.
fn params(method: &MethodInfo) -> String {
    let schema = method.params.value();
    let required: Vec<&str> = schema["required"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let names = schema["properties"]
        .as_object()
        .into_iter()
        .flat_map(|properties| properties.keys());
    names
        .map(|name| {
            let optional = if required.contains(&name.as_str()) { "" } else { "?" };
            format!("{name}{optional}")
        })
        .collect::<Vec<_>>()
        .join(", ")
}
