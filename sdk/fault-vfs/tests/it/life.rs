//! A store that is opened, worked on, cut off and looked at, again and again, beside the model that says what may be left.

use std::path::PathBuf;
use std::time::Duration;

use fault_vfs::{Damage, Disk, Lie, Rng};
use futures_util::future::join_all;
use syscall_sdk::clock::Clock;
use syscall_sdk::store::conformance::START;
use syscall_sdk::store::embedded::{Embedded, Options};
use syscall_sdk::store::memory::Memory;
use syscall_sdk::store::transfer::{Contents, violations};
use syscall_sdk::store::{Batch, Error, Op, Outcome, Result as Answer, Settle, Store, Verdict};
use syscall_sdk::wire::JobStatus;

use crate::load;

/// Operations of the disk within which the power goes: what opening and about a dozen commits take.
const OPERATIONS: u64 = 160;
/// Those within which a store that is not there yet is made.
pub(crate) const MAKING: u64 = 40;
/// Groups of batches of one life, at most, and batches of one group.
const GROUPS: u64 = 10;
const GROUP: u64 = 5;

/// A store's disk over many lives.
pub(crate) struct World {
    seed: u64,
    pub(crate) disk: Disk,
    /// Operations within which the power goes.
    pub(crate) within: u64,
    pub(crate) cuts: u64,
    pub(crate) acknowledged: u64,
    folder: tempfile::TempDir,
    clock: Clock,
    rng: Rng,
    /// What the disk held when the power last came back.
    held: Contents,
    /// Whether batches are sent several at a time. How they then share transactions is chance that no seed determines.
    together: bool,
    /// For the ids of events.
    serial: u64,
    incarnation: u64,
}

/// What may be found after a cut: the states of one life at its commits, in order, and how many of them are out of date because
/// a later one was acknowledged.
struct Points {
    states: Vec<Contents>,
    acknowledged: usize,
}

impl World {
    pub(crate) fn new(seed: u64) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        World {
            seed,
            disk: Disk::new(folder.path(), seed).expect("a folder can be a disk"),
            within: OPERATIONS,
            cuts: 0,
            acknowledged: 0,
            folder,
            clock: Clock::manual(START),
            rng: Rng::new(!seed),
            held: Contents::default(),
            together: seed % 2 == 1,
            serial: 0,
            incarnation: 0,
        }
    }

    /// One life of the store, from the power's coming to its going; the error says which promise was broken.
    pub(crate) async fn live(&mut self) -> Result<(), String> {
        self.clock.advance(Duration::from_millis(self.rng.below(4_000)));
        self.disk.cut_at(1 + self.rng.below(self.within));
        if self.rng.once_in(3) {
            self.incarnation += 1;
        }
        let owner = format!("life-{}", self.incarnation);
        let model = Memory::new(self.clock.clone());
        model
            .restore(&self.held)
            .map_err(|error| format!("the model refuses what was held: {error}"))?;
        let mut points = Points {
            states: vec![self.held.clone()],
            acknowledged: 0,
        };
        // Whether it opens or not, it may have got so far as to queue again what a former life left running.
        take_over(&model, &self.held, &owner, &self.clock).await;
        points.states.push(model.dump());
        match self.open(&owner) {
            Ok(store) => {
                points.acknowledged = 1;
                let heads = *store.heads().borrow();
                let meta = points.states[1].meta;
                check(
                    (heads.seq, heads.event, heads.change) == (meta.seq, meta.event_head, meta.change_head),
                    || format!("the store opens at {heads:?} and held {meta:?}"),
                )?;
                self.work(&store, &model, &mut points, &owner).await?;
                if self.rng.once_in(4) {
                    store.close().await;
                }
                drop(store);
            }
            Err(error) if self.disk.is_cut() => drop(error),
            Err(error) => return Err(format!("with power the store does not open: {error}")),
        }
        self.acknowledged += points.acknowledged as u64;
        self.cuts += 1;
        self.disk.cut();
        self.recover(&points)
    }

    /// Commits groups of batches until the power goes, each to the model as well.
    async fn work(&mut self, store: &Embedded, model: &Memory, points: &mut Points, owner: &str) -> Result<(), String> {
        for _ in 0..1 + self.rng.below(GROUPS) {
            let mut batches = Vec::new();
            let many = if self.together { 1 + self.rng.below(GROUP) } else { 1 };
            for _ in 0..many {
                self.clock.advance(Duration::from_millis(self.rng.below(900)));
                let at = self.clock.now();
                let ops = load::ops(&mut self.rng, at, &mut self.serial, owner);
                batches.push(Batch { at, ops });
            }
            // Sent together, so that some share a transaction; the writer keeps their order.
            let answers = join_all(batches.iter().map(|batch| store.commit(batch.clone()))).await;
            for (batch, answer) in batches.into_iter().zip(answers) {
                if let Err(Error::Full(_)) = answer {
                    // Taken back whole, and the disk goes on.
                    continue;
                }
                // What a claim takes may be told before it is durable, where it asks for that.
                let early = matches!(&batch.ops[..], [Op::Claim(claim)] if claim.early);
                let expected = model.commit(batch).await;
                if expected.is_ok() {
                    points.states.push(model.dump());
                }
                match answer {
                    Ok(_) | Err(Error::Refused { .. }) => {
                        check(same(&answer, &expected), || {
                            format!("the store answers {answer:?} and the model {expected:?}")
                        })?;
                        if !early {
                            points.acknowledged = points.states.len() - 1;
                        }
                    }
                    // Whether it happened is not known.
                    Err(_) if self.disk.is_cut() => {}
                    Err(error) => return Err(format!("with power a commit fails: {error:?}")),
                }
            }
            if self.disk.is_cut() {
                break;
            }
        }
        Ok(())
    }

    /// Brings the power back and looks at what is there.
    fn recover(&mut self, points: &Points) -> Result<(), String> {
        let damage = *self.rng.pick(&[Damage::Prefix, Damage::Sectors]);
        self.disk.restore(damage).map_err(|error| error.to_string())?;
        let path = self.path();
        let found = match std::fs::metadata(&path) {
            Ok(file) => {
                check(file.len() > 0, || "the file is there without its beginning".to_owned())?;
                Embedded::dump(&path)
                    .map_err(|error| format!("what is there cannot be read: {error} ({error:?})"))?
                    .0
            }
            Err(_) => Contents::default(),
        };
        let broken = violations(&found);
        check(broken.is_empty(), || format!("what is there is unsound: {broken:?}"))?;
        let at = points.states.iter().rposition(|state| *state == found);
        let at = at.ok_or_else(|| {
            let metas: Vec<_> = points.states.iter().map(|state| state.meta.seq).collect();
            format!(
                "what is there, at {}, is the state at no commit, of {metas:?}, the last acknowledged being {}: {found:?}",
                found.meta.seq, points.acknowledged
            )
        })?;
        check(at >= points.acknowledged, || {
            format!(
                "commit {} was acknowledged and what is there is the state at {at}: sequence {} after {}",
                points.acknowledged, found.meta.seq, points.states[points.acknowledged].meta.seq
            )
        })?;
        self.held = found;
        Ok(())
    }

    pub(crate) fn open(&self, owner: &str) -> Answer<Embedded> {
        Embedded::open(Options {
            path: Some(self.path()),
            clock: self.clock.clone(),
            owner: owner.to_owned(),
            name: "power".to_owned(),
        })
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("store.db")
    }
}

/// Lives one life after another on a disk that may lie; the error says in which of them what broke.
pub(crate) async fn lives(mut world: World, many: u64, lie: Option<Lie>) -> Result<World, String> {
    let seed = world.seed;
    world.disk.lie(lie);
    for life in 0..many {
        world
            .live()
            .await
            .map_err(|why| format!("seed {seed}, life {life}: {why}"))?;
    }
    Ok(world)
}

/// What opening does to jobs that another incarnation left running, by the model's own means.
async fn take_over(model: &Memory, held: &Contents, owner: &str, clock: &Clock) {
    let left = held
        .jobs
        .iter()
        .filter(|job| job.status == JobStatus::Running && job.owner.as_deref() != Some(owner));
    let back = left.map(|job| {
        Op::Settle(Settle {
            job: job.id.clone(),
            attempt: job.attempt,
            verdict: Verdict::HandedBack,
            trace: None,
        })
    });
    let batch = Batch {
        at: clock.now(),
        ops: back.collect(),
    };
    model.commit(batch).await.expect("a running job can be handed back");
}

fn same(answer: &Answer<Vec<Outcome>>, expected: &Answer<Vec<Outcome>>) -> bool {
    match (answer, expected) {
        (Ok(answer), Ok(expected)) => answer == expected,
        (
            Err(Error::Refused { op, why }),
            Err(Error::Refused {
                op: expected,
                why: because,
            }),
        ) => (op, why) == (expected, because),
        _ => false,
    }
}

fn check(holds: bool, why: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(why()) }
}
