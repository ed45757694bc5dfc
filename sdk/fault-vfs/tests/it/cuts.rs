//! Power cuts by the thousand, and disks that lie, which the same lives must notice.

use fault_vfs::Lie;

use crate::life::{MAKING, World, lives};

/// Stores that are followed from their making, and lives of each: together so many power cuts.
const STORES: u64 = 60;
const LIVES: u64 = 40;
/// A new store's first moments, in which its file is made and renamed into place.
const BIRTHS: u64 = 400;
/// Seeds of a lie.
const LIES: u64 = 20;
/// How many of them must be noticed, at least. Names are few, so that a life must end near the making of one.
const NOTICED: u64 = 5;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().expect("a number"))
}

/// The seeds to run: those that are asked for, or as many as there is time for.
fn seeds(many: u64) -> std::ops::Range<u64> {
    match number("POWER_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("POWER_RUNS").unwrap_or(many),
    }
}

fn run<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.expect("a runtime").block_on(work)
}

#[test]
fn after_a_power_cut_everything_acknowledged_is_there_and_nothing_by_halves() {
    let (mut cuts, mut acknowledged) = (0, 0);
    for seed in seeds(STORES) {
        let world = run(lives(World::new(seed), LIVES, None)).unwrap_or_else(|why| panic!("{why}"));
        cuts += world.cuts;
        acknowledged += world.acknowledged;
    }
    println!("{cuts} power cuts, {acknowledged} acknowledged commits, none lost");
    assert!(acknowledged > cuts, "hardly anything was acknowledged");
}

#[test]
fn a_store_whose_making_is_cut_off_is_there_whole_or_not_at_all() {
    for seed in seeds(BIRTHS).map(|seed| seed + 1_000_000) {
        let mut world = World::new(seed);
        world.within = MAKING;
        run(lives(world, 2, None)).unwrap_or_else(|why| panic!("{why}"));
    }
}

#[test]
fn an_even_seed_does_the_same_each_time() {
    let run = |seed| {
        let world = run(lives(World::new(seed), 15, None)).unwrap_or_else(|why| panic!("{why}"));
        (world.acknowledged, world.disk.operations(), world.disk.syncs())
    };
    assert_eq!(run(1_000), run(1_000));
}

#[test]
fn a_disk_that_does_not_sync_is_found_out() {
    for lie in [Lie::Files, Lie::Names] {
        let noticed = (0..LIES).filter_map(|seed| run(lives(World::new(seed), LIVES, Some(lie))).err());
        let noticed: Vec<String> = noticed.collect();
        assert!(
            noticed.len() as u64 >= NOTICED,
            "{lie:?} was noticed {} times",
            noticed.len()
        );
        println!("{lie:?}: {}", noticed[0]);
    }
}
