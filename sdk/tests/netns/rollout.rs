//! All replicas are redeployed under load, one after the other, each under another address.

use rustix::process::Signal;

use crate::caller::now;
use crate::report::{Report, Times};
use crate::world::{FIRST, SECOND, World};

/// The new one serves, the name server says its address and no more the old one's, the old one is told to end: as a platform does it.
pub(crate) async fn run(world: &mut World) -> Report {
    let mut hosts = FIRST;
    world.name(&hosts).await;
    let load = world.load("rollout").await;
    let begun = now();
    for (place, new) in SECOND.into_iter().enumerate() {
        world.deploy(&[new]).await;
        let old = std::mem::replace(&mut hosts[place], new);
        world.name(&hosts).await;
        let old = world.replicas.remove(&old).expect("it was deployed");
        old.signal(Signal::TERM);
        old.ended().await;
    }
    let ended = now();
    let records = load.end().await;
    let times = Times {
        begun,
        struck: begun,
        ended,
    };
    Report::of_rollout("all three redeployed", records, times)
}
