//! `blackroad emit SERVICE EVENT [JSON]`.

use anyhow::Result;
use serde_json::json;
use syscall_sdk::wire::Emitted;

use crate::args::Emit;
use crate::remote::Remote;
use crate::{input, print};

pub(super) async fn run(remote: &Remote, machine: bool, emit: Emit) -> Result<()> {
    let mut body = json!({ "event": emit.event });
    if let Some(data) = &emit.data {
        body["data"] = input::json(data)?;
    }
    let emitted: Emitted = remote.post(&emit.service, "/v1/sys/event", &body).await?;
    if machine {
        return print::json(&emitted);
    }
    print::line(format!("emitted {} at {}", emitted.id, emitted.timestamp))
}
