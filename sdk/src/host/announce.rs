//! Telling the roster that this process is up, and that it goes.

use std::sync::Arc;
use std::time::Duration;

use crate::context::{Context, Kernel};
use crate::contract::mesh;
use crate::policy::{Backoff, jitter};
use crate::rpc::CallOptions;
use crate::wire::{Announce, Revocations, SignOff};

/// Between tries to reach the roster. For ever: a service that gives up is healthy and invisible.
const BACKOFF: Backoff = Backoff::doubling(Duration::from_millis(250), Duration::from_secs(30));
/// Longest that a sign-off may hold up the drain.
const SIGN_OFF_TIMEOUT: Duration = Duration::from_millis(500);

/// Announces this process until the roster has heard it. A fleet without the roster's keeper has no roster.
pub(super) async fn announce(kernel: Arc<Kernel>) {
    let context = Context::new(Arc::clone(&kernel));
    if !context.registry().has(mesh::KEEPER) {
        return;
    }
    for failure in 1.. {
        let said = Announce {
            identity: kernel.identity(),
            instance: kernel.incarnation.clone(),
            url: None,
        };
        match context.call(&mesh::ANNOUNCE, said).await {
            Ok(_) => break,
            // The operator may come up later than everyone else; once is worth a line, again is not.
            Err(error) if failure == 1 => {
                tracing::info!(error = %error.chain(), "the roster cannot be reached yet; trying again in the background");
            }
            Err(_) => {}
        }
        tokio::time::sleep(BACKOFF.wait(failure, jitter())).await;
    }
    if !kernel.gate.is_open() {
        ask_for_revocations(&context).await;
    }
}

/// Asks the roster's keeper which tokens were revoked while this service was not there to be told.
async fn ask_for_revocations(context: &Context) {
    let asked = async {
        let options = context.call_options();
        let known: Revocations = context
            .rpc()
            .get_json(mesh::KEEPER, "/v1/sys/revocations", &options)
            .await?;
        context.kernel().revoke(&known.statements, None).await
    };
    if let Err(error) = asked.await {
        tracing::warn!(error = %error.chain(), "which tokens were revoked lately could not be asked of the operator; those that this service knows are refused");
    }
}

/// Tells the roster that this process goes, so that its peers stop calling. A roster that cannot be reached finds out by probing.
pub(super) async fn sign_off(kernel: &Arc<Kernel>, reason: &str) {
    if !Context::new(Arc::clone(kernel)).registry().has(mesh::KEEPER) {
        return;
    }
    let said = SignOff {
        service: kernel.record.name.clone(),
        instance: kernel.incarnation.clone(),
        reason: reason.to_owned(),
    };
    let options = CallOptions {
        timeout: Some(SIGN_OFF_TIMEOUT),
        ..CallOptions::default()
    };
    if let Err(error) = kernel.rpc.call(&mesh::SIGN_OFF, &said, options).await {
        tracing::debug!(error = %error.chain(), "the roster was not told of the sign-off");
    }
}
