//! `blackroad call SERVICE METHOD [JSON]`.

use std::io::Read as _;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use crate::args::{Call, Target};
use crate::remote::Remote;

pub(crate) async fn run(target: &Target, compact: bool, call: Call) -> Result<()> {
    let params: Option<Value> = match call.params.as_deref() {
        None => None,
        Some("-") => {
            let mut text = String::new();
            std::io::stdin()
                .read_to_string(&mut text)
                .context("standard input cannot be read")?;
            Some(serde_json::from_str(&text).context("standard input holds no JSON")?)
        }
        Some(text) => Some(
            serde_json::from_str(text)
                .with_context(|| format!("{text:?} is no JSON; quote it for the shell, such as '{{\"id\":\"7\"}}'"))?,
        ),
    };
    let mut body = json!({ "method": call.method });
    if let Some(params) = params {
        body["params"] = params;
    }
    if let Some(timeout) = call.timeout {
        body["timeout"] = timeout.into();
    }
    let answer = Remote::new(target)?.post(&call.service, "/v1/sys/rpc", &body).await?;
    let result = &answer["result"];
    println!(
        "{}",
        if compact {
            result.to_string()
        } else {
            serde_json::to_string_pretty(result)?
        }
    );
    Ok(())
}
