//! Tokens that are worth nothing any more.

use axum::response::Response;
use http::StatusCode;

use super::extract::Payload;
use super::respond::{Failure, json};
use crate::auth::Access;
use crate::context::Context;
use crate::error::Error;
use crate::service::{Route, Routes};
use crate::wire::{Revocations, RevocationsTaken};

/// Most statements of one request: a body of 1 MiB has room for a thousand.
const STATEMENTS_MAX: usize = 1_000;

pub(super) fn routes() -> Routes {
    Routes::new()
        .with(
            Route::get("/v1/sys/revocations", Access::right("revocation read"), read)
                .says("The statements of revocation that are known here, each signed by the fleet's root.")
                .gives::<Revocations>(200, "The statements."),
        )
        .with(
            Route::post("/v1/sys/revocations", Access::right("revocation write"), take)
                .control()
                .says("Takes statements of revocation: what they name is refused from now on, also after a restart.")
                .takes::<Revocations>()
                .gives::<RevocationsTaken>(200, "All of them are in force.")
                .fails(&[
                    (400, "The root did not sign one of them."),
                    (409, "Too many are known."),
                ]),
        )
}

async fn read(context: Context) -> Response {
    let verifier = context.kernel().gate.verifier();
    let statements = verifier.map(crate::auth::Verifier::revocations).unwrap_or_default();
    json(StatusCode::OK, &Revocations { statements })
}

async fn take(context: Context, Payload(brought): Payload<Revocations>) -> Result<Response, Failure> {
    if brought.statements.len() > STATEMENTS_MAX {
        return Err(Error::invalid(format!("one request brings at most {STATEMENTS_MAX} statements")).into());
    }
    let taken = context.kernel().revoke(&brought.statements, Some(&context)).await?;
    if taken.taken > 0 {
        tracing::warn!(taken = taken.taken, known = taken.known, "tokens were revoked");
    }
    Ok(json(StatusCode::OK, &taken))
}
