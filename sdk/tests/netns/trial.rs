//! One replica of three falls ill under load.

use std::time::Duration;

use rustix::process::Signal;

use crate::caller::now;
use crate::network::address;
use crate::replica::PORT;
use crate::report::{Report, Times};
use crate::world::{FIRST, PROXY, SECOND, World};

/// How long is measured before, which is what the time after is held against: some 600 calls.
const HEALTHY: Duration = Duration::from_secs(1);
/// How long is measured after: the second in which the callers find out, and the one after it, for which the bound holds.
const ILL: Duration = Duration::from_secs(2);

/// What befalls a replica.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Fault {
    /// Answers come 500 ms later.
    Slow,
    /// It does what it is asked, and a 500 comes in place of the answer.
    Errors,
    /// It does what it is asked, and the connection is reset in place of the answer.
    Resets,
    /// It takes connections and questions, and no answer comes.
    Mute,
    /// `SIGSTOP`: its system takes connections, and nothing reads them.
    Paused,
    /// Its cable is pulled.
    CutOff,
    /// `SIGKILL`.
    Killed,
}

impl Fault {
    /// Those that it gets over, in turn.
    pub(crate) const WHILE_IT_RUNS: [Fault; 6] = [
        Fault::Slow,
        Fault::Errors,
        Fault::Resets,
        Fault::Mute,
        Fault::Paused,
        Fault::CutOff,
    ];

    fn name(self) -> &'static str {
        match self {
            Fault::Slow => "slowed by 500 ms",
            Fault::Errors => "answers 500",
            Fault::Resets => "resets connections",
            Fault::Mute => "accepts and never answers",
            Fault::Paused => "paused (SIGSTOP)",
            Fault::CutOff => "cut off",
            Fault::Killed => "killed",
        }
    }

    /// The word for the proxy, where it is the proxy's to do.
    fn mood(self) -> Option<&'static str> {
        match self {
            Fault::Slow => Some("slow"),
            Fault::Errors => Some("errors"),
            Fault::Resets => Some("resets"),
            Fault::Mute => Some("mute"),
            Fault::Paused | Fault::CutOff | Fault::Killed => None,
        }
    }

    /// The host that its callers know, and those of the others. The redeploy comes before the kill.
    fn hosts(self) -> [u16; 3] {
        match self {
            Fault::Killed => SECOND,
            _ if self.mood().is_some() => [PROXY, FIRST[1], FIRST[2]],
            _ => FIRST,
        }
    }

    async fn strike(self, world: &mut World) {
        let ill = self.hosts()[0];
        match self {
            Fault::Paused => world.replicas[&ill].signal(Signal::STOP),
            Fault::Killed => world.replicas[&ill].signal(Signal::KILL),
            Fault::CutOff => world.network.cable(ill, false),
            Fault::Slow | Fault::Errors | Fault::Resets | Fault::Mute => {
                world.proxy.tell(self.mood().unwrap_or_default()).await;
            }
        }
    }

    async fn lift(self, world: &mut World) {
        let ill = self.hosts()[0];
        match self {
            Fault::Paused => world.replicas[&ill].signal(Signal::CONT),
            Fault::Killed => {}
            Fault::CutOff => world.network.cable(ill, true),
            Fault::Slow | Fault::Errors | Fault::Resets | Fault::Mute => world.proxy.tell("well").await,
        }
    }
}

/// Three replicas under load; one of them falls ill.
pub(crate) async fn run(world: &mut World, fault: Fault) -> Report {
    let hosts = fault.hosts();
    world.name(&hosts).await;
    let load = world.load(&format!("{fault:?}")).await;
    let begun = now();
    // Real time is what is measured here and below.
    tokio::time::sleep(HEALTHY).await;
    fault.strike(world).await;
    let struck = now();
    tokio::time::sleep(ILL).await;
    let ended = now();
    let records = load.end().await;
    fault.lift(world).await;
    let times = Times { begun, struck, ended };
    let ill = format!("[{}]:{PORT}", address(hosts[0]));
    Report::of_fault(fault.name(), records, times, &ill)
}
