//! Where a person goes after they have signed in at core.

use syscall_sdk::http::way;

/// Where they go unless they came from somewhere.
const DEFAULT: &str = "/account";
/// Longest way back, in bytes: an authorization request with everything in it.
const MAX_BYTES: usize = 4_096;

/// The way back that a link names, or the usual one.
pub(crate) fn of(named: Option<&str>) -> String {
    let way = named.and_then(|named| way::local(named, MAX_BYTES));
    way.unwrap_or(DEFAULT).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_sent_to_another_host() {
        let good = "/oauth/authorize?client_id=console&state=a%2Fb";
        assert_eq!(of(Some(good)), good);
        for bad in ["//evil.example", &format!("/{}", "a".repeat(5_000))] {
            assert_eq!(of(Some(bad)), DEFAULT, "{bad}");
        }
        assert_eq!(of(None), DEFAULT);
    }
}
