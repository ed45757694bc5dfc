//! `blackroad emit SERVICE EVENT [JSON]`.

use anyhow::Result;
use syscall_sdk::wire::{EmitRequest, Emitted};

use crate::args::Emit;
use crate::remote::Remote;
use crate::{input, print};

pub(super) async fn run(remote: &Remote, machine: bool, emit: Emit) -> Result<()> {
    let body = EmitRequest {
        event: emit.event,
        data: emit.data.as_deref().map(input::json).transpose()?,
    };
    let emitted: Emitted = remote.post(&emit.service, "/v1/sys/event", &body).await?;
    if machine {
        return print::json(&emitted);
    }
    print::line(format!("emitted {} at {}", emitted.id, emitted.timestamp))
}
