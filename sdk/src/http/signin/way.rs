//! Where a person goes after they have signed in: a path of this host, and nothing that a browser could take for another's.

/// Where they go unless they came from somewhere.
const DEFAULT: &str = "/";
/// Longest way, in bytes: a page's address with its whole state, and the provider carries no more than 1,024 bytes of ours.
const MAX_BYTES: usize = 600;

/// The way that a link names, or the usual one.
pub(super) fn of(named: Option<&str>) -> String {
    named.filter(|path| is_local(path)).unwrap_or(DEFAULT).to_owned()
}

/// Whether a text is a path of this host. Browsers read `//host` and `/\host` as another host, and pass over control characters while
/// they do. Back to these very routes nobody is led: that would go round for ever.
fn is_local(path: &str) -> bool {
    path.starts_with('/')
        && !path.starts_with("//")
        && !path.contains('\\')
        && path.len() <= MAX_BYTES
        && path.bytes().all(|byte| byte.is_ascii_graphic())
        && !path.starts_with("/auth/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_sent_to_another_host() {
        for good in ["/", "/services/core?q=%2F%2Fevil&range=1h", "/a//b"] {
            assert_eq!(of(Some(good)), good);
        }
        for bad in [
            "",
            "services",
            "//evil.example",
            "/\\evil.example",
            "\\/evil.example",
            "https://evil.example/",
            "javascript:alert(1)",
            "/\t/evil.example",
            "/a\r\nlocation: x",
            "/ä",
            "/auth/login?to=/",
            &format!("/{}", "a".repeat(MAX_BYTES)),
        ] {
            assert_eq!(of(Some(bad)), DEFAULT, "{bad}");
        }
        assert_eq!(of(None), DEFAULT);
    }
}
