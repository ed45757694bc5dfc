//! What bounds the jobs that run, beside the room of a claim: keys that they share, and rates of their names.

use std::collections::BTreeMap;

use rusqlite::{OptionalExtension, Result, params};

use super::apply::Tables;
use super::ready::Place;
use super::row::{limit, unsigned};
use crate::store::{Claim, Concurrency, turn};

impl Tables<'_> {
    /// What is kept of the rates of the names that a claim wants.
    pub(super) fn rates<'c>(&self, claim: &'c Claim) -> Result<BTreeMap<&'c str, i64>> {
        let mut rates = BTreeMap::new();
        for want in claim.wants.iter().filter(|want| want.rate.is_some()) {
            let mut select = self.conn.prepare_cached("SELECT next FROM rate WHERE name = ?1")?;
            if let Some(kept) = select.query_row([&want.name], |row| row.get(0)).optional()? {
                rates.insert(want.name.as_str(), kept);
            }
        }
        Ok(rates)
    }

    pub(super) fn keep_rate(&self, name: &str, kept: i64) -> Result<()> {
        self.conn
            .prepare_cached("INSERT OR REPLACE INTO rate (name, next) VALUES (?1, ?2)")?
            .execute(params![name, kept])?;
        Ok(())
    }

    /// How many jobs of a key run.
    pub(super) fn running_of(&self, key: &str) -> Result<u64> {
        self.conn
            .prepare_cached(
                "SELECT count(*) FROM job INDEXED BY job_key_running WHERE status = 2 AND concurrency_key = ?1",
            )?
            .query_row([key], |row| unsigned(row, 0))
    }

    /// Queues those whose turn it is where a job of a key has ended. Nobody else of the key costs anything, however many wait.
    pub(super) fn promote(&mut self, key: Option<String>) -> Result<()> {
        let Some(key) = key else { return Ok(()) };
        let conn = self.conn;
        let mut next_name = conn.prepare_cached(
            "SELECT name FROM job INDEXED BY job_turn WHERE status = 0 AND turn IS NOT NULL AND concurrency_key = ?1 \
             AND name > ?2 ORDER BY name LIMIT 1",
        )?;
        let mut first = conn.prepare_cached(
            "SELECT seq, concurrency_limit, priority, run_at FROM job INDEXED BY job_turn WHERE status = 0 AND turn IS NOT NULL \
             AND concurrency_key = ?1 AND name = ?2 ORDER BY turn, seq LIMIT ?3",
        )?;
        let mut queue = conn.prepare_cached("UPDATE job SET status = 1, turn = NULL WHERE seq = ?1")?;
        let (mut running, mut after) = (None, String::new());
        while let Some(name) = next_name
            .query_row([&key, &after], |row| row.get::<_, String>(0))
            .optional()?
        {
            let running = match running {
                Some(running) => running,
                None => *running.insert(self.running_of(&key)?),
            };
            let waiting = first
                .query_map(params![key, name, limit(turn::PROMOTED_MAX)], |row| {
                    let key = Concurrency {
                        key: String::new(),
                        limit: row.get(1)?,
                    };
                    let place: Place = (row.get(3)?, row.get(0)?);
                    Ok((place, row.get::<_, i32>(2)?, key))
                })?
                .collect::<Result<Vec<_>>>()?;
            let next = turn::promoted(waiting.iter().map(|(_, _, key)| key), running);
            for (place, priority, _) in &waiting[..next] {
                queue.execute([place.1])?;
                self.ready.promoted(&name, *priority, *place);
            }
            after = name;
        }
        Ok(())
    }
}
