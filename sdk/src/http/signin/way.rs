//! Where a person goes after they have signed in at a service.

use crate::http::way;

/// Where they go unless they came from somewhere.
const DEFAULT: &str = "/";
/// Longest way, in bytes: a page's address with its whole state, and the provider carries no more than 1,024 bytes of ours.
const MAX_BYTES: usize = 600;

/// The way that a link names, or the usual one. Back to these very routes nobody is led: that would go round for ever.
pub(super) fn of(named: Option<&str>) -> String {
    named
        .and_then(|named| way::local(named, MAX_BYTES))
        .filter(|path| !path.starts_with("/auth/"))
        .unwrap_or(DEFAULT)
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_sent_to_another_host() {
        let good = "/services/core?q=%2F%2Fevil&range=1h";
        assert_eq!(of(Some(good)), good);
        let long = format!("/{}", "a".repeat(MAX_BYTES));
        for bad in ["//evil.example", "/auth/login?to=/", &long] {
            assert_eq!(of(Some(bad)), DEFAULT, "{bad}");
        }
        assert_eq!(of(None), DEFAULT);
    }
}
