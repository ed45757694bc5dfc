//! With how many of a key a job may run, as its creator says it.

use crate::error::{Error, Result};
use crate::store::Concurrency;
use crate::wire::CreateJob;

/// Longest key of concurrency, in bytes: as long as a unique key.
const KEY_MAX_BYTES: usize = 512;
/// Most jobs of one key that may run at a time: as many as sixteen replicas run at once at all. Beyond it there is no need for a key, and
/// each claim counts those that run.
const LIMIT_MAX: u32 = 1_024;

/// The key and the limit of a job that is to be made; 1 unless said.
///
/// # Errors
/// `INVALID_ARGUMENT` where there is a limit without a key, or either is out of bounds.
pub(super) fn concurrency(create: &CreateJob) -> Result<Option<Concurrency>> {
    let Some(key) = &create.concurrency_key else {
        return match create.concurrency_limit {
            None => Ok(None),
            Some(_) => Err(Error::invalid(
                "concurrencyLimit is of a concurrencyKey; give the key that the jobs share, or leave the limit to the job's contract",
            )),
        };
    };
    if key.is_empty() || key.len() > KEY_MAX_BYTES {
        return Err(Error::invalid(format!("concurrencyKey is 1 to {KEY_MAX_BYTES} bytes")));
    }
    let limit = create.concurrency_limit.unwrap_or(1);
    if !(1..=LIMIT_MAX).contains(&limit) {
        return Err(Error::invalid(format!("concurrencyLimit is 1 to {LIMIT_MAX}")));
    }
    Ok(Some(Concurrency {
        key: key.clone(),
        limit,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(key: Option<&str>, limit: Option<u32>) -> Result<Option<(String, u32)>> {
        let create = CreateJob {
            concurrency_key: key.map(str::to_owned),
            concurrency_limit: limit,
            ..CreateJob::default()
        };
        Ok(concurrency(&create)?.map(|of| (of.key, of.limit)))
    }

    #[test]
    fn a_key_lets_one_run_unless_a_limit_is_said() {
        assert_eq!(said(None, None).expect("it fits"), None);
        assert_eq!(said(Some("k"), None).expect("it fits"), Some(("k".to_owned(), 1)));
        assert_eq!(said(Some("k"), Some(7)).expect("it fits"), Some(("k".to_owned(), 7)));
    }

    #[test]
    fn a_limit_without_a_key_and_what_is_out_of_bounds_is_refused() {
        let long = "k".repeat(KEY_MAX_BYTES + 1);
        for (key, limit, field) in [
            (None, Some(1), "concurrencyLimit"),
            (Some(""), None, "concurrencyKey"),
            (Some(&*long), None, "concurrencyKey"),
            (Some("k"), Some(0), "concurrencyLimit"),
            (Some("k"), Some(LIMIT_MAX + 1), "concurrencyLimit"),
        ] {
            let refused = said(key, limit).expect_err("it does not fit");
            assert!(refused.message().starts_with(field), "{}", refused.message());
        }
    }
}
