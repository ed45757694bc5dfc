use std::fmt;

use super::chain::{self, GENESIS};
use crate::error::Result;
use crate::wire::{AuditEntry, AuditHead};

/// Something that is wrong with a chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The entry at which it shows.
    pub sequence: u64,
    /// What it is, in a sentence that names the entry.
    pub what: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

/// Goes along a chain, entry by entry, and finds what was changed, removed or moved.
///
/// A chain proves its own order and content, not its length: an entry that was cut off the end, or a whole that was made anew, shows
/// only against a head that was kept elsewhere ([`Verifier::pinned`]).
#[derive(Clone, Debug)]
pub struct Verifier {
    last: AuditHead,
    pins: Vec<AuditHead>,
    faults: Vec<Fault>,
    entries: u64,
}

impl Default for Verifier {
    fn default() -> Self {
        Self::after(chain::empty())
    }
}

impl Verifier {
    /// Goes on after a head that is known to be good.
    pub fn after(head: AuditHead) -> Self {
        Verifier {
            last: head,
            pins: Vec::new(),
            faults: Vec::new(),
            entries: 0,
        }
    }

    /// Holds the chain against a head that was kept elsewhere.
    #[must_use]
    pub fn pinned(mut self, head: AuditHead) -> Self {
        // The end of an empty chain says nothing.
        if head.sequence > 0 {
            self.pins.push(head);
        }
        self
    }

    /// Reads a line of an export.
    ///
    /// # Errors
    /// Where an entry has no JSON form.
    pub fn line(&mut self, text: &str) -> Result<()> {
        let at = self.last.sequence + 1;
        match serde_json::from_str::<AuditEntry>(text) {
            Err(error) => self.fault(at, format!("what stands where entry {at} should is no entry: {error}")),
            Ok(entry) => {
                // A field that is said twice, or spaces: the same to this reader, and perhaps not to another.
                if chain::line(&entry)? != text {
                    let sequence = entry.sequence;
                    self.fault(sequence, format!("entry {sequence} is not written as it was exported"));
                }
                self.entry(&entry)?;
            }
        }
        Ok(())
    }

    /// Takes the next entry.
    ///
    /// # Errors
    /// Where the entry has no JSON form.
    pub fn entry(&mut self, entry: &AuditEntry) -> Result<()> {
        self.entries += 1;
        let sequence = entry.sequence;
        let (last, hash) = (self.last.clone(), chain::hash(entry)?);
        if hash != entry.hash {
            self.fault(
                sequence,
                format!(
                    "entry {sequence} was changed: it says what has the hash {hash} and bears {}",
                    entry.hash
                ),
            );
        }
        if sequence <= last.sequence {
            self.fault(
                sequence,
                format!(
                    "entry {sequence} comes after entry {}: it was moved or put in twice",
                    last.sequence
                ),
            );
            return Ok(());
        }
        if sequence > last.sequence + 1 {
            let (from, to) = (last.sequence + 1, sequence - 1);
            self.fault(
                from,
                if from == to {
                    format!("entry {from} is not there: it was removed or moved")
                } else {
                    format!("entries {from} to {to} are not there: they were removed or moved")
                },
            );
        } else if entry.previous != last.hash {
            let before = if last.hash == GENESIS {
                "nothing"
            } else {
                last.hash.as_str()
            };
            self.fault(
                sequence,
                format!(
                    "entry {sequence} does not follow entry {}: it bears {} where that one has {before}",
                    last.sequence, entry.previous
                ),
            );
        }
        let pinned: Vec<AuditHead> = self
            .pins
            .iter()
            .filter(|pin| pin.sequence == sequence && pin.hash != hash)
            .cloned()
            .collect();
        for pin in pinned {
            self.fault(
                sequence,
                format!(
                    "entry {sequence} is not the one that was pinned: that one had the hash {}",
                    pin.hash
                ),
            );
        }
        // The chain goes on from what the entry says: who made another hash of it made the next one not follow.
        self.last = AuditHead { sequence, hash };
        Ok(())
    }

    /// How many entries were taken so far.
    pub fn entries(&self) -> u64 {
        self.entries
    }

    /// Where the chain ended, and everything that was found.
    pub fn finish(mut self) -> (AuditHead, Vec<Fault>) {
        let last = self.last.clone();
        let mut beyond: Vec<u64> = self.pins.iter().map(|pin| pin.sequence).collect();
        beyond.retain(|pinned| *pinned > last.sequence);
        if let Some(pinned) = beyond.into_iter().max() {
            self.fault(
                last.sequence + 1,
                format!(
                    "the chain ends at entry {}, and entry {pinned} was pinned: its end was cut off",
                    last.sequence
                ),
            );
        }
        (last, self.faults)
    }

    fn fault(&mut self, sequence: u64, what: String) {
        self.faults.push(Fault { sequence, what });
    }
}
