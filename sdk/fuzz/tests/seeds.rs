//! The corpus that is kept, and mutations of it, through every target.

#![expect(clippy::disallowed_methods, reason = "tests read the seed that they are given")]

use std::path::PathBuf;

use blackroad_fuzz::TARGETS;

/// Mutations of each corpus.
const MUTATIONS: usize = 2_000;

fn corpus(target: &str) -> Vec<Vec<u8>> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
    let files = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<PathBuf> = files
        .map(|file| file.expect("a folder is read to its end").path())
        .collect();
    paths.sort();
    let read = |path| std::fs::read(path).expect("a file of the corpus is read");
    paths.into_iter().map(read).collect()
}

/// A small generator (xorshift64*, Vigna 2016), so that a seed gives the same inputs on every machine.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u32 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 32) as u32
    }

    fn below(&mut self, most: usize) -> usize {
        self.next() as usize % most.max(1)
    }
}

fn mutate(dice: &mut Dice, corpus: &[Vec<u8>]) -> Vec<u8> {
    let mut input = corpus[dice.below(corpus.len())].clone();
    for _ in 0..=dice.below(4) {
        let at = dice.below(input.len());
        match dice.below(5) {
            0 if !input.is_empty() => input[at] ^= 1 << dice.below(8),
            1 if !input.is_empty() => drop(input.remove(at)),
            2 => input.insert(at, dice.next() as u8),
            3 => input.truncate(at),
            _ => {
                let other = &corpus[dice.below(corpus.len())];
                input.truncate(at);
                input.extend_from_slice(&other[dice.below(other.len())..]);
            }
        }
    }
    input
}

#[test]
fn every_target_holds_for_its_corpus() {
    for (name, target) in TARGETS {
        let corpus = corpus(name);
        assert!(!corpus.is_empty(), "{name} has no corpus");
        for input in &corpus {
            println!("{name}: {}", String::from_utf8_lossy(input));
            target(input);
        }
    }
}

#[test]
fn every_target_holds_for_mutations_of_its_corpus() {
    let seed = std::env::var("FUZZ_SEED").map_or(0x5EED, |seed| seed.parse().expect("FUZZ_SEED is a number"));
    println!("FUZZ_SEED={seed}");
    for (name, target) in TARGETS {
        let corpus = corpus(name);
        let mut dice = Dice(seed);
        for _ in 0..MUTATIONS {
            let input = mutate(&mut dice, &corpus);
            println!("{name}: {:?}", String::from_utf8_lossy(&input));
            target(&input);
        }
    }
}
