//! One file: what of it is synced, and what was written since.

use std::ops::Range;

use crate::{Damage, Rng};

/// What a disk writes at once or not at all.
const SECTOR: usize = 512;

/// A file's contents as a power cut would find them.
#[derive(Debug, Default)]
pub(crate) struct Image {
    synced: Vec<u8>,
    waiting: Vec<Change>,
    /// What the program sees differs from both by more than the changes that wait: a sync has failed.
    pub(crate) diverged: bool,
}

#[derive(Debug)]
enum Change {
    Write(usize, Vec<u8>),
    Resize(usize),
}

impl Image {
    /// A file that is synced.
    pub(crate) fn synced(bytes: Vec<u8>) -> Self {
        Image {
            synced: bytes,
            ..Image::default()
        }
    }

    pub(crate) fn write(&mut self, at: usize, bytes: &[u8]) {
        self.waiting.push(Change::Write(at, bytes.to_vec()));
    }

    pub(crate) fn resize(&mut self, length: usize) {
        self.waiting.push(Change::Resize(length));
    }

    /// Everything that waits is kept.
    pub(crate) fn sync(&mut self) {
        for change in self.waiting.drain(..) {
            change.apply(&mut self.synced);
        }
    }

    /// A sync that fails: of what waits each change is kept or not, for good, and the system no longer knows that it was to be
    /// written.
    pub(crate) fn fail_sync(&mut self, rng: &mut Rng) {
        self.diverged = true;
        for change in self.waiting.drain(..) {
            if rng.once_in(2) {
                change.apply(&mut self.synced);
            }
        }
    }

    /// What a power cut leaves, and the ranges of it that may differ from what the program saw. The image then is synced.
    pub(crate) fn cut(&mut self, damage: Damage, rng: &mut Rng) -> (&[u8], Vec<Range<usize>>) {
        let waiting = std::mem::take(&mut self.waiting);
        let mut touched: Vec<Range<usize>> = waiting.iter().map(Change::range).collect();
        if std::mem::take(&mut self.diverged) {
            touched.push(0..usize::MAX);
        }
        match damage {
            Damage::Prefix => keep_first(&mut self.synced, &waiting, rng),
            Damage::Sectors => keep_sectors(&mut self.synced, &waiting, rng),
        }
        (&self.synced, touched)
    }
}

impl Change {
    fn apply(&self, to: &mut Vec<u8>) {
        match self {
            Change::Write(at, bytes) => write(to, *at, bytes),
            Change::Resize(length) => to.resize(*length, 0),
        }
    }

    fn range(&self) -> Range<usize> {
        match self {
            Change::Write(at, bytes) => *at..at + bytes.len(),
            Change::Resize(length) => *length..usize::MAX,
        }
    }
}

fn keep_first(synced: &mut Vec<u8>, waiting: &[Change], rng: &mut Rng) {
    let kept = rng.below(waiting.len() as u64 + 1) as usize;
    for change in &waiting[..kept] {
        change.apply(synced);
    }
    if let Some(Change::Write(at, bytes)) = waiting.get(kept) {
        let torn = rng.below(bytes.len() as u64 + 1) as usize;
        write(synced, *at, &bytes[..torn]);
    }
}

fn keep_sectors(synced: &mut Vec<u8>, waiting: &[Change], rng: &mut Rng) {
    // From hardly any to nearly all, since a coin for each sector would always keep about half.
    let chance = 1 + rng.below(15);
    let rubbish = rng.once_in(2);
    let mut kept = synced.clone();
    let mut written = vec![true; kept.len()];
    for change in waiting {
        match change {
            Change::Write(at, bytes) => {
                let mut from = 0;
                while from < bytes.len() {
                    let end = bytes.len().min(((at + from) / SECTOR + 1) * SECTOR - at);
                    if rng.below(16) < chance {
                        write(&mut kept, at + from, &bytes[from..end]);
                        written.resize(kept.len().max(written.len()), false);
                        written[at + from..at + end].fill(true);
                    }
                    from = end;
                }
            }
            Change::Resize(length) if rng.below(16) < chance => {
                kept.resize(*length, 0);
                written.resize(*length, false);
            }
            Change::Resize(_) => {}
        }
    }
    if rubbish {
        for (byte, _) in kept.iter_mut().zip(&written).filter(|(_, written)| !**written) {
            *byte = rng.bits() as u8;
        }
    }
    *synced = kept;
}

fn write(to: &mut Vec<u8>, at: usize, bytes: &[u8]) {
    if bytes.is_empty() {
        return;
    }
    if to.len() < at + bytes.len() {
        to.resize(at + bytes.len(), 0);
    }
    to[at..at + bytes.len()].copy_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOTH: [Damage; 2] = [Damage::Prefix, Damage::Sectors];

    #[test]
    fn what_was_synced_is_there_whatever_the_damage() {
        for (seed, damage) in (0..200).flat_map(|seed| BOTH.map(|damage| (seed, damage))) {
            let mut image = Image::default();
            image.write(0, &[1; 2_000]);
            image.sync();
            image.write(1_000, &[2; 3_000]);
            let (left, _) = image.cut(damage, &mut Rng::new(seed));
            assert!(left.len() >= 2_000 && left[..1_000] == [1; 1_000], "seed {seed}");
            assert!(
                left[1_000..2_000].iter().all(|byte| [1, 2].contains(byte)),
                "seed {seed}"
            );
        }
    }

    #[test]
    fn a_prefix_keeps_the_order_of_writes_and_sectors_do_not() {
        let later_without_earlier = |damage| {
            (0..200).any(|seed| {
                let mut image = Image::synced(vec![0; 1_024]);
                image.write(0, &[1; 512]);
                image.write(512, &[2; 512]);
                let (left, _) = image.cut(damage, &mut Rng::new(seed));
                left[0] == 0 && left[512] == 2
            })
        };
        assert!(!later_without_earlier(Damage::Prefix));
        assert!(later_without_earlier(Damage::Sectors));
    }

    #[test]
    fn what_a_failed_sync_lost_the_next_one_does_not_bring_back() {
        let lost = (0..50).filter(|seed| {
            let mut image = Image::synced(vec![0]);
            image.write(0, &[1]);
            image.fail_sync(&mut Rng::new(*seed));
            image.sync();
            image.cut(Damage::Prefix, &mut Rng::new(0)).0[0] == 0
        });
        assert!((10..40).contains(&lost.count()));
    }
}
