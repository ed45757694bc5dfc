//! A PostgreSQL for tests: the one that `TEST_DATABASE_URL` names, else one of the test process's own, from the distribution's
//! package.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Mutex, OnceLock};

use tracing::Span;

use super::{Database, Options, Postgres, Target};
use crate::clock::Clock;
use crate::lifecycle::Scope;

/// Where Debian and its kin lay the server's programs, a folder a version.
const VERSIONS: &str = "/usr/lib/postgresql";
/// Where others lay them.
const PLAIN: [&str; 3] = ["/usr/bin", "/usr/local/bin", "/opt/homebrew/bin"];

/// A server with an empty database, on a socket of its own. It ends with the process that started it, however that ends.
#[derive(Debug)]
pub struct Cluster {
    programs: PathBuf,
    folder: PathBuf,
    /// Closed by the end of this process, which its reader takes for the sign to clean up.
    watch: Option<ChildStdin>,
    watcher: Child,
}

impl Cluster {
    /// Makes and starts one. Blocks for a second or two.
    ///
    /// # Panics
    /// Where PostgreSQL is not installed or does not start.
    pub fn start() -> Self {
        let programs = programs()
            .expect("PostgreSQL is installed, or TEST_DATABASE_URL names one: `make setup` does it on Debian");
        let folder = std::env::temp_dir().join(format!("pg-{}", &uuid::Uuid::new_v4().simple().to_string()[..12]));
        std::fs::create_dir(&folder).expect("the folder is new");
        if as_root() {
            run(Command::new("chown").arg("postgres").arg(&folder));
        }
        let data = folder.join("data");
        run(user(&programs.join("initdb")).arg("-D").arg(&data).args([
            "-U",
            "postgres",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--locale=C",
            "--no-sync",
        ]));
        let mut watcher = Command::new("sh");
        // `read` ends when the other end of its input is closed.
        watcher.args(["-c", "read -r _; \"$@\"; rm -rf \"$0\""]).arg(&folder);
        let stop = user(&programs.join("pg_ctl"));
        watcher
            .arg(stop.get_program())
            .args(stop.get_args())
            .arg("-D")
            .arg(&data)
            .args(["-m", "immediate", "stop"]);
        let quiet = watcher
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let mut watcher = quiet.spawn().expect("a shell starts");
        let cluster = Cluster {
            watch: watcher.stdin.take(),
            watcher,
            programs,
            folder,
        };
        cluster.run();
        cluster
    }

    /// Starts the server, where it was stopped.
    pub fn run(&self) {
        // Nothing here outlives a power cut, so nothing is synced.
        let options = format!(
            "-c listen_addresses='' -c fsync=off -c max_connections=300 -k {}",
            self.folder.display()
        );
        let log = self.folder.join("data/server.log");
        run(user(&self.programs.join("pg_ctl"))
            .arg("-D")
            .arg(self.data())
            .arg("-l")
            .arg(log)
            .arg("-o")
            .arg(options)
            .args(["-w", "start"]));
    }

    /// Ends the server as a crash would, at once and with whatever it was doing.
    pub fn kill(&self) {
        run(user(&self.programs.join("pg_ctl"))
            .arg("-D")
            .arg(self.data())
            .args(["-w", "-m", "immediate", "stop"]));
    }

    /// How it is reached.
    pub fn url(&self) -> String {
        let host = self.folder.display().to_string().replace('/', "%2F");
        format!("postgres://postgres@{host}/postgres")
    }

    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if let Some(mut watch) = self.watch.take() {
            let _ = watch.flush();
        }
        let _ = self.watcher.wait();
    }
}

/// The URL of a server that all tests of this process share: `TEST_DATABASE_URL`, else a cluster that is started once.
#[expect(
    clippy::disallowed_methods,
    reason = "tests are told where the database is by the variable, and by nothing else"
)]
pub fn shared_url() -> String {
    static SHARED: OnceLock<Cluster> = OnceLock::new();
    match std::env::var("TEST_DATABASE_URL") {
        Ok(url) if !url.is_empty() => url,
        _ => SHARED.get_or_init(Cluster::start).url(),
    }
}

/// A test's own schemas in a database, dropped at its end.
#[derive(Debug)]
pub struct Space {
    scope: Scope,
    database: Database,
    schemas: Mutex<Vec<String>>,
}

impl Space {
    /// In the shared database.
    pub fn shared() -> Self {
        Self::of(&shared_url())
    }

    /// In a database of a test's own.
    pub fn of(url: &str) -> Self {
        let scope = Scope::new("test-database", Span::none());
        let target = Target::parse(url).expect("the URL is one");
        Space {
            database: Database::new(target, &scope),
            scope,
            schemas: Mutex::default(),
        }
    }

    /// The database as this space uses it; another space is another process to it.
    pub fn database(&self) -> &Database {
        &self.database
    }

    /// The name of a schema that is not there yet.
    pub fn schema(&self) -> String {
        let name = format!("t_{}", uuid::Uuid::new_v4().simple());
        self.schemas.lock().expect("no test panics here").push(name.clone());
        name
    }

    /// Opens a store in a schema.
    pub async fn open(&self, schema: &str, owner: &str, clock: &Clock) -> Postgres {
        let options = Options {
            schema: schema.to_owned(),
            clock: clock.clone(),
            owner: owner.to_owned(),
        };
        Postgres::open(&self.database, options).await.expect("it opens")
    }

    /// Runs statements by the side; `{s}` stands for the schema.
    pub async fn sql(&self, schema: &str, statements: &str) {
        let schema = super::query::Schema::new(schema).expect("a name");
        let link = self
            .database
            .0
            .pool
            .get("testing")
            .await
            .expect("the database is there");
        link.run(&schema.fill(statements), super::group::DEADLINE)
            .await
            .expect("the statements are right");
    }

    /// Drops its schemas and ends its connections.
    pub async fn end(self) {
        let schemas = std::mem::take(&mut *self.schemas.lock().expect("no test panics here"));
        for schema in schemas {
            self.sql(&schema, "DROP SCHEMA IF EXISTS {s} CASCADE").await;
        }
        self.scope.stop(std::time::Duration::ZERO).await;
    }
}

/// The folder of `initdb` and `pg_ctl`, of the newest version that is there.
fn programs() -> Option<PathBuf> {
    let versions = std::fs::read_dir(VERSIONS).into_iter().flatten().flatten();
    let mut versions: Vec<PathBuf> = versions.map(|version| version.path().join("bin")).collect();
    versions.sort();
    let mut newest_last = PLAIN.iter().rev().map(PathBuf::from).chain(versions);
    let complete = |folder: &PathBuf| folder.join("initdb").is_file() && folder.join("pg_ctl").is_file();
    newest_last.rfind(complete)
}

/// The server refuses to run as root, so a test that is root hands it to the user that the package made.
fn user(program: &Path) -> Command {
    if !as_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command
        .args(["--reuid=postgres", "--regid=postgres", "--clear-groups", "--"])
        .arg(program);
    command
}

fn as_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata("/proc/self").is_ok_and(|me| me.uid() == 0)
}

fn run(command: &mut Command) {
    // To a file, not a pipe: the server inherits what its starter was given, and would hold the pipe open.
    let done = command
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    let done = done.expect("the program is there");
    assert!(done.success(), "{command:?}: {done}");
}
