//! The hosts of the test and what runs on them.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::caller::Records;
use crate::network::{NAME_SERVER, Network, address};
use crate::process::Process;
use crate::replica;
use crate::report::Report;

/// The hosts of the first three replicas; those of a redeploy come after.
pub(crate) const FIRST: [u16; 3] = [1, 2, 3];
/// The hosts of the replicas that replace them.
pub(crate) const SECOND: [u16; 3] = [4, 5, 6];
/// The host of the proxy before the first replica.
pub(crate) const PROXY: u16 = 0x51;
const CALLER: u16 = 0x61;

/// Replicas, a proxy before the first of them, a name server; callers come and go.
pub(crate) struct World {
    // In the order in which they end: what runs before what it runs on.
    pub(crate) replicas: BTreeMap<u16, Process>,
    pub(crate) proxy: Process,
    names: Process,
    pub(crate) network: Network,
    folder: tempfile::TempDir,
}

impl World {
    pub(crate) async fn build() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut network = Network::build();
        for host in FIRST.into_iter().chain(SECOND).chain([PROXY, NAME_SERVER, CALLER]) {
            network.plug(host);
        }
        let mut names = Process::start(&network, NAME_SERVER, &["names"]);
        names.says("ready").await;
        let behind = address(FIRST[0]).to_string();
        let mut proxy = Process::start(&network, PROXY, &["proxy", &behind]);
        proxy.says("ready").await;
        let mut world = World {
            replicas: BTreeMap::new(),
            proxy,
            names,
            network,
            folder,
        };
        world.deploy(&FIRST).await;
        world
    }

    /// Starts replicas beside each other and waits until they serve; nobody is told of them yet.
    pub(crate) async fn deploy(&mut self, hosts: &[u16]) {
        for host in hosts {
            let (name, ledger) = (host.to_string(), self.ledger(*host));
            let role = ["replica", &name, ledger.to_str().unwrap()];
            self.replicas.insert(*host, Process::start(&self.network, *host, &role));
        }
        for host in hosts {
            self.replicas.get_mut(host).unwrap().says("ready").await;
        }
    }

    /// What the name server says of core from now on.
    pub(crate) async fn name(&mut self, hosts: &[u16]) {
        let addresses: Vec<String> = hosts.iter().map(|host| address(*host).to_string()).collect();
        self.names.tell(&addresses.join(" ")).await;
    }

    /// Begins to call, and waits until the caller is warm.
    pub(crate) async fn load(&self, prefix: &str) -> Load {
        let records = self.folder.path().join(format!("{prefix}.json"));
        let role = ["caller", prefix, records.to_str().unwrap()];
        let mut process = Process::start(&self.network, CALLER, &role);
        process.says("ready").await;
        Load { process, records }
    }

    fn ledger(&self, host: u16) -> PathBuf {
        self.folder.path().join(format!("{host}.ledger"))
    }

    /// Ends everything, and gives what was done.
    pub(crate) async fn close(self) -> Done {
        let ledgers = FIRST.into_iter().chain(SECOND).map(|host| self.ledger(host));
        Done(replica::done(ledgers))
    }
}

/// A caller that calls.
pub(crate) struct Load {
    process: Process,
    records: PathBuf,
}

impl Load {
    /// Ends it, when the calls that are under way have ended.
    pub(crate) async fn end(mut self) -> Records {
        self.process.tell("stop").await;
        self.process.ended().await;
        serde_json::from_slice(&std::fs::read(self.records).unwrap()).unwrap()
    }
}

/// How often each call was done.
pub(crate) struct Done(BTreeMap<String, u32>);

impl Done {
    /// What was done against what the callers were told.
    pub(crate) fn check(&self, reports: &[Report]) -> Vec<String> {
        let mut faults = Vec::new();
        let mut repeated = 0;
        for (fault, call) in reports
            .iter()
            .flat_map(|report| report.records.calls.iter().map(|call| (report.name, call)))
        {
            let times = self.0.get(&call.id).copied().unwrap_or_default();
            if call.once && times > 1 {
                faults.push(format!("{fault}: {} was done {times} times and must not be", call.id));
            }
            repeated += u32::from(!call.once && times > 1);
            if call.error.is_none() && times == 0 {
                faults.push(format!("{fault}: {} was answered and not done", call.id));
            }
        }
        println!("{repeated} calls that may be done twice were; of the others none may be");
        if repeated == 0 {
            faults.push(
                "nothing was done twice, where it may be neither: repeats are not seen, so nothing is proved"
                    .to_owned(),
            );
        }
        faults
    }
}
