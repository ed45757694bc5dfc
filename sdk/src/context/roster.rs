//! The fleet's roster as its keeper last told it: one look serves everybody here who asks at the time.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;

use super::Context;
use crate::contract::mesh;
use crate::rpc::CallOptions;
use crate::wire::{ListMesh, Mesh};

/// Longest that a look takes: what it shows is worth a moment, and no page waits for another service.
const TIMEOUT: Duration = Duration::from_millis(250);
/// How old a look may be that is shown to another reader: less than the interval at which pages look, so that each look of a page that is
/// read alone is a new one, and however many are read, the keeper is asked less than once a second.
const FRESH: Duration = Duration::from_millis(1_500);

/// The last look at the roster. Where nobody asks, nobody looks.
#[derive(Debug, Default)]
pub struct Roster(Mutex<Option<Look>>);

#[derive(Debug)]
struct Look {
    at: Instant,
    /// None where the keeper did not answer: that is shared too, or each of those who wait for it would wait as long.
    seen: Option<Arc<Mesh>>,
}

impl Context {
    /// Which processes are up, as the roster's keeper knew it a moment ago; none where it does not answer. It is asked by this service in
    /// nobody's name, whoever is shown the answer. Cancel-safe.
    pub async fn roster(&self) -> Option<Arc<Mesh>> {
        // Who comes while a look is under way waits for it and takes what it brought.
        let mut last = self.kernel.roster.0.lock().await;
        if let Some(look) = last.as_ref().filter(|look| look.at.elapsed() < FRESH) {
            return look.seen.clone();
        }
        // Neither the time nor the hops that one reader has left decide what all of them see.
        let options = CallOptions {
            timeout: Some(TIMEOUT),
            ..CallOptions::default()
        };
        let answer = self.kernel.rpc.call(&mesh::LIST, &ListMesh {}, options).await;
        let seen = answer.ok().map(Arc::new);
        *last = Some(Look {
            at: Instant::now(),
            seen: seen.clone(),
        });
        seen
    }
}
