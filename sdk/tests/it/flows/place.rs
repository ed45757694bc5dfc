//! Where a service of a test keeps what must last: a file, or a schema of a real PostgreSQL.

use std::sync::{Arc, Mutex};

use syscall_sdk::clock::Clock;
use syscall_sdk::store::Store;
use syscall_sdk::store::embedded::{Embedded, Options};
#[cfg(feature = "testing")]
use syscall_sdk::store::postgres::cluster::Space;

use super::world::{Plan, World};

/// What a test is run on.
pub(super) enum Place {
    File,
    /// Schemas of its own in the one cluster of this test binary, dropped at its end.
    #[cfg(feature = "testing")]
    Database(Arc<Space>),
}

#[cfg(feature = "testing")]
impl Place {
    pub(super) fn database() -> Self {
        Place::Database(Arc::new(Space::shared()))
    }

    pub(super) async fn end(self) {
        if let Place::Database(beside) = self {
            let beside = Arc::into_inner(beside).expect("the test is over, and its disks with it");
            beside.end().await;
        }
    }
}

/// Makes of each function, which takes its [`Place`], one test on the embedded file and one in PostgreSQL.
macro_rules! on_every_store {
    ($($name:ident),+ $(,)?) => {
        mod on_a_file {
            $(#[tokio::test]
            async fn $name() {
                super::$name(&$crate::flows::place::Place::File).await;
            })+
        }
        #[cfg(feature = "testing")]
        $crate::flows::place::in_postgresql! { $($name),+ }
    };
}
pub(super) use on_every_store;

/// Makes of each function, which takes its [`Place`], a test in PostgreSQL.
#[cfg(feature = "testing")]
macro_rules! in_postgresql {
    ($($name:ident),+ $(,)?) => {
        mod in_postgresql {
            $(#[tokio::test]
            async fn $name() {
                let place = $crate::flows::place::Place::database();
                super::$name(&place).await;
                place.end().await;
            })+
        }
    };
}
#[cfg(feature = "testing")]
pub(super) use in_postgresql;

/// Where the lives of one process, and in a database its replicas, leave what must last.
pub(super) struct Disk {
    kept: Kept,
    lives: Mutex<u32>,
}

enum Kept {
    File(tempfile::TempDir),
    #[cfg(feature = "testing")]
    Database {
        schema: String,
        /// Says of a process that it is dead.
        beside: Arc<Space>,
    },
}

/// What a life of a process holds on to, and lets go when it dies.
pub(super) enum Hold {
    File,
    #[cfg(feature = "testing")]
    Database {
        /// The process as the database knows it: its connections, its heartbeat.
        process: Space,
        schema: String,
        owner: String,
        beside: Arc<Space>,
    },
}

impl Disk {
    pub(super) fn new(place: &Place) -> Self {
        let kept = match place {
            Place::File => Kept::File(tempfile::tempdir().unwrap()),
            #[cfg(feature = "testing")]
            Place::Database(beside) => Kept::Database {
                schema: beside.schema(),
                beside: Arc::clone(beside),
            },
        };
        Disk {
            kept,
            lives: Mutex::default(),
        }
    }

    /// A new life on this disk; in a database, also beside another that goes on.
    pub(super) async fn boot(&self, plan: &Plan) -> World {
        let life = {
            let mut lives = self.lives.lock().unwrap();
            *lives += 1;
            *lives
        };
        let owner = format!("life {life}");
        let (store, hold): (Arc<dyn Store>, Hold) = match &self.kept {
            Kept::File(folder) => {
                let store = Embedded::open(Options {
                    path: Some(folder.path().join("store.db")),
                    clock: Clock::system(),
                    owner: owner.clone(),
                    name: "flows".to_owned(),
                });
                (Arc::new(store.unwrap()), Hold::File)
            }
            #[cfg(feature = "testing")]
            Kept::Database { schema, beside } => {
                let process = Space::shared();
                let store = process.open(schema, &owner, &Clock::system()).await;
                let hold = Hold::Database {
                    process,
                    schema: schema.clone(),
                    owner: owner.clone(),
                    beside: Arc::clone(beside),
                };
                (Arc::new(store), hold)
            }
        };
        World::on(store, hold, plan, owner)
    }
}

impl Hold {
    /// Lets go as a process does that is killed: nobody is told, and the lease runs out by itself.
    pub(super) async fn let_go(self, store: Arc<dyn Store>) {
        match self {
            Hold::File => store.close().await,
            #[cfg(feature = "testing")]
            Hold::Database {
                process,
                schema,
                owner,
                beside,
            } => {
                drop(store);
                process.end().await;
                // A commit of the dead that is under way holds the row, and renews the lease; only then does its time pass.
                let over = format!(
                    "BEGIN; SELECT 1 FROM {{s}}.meta FOR UPDATE; UPDATE {{s}}.worker SET seen_at = seen_at - interval '1 minute' \
                     WHERE incarnation = '{owner}'; COMMIT"
                );
                beside.sql(&schema, &over).await;
            }
        }
    }
}
