//! Where a store lies: a file in a folder of its own, or a schema of its own on a PostgreSQL.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use syscall_sdk::clock::Clock;
use syscall_sdk::lifecycle::Scope;
use syscall_sdk::store::Store;
use syscall_sdk::store::embedded::{self, Embedded};
use syscall_sdk::store::postgres::{self, Database, Postgres, Target};
use tokio_postgres::NoTls;

/// The server that is taken where the environment names none.
const SERVER: &str = "postgres://root@127.0.0.1:5432/postgres";

/// A PostgreSQL with a database for this bench alone, so that its counters count nothing else.
pub(crate) struct Server {
    pub(crate) admin: tokio_postgres::Client,
    /// The bench's own database.
    pub(crate) url: String,
    pub(crate) database_name: String,
    database: Database,
    /// What holds the connections.
    pub(crate) scope: Scope,
    schemas: AtomicU32,
}

impl Server {
    /// Reaches the server and makes the database; without a server a line says so, and its rows are left out.
    #[expect(
        clippy::disallowed_methods,
        reason = "a bench is told where the database is by the variable"
    )]
    pub(crate) async fn reach() -> Option<Self> {
        let admin_url = match std::env::var("TEST_DATABASE_URL") {
            Ok(url) if !url.is_empty() => url,
            _ => SERVER.to_owned(),
        };
        let scope = Scope::new("bench-database", tracing::Span::none());
        let Some(admin) = try_connect(&admin_url, &scope).await else {
            eprintln!("PostgreSQL is not measured: none answers; TEST_DATABASE_URL names one");
            return None;
        };
        let row = admin
            .query_one("SELECT current_setting('fsync') || '/' || current_setting('synchronous_commit') || ', version ' || current_setting('server_version')", &[])
            .await
            .expect("the server answers");
        eprintln!("PostgreSQL: fsync/synchronous_commit {}", row.get::<_, String>(0));
        let name = format!("blackroad_bench_{}", std::process::id());
        admin
            .batch_execute(&format!("CREATE DATABASE {name}"))
            .await
            .expect("the role may create a database");
        let (base, query) = admin_url.split_once('?').unwrap_or((&admin_url, ""));
        let slash = base.rfind('/').expect("a URL has slashes");
        let url = format!("{}/{name}?{query}", &base[..slash]);
        let target = Target::parse(&url).expect("the URL is one");
        Some(Server {
            admin,
            database: Database::new(target, &scope),
            url,
            database_name: name,
            scope,
            schemas: AtomicU32::new(0),
        })
    }

    /// Drops the database.
    pub(crate) async fn leave(self) {
        let drop = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.database_name);
        self.admin.batch_execute(&drop).await.expect("the database is ours");
        self.scope.stop(std::time::Duration::ZERO).await;
    }
}

/// A connection without a store around it; it is driven for as long as its scope lives.
pub(crate) async fn connect(url: &str, scope: &Scope) -> tokio_postgres::Client {
    try_connect(url, scope).await.expect("PostgreSQL is there")
}

async fn try_connect(url: &str, scope: &Scope) -> Option<tokio_postgres::Client> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.ok()?;
    scope.spawn_background("connection", async move {
        // Ends when the client is dropped.
        let _ = connection.await;
    });
    Some(client)
}

/// Where a store lies.
pub(crate) enum Ground<'a> {
    /// A file.
    Disk(tempfile::TempDir),
    /// A file in a folder that is kept.
    Kept(PathBuf),
    /// A schema.
    Schema {
        /// Where it is.
        server: &'a Server,
        /// Its name.
        name: String,
    },
}

/// An open store, and how many transactions it has committed.
pub(crate) struct Opened {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) commits: Box<dyn Fn() -> u64 + Send + Sync>,
}

impl<'a> Ground<'a> {
    /// A folder of its own.
    pub(crate) fn disk() -> Self {
        Ground::Disk(tempfile::tempdir().expect("a folder"))
    }

    /// A schema of its own.
    pub(crate) fn schema(server: &'a Server) -> Self {
        let number = server.schemas.fetch_add(1, Ordering::Relaxed);
        Ground::Schema {
            server,
            name: format!("bench_{number}"),
        }
    }

    /// What the table calls it.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Ground::Disk(_) | Ground::Kept(_) => "embedded",
            Ground::Schema { .. } => "postgres",
        }
    }

    /// Whether it is the file.
    pub(crate) fn is_disk(&self) -> bool {
        !matches!(self, Ground::Schema { .. })
    }

    /// The folder of the file; of a schema there is none.
    pub(crate) fn folder(&self) -> PathBuf {
        match self {
            Ground::Disk(folder) => folder.path().to_owned(),
            Ground::Kept(folder) => folder.clone(),
            Ground::Schema { .. } => PathBuf::new(),
        }
    }

    /// Opens the store for a process incarnation.
    pub(crate) async fn open(&self, owner: &str) -> Opened {
        match self {
            Ground::Disk(_) | Ground::Kept(_) => open_file(self.folder().join("store.db"), owner),
            Ground::Schema { server, name } => open_schema(&server.database, name, owner).await,
        }
    }
}

/// Opens a file.
pub(crate) fn open_file(path: PathBuf, owner: &str) -> Opened {
    let options = embedded::Options {
        path: Some(path),
        clock: Clock::system(),
        owner: owner.to_owned(),
        name: "bench".to_owned(),
    };
    let store = Arc::new(Embedded::open(options).expect("it opens"));
    let counted = Arc::clone(&store);
    Opened {
        store,
        commits: Box::new(move || counted.commits()),
    }
}

/// Opens a schema.
pub(crate) async fn open_schema(database: &Database, schema: &str, owner: &str) -> Opened {
    let options = postgres::Options {
        schema: schema.to_owned(),
        clock: Clock::system(),
        owner: owner.to_owned(),
    };
    let store = Arc::new(Postgres::open(database, options).await.expect("it opens"));
    let counted = Arc::clone(&store);
    Opened {
        store,
        commits: Box::new(move || counted.commits()),
    }
}
