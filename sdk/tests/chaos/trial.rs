//! One store through many lives.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::json;
use syscall_sdk::store::embedded::Embedded;
use syscall_sdk::store::postgres::Postgres;
use syscall_sdk::store::postgres::cluster::{Cluster, Space};
use syscall_sdk::store::transfer::{Contents, violations};
use tokio::task::JoinSet;

use crate::audit::Audit;
use crate::client::{Answer, Client};
use crate::effects::Effects;
use crate::ledger::Ledger;
use crate::load;
use crate::process::{Data, Process};
use crate::table::Report;

/// Acknowledgements between two kills: the fewest, and how many more there may be.
const FEWEST: u64 = 20;
const MORE: u64 = 60;
/// One in so many kills falls into the start, within so many ms of it.
const AT_START: u64 = 6;
const START_MS: u64 = 120;
/// One in so many lives in a database sees the server restarted, and as many see all connections cut.
const DISTURBED: u64 = 4;

/// Where a trial's data lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    File,
    /// Nothing is kept, which must be noticed.
    Nowhere,
    Database {
        replicas: usize,
    },
}

/// What is tried.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) name: &'static str,
    pub(crate) place: Place,
    pub(crate) kills: u64,
    pub(crate) seed: u64,
}

struct Trial {
    rng: u64,
    data: Data,
    cluster: Option<Cluster>,
    effects: PathBuf,
    ledger: Arc<Ledger>,
    /// When each process that is no more was killed.
    kills: BTreeMap<u64, u128>,
    serial: u64,
    report: Report,
}

/// Kills as often as the plan says, and looks for what was acknowledged after each time.
pub(crate) async fn run(plan: Plan) -> Report {
    let folder = tempfile::tempdir().unwrap();
    let cluster = match plan.place {
        Place::File | Place::Nowhere => None,
        Place::Database { .. } => Some(tokio::task::spawn_blocking(Cluster::start).await.unwrap()),
    };
    let replicas = match plan.place {
        Place::File | Place::Nowhere => 1,
        Place::Database { replicas } => replicas,
    };
    let mut trial = Trial {
        rng: plan.seed,
        data: match &cluster {
            Some(cluster) => Data::Database(cluster.url()),
            None if plan.place == Place::Nowhere => Data::Nowhere,
            None => Data::Folder(folder.path().to_owned()),
        },
        cluster,
        effects: folder.path().join("effects"),
        ledger: Arc::new(Ledger::new()),
        kills: BTreeMap::new(),
        serial: 0,
        report: Report {
            name: plan.name,
            seed: plan.seed,
            ..Report::default()
        },
    };
    let mut audit = Audit::default();
    let mut processes: Vec<Process> = Vec::new();
    let mut killed = None;
    while trial.report.kills < plan.kills {
        trial.fill(&mut processes, replicas, plan.kills).await;
        let mut writers = trial.live(&processes, &mut audit, killed).await;
        let victim = trial.below(processes.len() as u64) as usize;
        killed = Some(Instant::now());
        trial.bury(processes.remove(victim));
        trial.ledger.stop.store(true, Ordering::SeqCst);
        while let Some(ended) = writers.join_next().await {
            ended.unwrap();
        }
    }
    trial.fill(&mut processes, replicas, 0).await;
    trial.end(processes, audit, killed).await
}

impl Trial {
    /// SplitMix64: the seed determines the moments.
    fn below(&mut self, end: u64) -> u64 {
        self.rng = self.rng.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.rng;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (bits ^ (bits >> 31)) % end
    }

    /// Starts processes until there are enough; some are killed while they start.
    async fn fill(&mut self, processes: &mut Vec<Process>, replicas: usize, kills: u64) {
        while processes.len() < replicas {
            let mut process = self.begin();
            while self.report.kills + 1 < kills && self.below(AT_START) == 0 {
                let wait = Duration::from_millis(self.below(START_MS));
                tokio::time::sleep(wait).await;
                self.bury(process);
                process = self.begin();
            }
            process.ready().await;
            processes.push(process);
        }
    }

    fn begin(&mut self) -> Process {
        self.serial += 1;
        Process::begin(&self.data, self.serial, &self.effects)
    }

    fn bury(&mut self, process: Process) {
        let (serial, at) = process.kill();
        self.kills.insert(serial, at);
        self.report.kills += 1;
    }

    /// The first acknowledged write of a life, and how long after the kill it came.
    async fn recovered(&mut self, client: &Client, since: Option<Instant>) {
        let body = json!({ "key": "recovered", "value": self.serial });
        while !matches!(
            client.send(Method::PUT, "/v1/sys/state", Some(&body)).await,
            Answer::Done(..)
        ) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        if let Some(since) = since {
            self.report.longest = self.report.longest.max(since.elapsed());
        }
    }

    /// Looks for what was acknowledged before, and writes until enough is acknowledged anew. On return the writers still write.
    async fn live(&mut self, processes: &[Process], audit: &mut Audit, killed: Option<Instant>) -> JoinSet<()> {
        let clients: Vec<Client> = processes.iter().map(|process| Client::of(process.port)).collect();
        let newest = &clients[clients.len() - 1];
        self.recovered(newest, killed).await;
        audit.look(newest, &self.ledger).await;
        self.ledger.stop.store(false, Ordering::SeqCst);
        // Each ends by itself when its process is gone or when it is told to; what it had asked is answered to it alone.
        let mut writers = JoinSet::new();
        for (at, client) in clients.iter().enumerate() {
            for writer in 0..load::WRITERS {
                let name = at as u64 * load::WRITERS + writer;
                writers.spawn(load::write(client.clone(), name, Arc::clone(&self.ledger)));
            }
        }
        let more = FEWEST + self.below(MORE);
        self.ledger.progress(more).await;
        if self.cluster.is_some() {
            match self.below(DISTURBED) {
                0 => self.restart_database().await,
                1 => self.cut_connections().await,
                _ => {}
            }
        }
        writers
    }

    /// The server ends as in a crash and comes back; nothing of ours is restarted.
    async fn restart_database(&mut self) {
        let cluster = self.cluster.as_ref().unwrap();
        tokio::task::block_in_place(|| {
            cluster.kill();
            cluster.run();
        });
        self.goes_on().await;
    }

    async fn cut_connections(&mut self) {
        let space = Space::of(&self.cluster.as_ref().unwrap().url());
        let cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                   WHERE application_name = 'blackroad' AND pid <> pg_backend_pid()";
        space.sql("public", cut).await;
        space.end().await;
        self.goes_on().await;
    }

    async fn goes_on(&mut self) {
        let back = Instant::now();
        self.ledger.progress(1).await;
        self.report.longest = self.report.longest.max(back.elapsed());
        self.report.disturbed += 1;
        self.ledger.progress(FEWEST).await;
    }

    /// Lets all work end, and looks at everything.
    async fn end(mut self, processes: Vec<Process>, mut audit: Audit, killed: Option<Instant>) -> Report {
        let client = Client::of(processes[processes.len() - 1].port);
        self.recovered(&client, killed).await;
        let leased = self.cluster.is_some();
        self.report.acknowledged = self.ledger.count();
        audit.faults.append(&mut self.ledger.kept.lock().unwrap().faults);
        audit.end(&client, &self.ledger, &self.effects).await;
        let effects = Effects::read(&self.effects);
        audit.check_turns(&effects, &self.kills, leased);
        drop(processes);
        let contents = match &self.data {
            Data::Nowhere => Contents::default(),
            Data::Folder(folder) => Embedded::dump(&folder.join("blackroad-os-core.db")).unwrap().0,
            Data::Database(url) => {
                let space = Space::of(url);
                let contents = Postgres::dump(space.database(), "blackroad_core").await.unwrap().0;
                space.end().await;
                contents
            }
        };
        audit.faults.extend(violations(&contents));
        self.report.lost = audit.lost;
        self.report.again = effects.again();
        self.report.faults = audit
            .faults
            .iter()
            .map(|fault| format!("{}: {fault}", self.report.name))
            .collect();
        self.report
    }
}
