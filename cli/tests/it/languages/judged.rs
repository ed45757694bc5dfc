//! What an example says of a token, beside what the SDK says.

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use syscall_sdk::auth::{Access, Caller, Gate, Need, RootKeys, SigningKey, Verifier};
use syscall_sdk::clock::Clock;
use syscall_sdk::config::Secret;

use super::mint::Mint;
use super::running::Running;
use super::vectors::Vector;

/// Shows tokens that are good and tokens that are not: what the table says, what the SDK says and what the example says is one.
pub(super) fn as_by_the_sdk(running: &Running) -> Result<()> {
    let mint = Mint::of(running.root()?);
    for Vector { what, token, said } in mint.speaking()?.into_iter().chain(mint.shapes()?) {
        let by_sdk = by_the_sdk(&mint.root, &token)?;
        ensure!(by_sdk == said, "{what}: the SDK says {by_sdk}, not {said}");
        let by_example = by_the_example(running, &token)?;
        ensure!(by_example == said, "{what}: the example says {by_example}, not {said}");
    }
    let mut narrower = 0;
    for Vector { what, token, .. } in mint.narrowings()? {
        let by_sdk = by_the_sdk(&mint.root, &token)?;
        let by_example = by_the_example(running, &token)?;
        ensure!(
            by_example == by_sdk,
            "{what}: the example says {by_example}, the SDK {by_sdk}"
        );
        narrower += usize::from(by_sdk != "TOKEN_INVALID");
    }
    ensure!(narrower > 30, "only {narrower} rights are within others");
    Ok(())
}

/// As whom the SDK lets in who shows a token and calls `whoAmI`, or the code with which it refuses.
fn by_the_sdk(root: &SigningKey, token: &str) -> Result<String> {
    let verifier = Verifier::new("web", RootKeys::new([root.public()])?, Clock::system());
    let gate = Gate::guarded("web", verifier);
    let mut caller = Caller {
        credential: Some(Secret::new(format!("Bearer {token}"))),
        ..Caller::default()
    };
    let outcome = gate
        .admit(&Access::right("rpc"), &mut caller)
        .and_then(|()| gate.allow(&caller, &Need::rpc("web", "whoAmI")));
    Ok(match outcome {
        Ok(()) => caller.actor().into_owned(),
        Err(error) => error.code().to_owned(),
    })
}

/// The same of the example, whose status has to fit.
fn by_the_example(running: &Running, token: &str) -> Result<String> {
    let (status, answer) = running.call(Some(token), &json!({ "method": "whoAmI" }))?;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let (subject, by) = (text(&answer["result"]["subject"]), text(&answer["result"]["by"]));
    let code = text(&answer["error"]["code"]);
    let wanted = match code.as_str() {
        "" => 200,
        "FORBIDDEN" => 403,
        _ => 401,
    };
    ensure!(status == wanted, "{status} {answer}");
    Ok(match by.as_str() {
        _ if wanted != 200 => code,
        "" => subject,
        by => format!("{subject} by {by}"),
    })
}
