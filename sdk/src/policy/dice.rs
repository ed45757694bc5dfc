use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Random numbers for picks and waits: fast, shared without a lock, and the same again from the same seed. Nothing secret may hang on them.
///
/// ```
/// use syscall_sdk::policy::Dice;
/// let (one, other) = (Dice::new(7), Dice::new(7));
/// assert_eq!(one.roll(), other.roll());
/// assert!(one.below(3) < 3);
/// ```
///
/// SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", OOPSLA 2014). Cheap to clone; clones share the state.
#[derive(Clone, Debug)]
pub struct Dice(Arc<AtomicU64>);

impl Dice {
    /// The numbers that follow from a seed.
    pub fn new(seed: u64) -> Self {
        Dice(Arc::new(AtomicU64::new(seed)))
    }

    /// From a seed of its own.
    pub fn seeded() -> Self {
        Self::new(uuid::Uuid::new_v4().as_u64_pair().0)
    }

    /// Any number.
    pub fn roll(&self) -> u64 {
        const GAMMA: u64 = 0x9E37_79B9_7F4A_7C15;
        let mut z = self.0.fetch_add(GAMMA, Ordering::Relaxed).wrapping_add(GAMMA);
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number in `0..end`; 0 where `end` is 0.
    pub fn below(&self, end: usize) -> usize {
        // Lemire's multiplication: the bias is below 2⁻⁶⁴ × end.
        ((u128::from(self.roll()) * end as u128) >> 64) as usize
    }

    /// A number in `0.0..1.0`.
    pub fn unit(&self) -> f64 {
        (self.roll() >> 11) as f64 / (1u64 << 53) as f64
    }
}
