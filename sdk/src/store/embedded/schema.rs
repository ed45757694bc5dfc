//! The schema: made at once for a new file, migrated step by step for an old one.

use std::fs::{self, File};
use std::path::Path;

use rusqlite::Connection;

use super::lock::beside;
use super::open::opening;
use crate::store::{Error, Result};

/// Each entry brings a database from one version of the schema to the next.
const MIGRATIONS: &[&str] = &[
    include_str!("schema_1.sql"),
    include_str!("schema_2.sql"),
    include_str!("schema_3.sql"),
    include_str!("schema_4.sql"),
    include_str!("schema_5.sql"),
];

/// Makes the file where there is none. The caller holds the lock.
///
/// It is written under another name without syncs, synced once, and renamed: so it is there whole or not at all, and a
/// store opens in two syncs instead of seven.
pub(super) fn create(path: &Path) -> Result<()> {
    if fs::metadata(path).is_ok_and(|file| file.len() > 0) {
        return Ok(());
    }
    let failed = |error: std::io::Error| Error::Backend {
        doing: "creating the database",
        source: Box::new(error),
    };
    let draft = beside(path, ".new");
    match fs::remove_file(&draft) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(failed(error)),
        _ => {}
    }
    let mut conn = Connection::open(&draft).map_err(opening)?;
    conn.execute_batch("PRAGMA page_size = 4096; PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF")
        .map_err(opening)?;
    migrate(&mut conn, Some(path))?;
    conn.execute_batch("PRAGMA journal_mode = WAL").map_err(opening)?;
    conn.close().map_err(|(_, error)| opening(error))?;
    let sync = |path: &Path| File::open(path).and_then(|file| file.sync_all()).map_err(failed);
    sync(&draft)?;
    fs::rename(&draft, path).map_err(failed)?;
    // Elsewhere a folder cannot be opened as a file, and its entries are journalled.
    if cfg!(unix) {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        sync(folder.unwrap_or(Path::new(".")))?;
    }
    Ok(())
}

/// Brings the schema up to date, in one transaction.
pub(super) fn migrate(conn: &mut Connection, path: Option<&Path>) -> Result<()> {
    let name = path.map_or_else(|| "the store in memory".to_owned(), |path| path.display().to_string());
    let known = MIGRATIONS.len();
    let version: u32 = conn
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .map_err(opening)?;
    let version = version as usize;
    if version > known {
        return Err(Error::Unusable(format!(
            "{name} has schema {version} and this program knows schemas up to {known}; \
             run the newer version that wrote it, or restore a copy from before"
        )));
    }
    if version == known {
        return Ok(());
    }
    let tables: u32 = conn
        .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
        .map_err(opening)?;
    if version == 0 && tables > 0 {
        return Err(Error::Unusable(format!(
            "{name} is a database of another program; give this one a data directory of its own"
        )));
    }
    let transaction = conn.transaction().map_err(opening)?;
    for migration in &MIGRATIONS[version..] {
        transaction.execute_batch(migration).map_err(opening)?;
    }
    transaction
        .pragma_update(None, "user_version", known as u32)
        .map_err(opening)?;
    transaction.commit().map_err(opening)
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::super::Embedded;
    use super::super::open::writer;
    use super::*;
    use crate::store::transfer::violations;

    #[test]
    fn a_newer_schema_is_refused_with_a_sentence() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("store.db");
        drop(writer(Some(&path), "me", DateTime::UNIX_EPOCH).expect("it opens"));
        let conn = Connection::open(&path).expect("it is a database");
        conn.pragma_update(None, "user_version", 99).expect("it can be set");
        drop(conn);
        let refused = writer(Some(&path), "me", DateTime::UNIX_EPOCH).expect_err("it is newer");
        assert!(matches!(refused, Error::Unusable(_)));
        assert!(refused.to_string().contains("has schema 99"), "{refused}");
    }

    #[test]
    fn a_file_of_any_schema_before_is_brought_up_to_date_with_what_is_in_it_and_its_bytes_are_counted() {
        for before in 1..MIGRATIONS.len() {
            let folder = tempfile::tempdir().expect("a folder");
            let path = folder.path().join("store.db");
            let conn = Connection::open(&path).expect("it opens");
            for migration in &MIGRATIONS[..before] {
                conn.execute_batch(migration).expect("it is made");
            }
            conn.pragma_update(None, "user_version", before as u32)
                .expect("it can be set");
            conn.execute_batch(
                "INSERT INTO job (seq, id, name, status, priority, created_at, run_at, attempt, failures, max_attempts, \
                 backoff_base, backoff_factor, backoff_cap) VALUES (1, 'j', 'work', 1, 0, 0, 0, 0, 0, 3, 1000, 2.0, 1000); \
                 INSERT INTO job (seq, id, name, params, status, priority, created_at, run_at, completed_at, attempt, failures, \
                 max_attempts, backoff_base, backoff_factor, backoff_cap, error) \
                 VALUES (2, 'd', 'work', '[\"é\"]', 4, 0, 0, 0, 0, 1, 1, 1, 1000, 2.0, 1000, 'no'); \
                 INSERT INTO attempt VALUES (2, 1, 0, 0, 1, 'no', 'at the mailer', NULL); \
                 INSERT INTO state VALUES ('ns', 'k', '1', 1, 3, 0, NULL); \
                 INSERT INTO change VALUES (3, 'ns', 'k', '1', 1, 0, NULL), (4, 'ns', 'gone', NULL, 0, 0, NULL); \
                 INSERT INTO event VALUES (5, 'e', 'a:b', '{}', 0, 'trace'), (6, 'f', 'a:b', NULL, 0, NULL); \
                 UPDATE meta SET seq = 6, event_head = 6, change_head = 4, entries = 1, changes = 2, events = 2, \
                 jobs_live = 1, jobs_ended = 1",
            )
            .expect("it takes rows of every kind that counts");
            drop(conn);
            let (conn, _) = writer(Some(&path), "me", DateTime::UNIX_EPOCH).expect("it opens");
            let job = super::super::read::job(&conn, "j")
                .expect("a read succeeds")
                .expect("it is there");
            assert_eq!((job.concurrency, job.turn), (None, None));
            drop(conn);
            let (contents, _) = Embedded::dump(&path).expect("it is read");
            assert_eq!(violations(&contents), Vec::<String>::new(), "from schema {before}");
            assert!(contents.meta.kept.jobs > 0 && contents.jobs[1].attempt_bytes > 0);
        }
    }

    #[test]
    fn a_database_of_another_program_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("store.db");
        let conn = Connection::open(&path).expect("it opens");
        conn.execute_batch("CREATE TABLE theirs (a)").expect("it is made");
        drop(conn);
        let refused = writer(Some(&path), "me", DateTime::UNIX_EPOCH).expect_err("it is not ours");
        assert!(refused.to_string().contains("another program"), "{refused}");
    }
}
