//! Which of several gets a caller: by their weights, and the same one for the same caller.

/// A number for a text or an address, the same in every process and for ever (FNV-1a, 64 bits).
///
/// ```
/// use syscall_sdk::policy::mark;
/// assert_eq!(mark(b"user/7"), mark(b"user/7"));
/// assert_ne!(mark(b"user/7"), mark(b"user/8"));
/// ```
pub const fn mark(bytes: &[u8]) -> u64 {
    let mut hash = 0xCBF2_9CE4_8422_2325_u64;
    let mut at = 0;
    while at < bytes.len() {
        hash = (hash ^ bytes[at] as u64).wrapping_mul(0x0000_0100_0000_01B3);
        at += 1;
    }
    hash
}

/// How much one of several is a caller's own: whoever has most gets them, and who has next most where that one is down.
///
/// Weighted rendezvous hashing (Schindler and Wang, "Weighted distributed hash tables", 2005): each has callers by its weight, and a
/// weight that changes moves those callers alone who must move. What has no weight gets nobody: `None`.
pub fn claim(caller: u64, name: &str, weight: u32) -> Option<f64> {
    if weight == 0 {
        return None;
    }
    let mixed = mix(caller ^ mix(mark(name.as_bytes())));
    // The upper 53 bits as a number between 0 and 1, without either end.
    let drawn = ((mixed >> 11) as f64 + 0.5) / (1_u64 << 53) as f64;
    Some(f64::from(weight) / -drawn.ln())
}

/// The finalizer of SplitMix64: every bit of the input moves half of those of the output.
const fn mix(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NAMES: [&str; 3] = ["blue", "green", "red"];
    const CALLERS: u64 = 20_000;

    fn chosen(caller: u64, weights: &[u32]) -> Option<&'static str> {
        let claims = NAMES
            .iter()
            .zip(weights)
            .filter_map(|(name, weight)| Some((*name, claim(caller, name, *weight)?)));
        claims
            .max_by(|left, right| left.1.total_cmp(&right.1))
            .map(|(name, _)| name)
    }

    fn caller(salt: u64, number: u64) -> u64 {
        mark(format!("user:{salt}-{number}").as_bytes())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn each_has_callers_by_its_weight(salt in any::<u64>(), first in 0u32..=100, second in 0u32..=100) {
            prop_assume!(first + second <= 100);
            let weights = [first, second, 100 - first - second];
            for (name, weight) in NAMES.iter().zip(weights) {
                let count = (0..CALLERS).filter(|number| chosen(caller(salt, *number), &weights) == Some(name)).count();
                let (share, wanted) = (count as f64 / CALLERS as f64, f64::from(weight) / 100.0);
                // Five standard deviations of a share of 20,000 are under 1.8 %.
                prop_assert!((share - wanted).abs() < 0.018, "{} of {:?} has {}", name, weights, share);
                prop_assert!(weight > 0 || count == 0, "what has no weight gets nobody");
            }
        }

        #[test]
        fn a_weight_that_grows_takes_callers_and_moves_nobody_else(salt in any::<u64>(), before in 0u32..=90, more in 1u32..=10) {
            let weights = |green: u32| [100 - green, green];
            for number in 0..2_000 {
                let caller = caller(salt, number);
                let (was, is) = (chosen(caller, &weights(before)), chosen(caller, &weights(before + more)));
                prop_assert_eq!(chosen(caller, &weights(before)), was, "the same caller has the same one");
                prop_assert!(was == is || (was, is) == (Some("blue"), Some("green")), "{:?} {:?}", was, is);
            }
        }
    }
}
