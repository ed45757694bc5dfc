//! Where a person goes after they have signed in: a path of this host, and nothing that a browser could take for another's.

/// Where they go unless they came from somewhere.
const DEFAULT: &str = "/account";
/// Longest way back, in bytes: an authorization request with everything in it.
const MAX_BYTES: usize = 4_096;

/// The way back that a link names, or the usual one.
pub(crate) fn of(named: Option<&str>) -> String {
    named.filter(|path| is_local(path)).unwrap_or(DEFAULT).to_owned()
}

/// Whether a text is a path of this host. Browsers read `//host` and `/\host` as another host, and pass over control characters while
/// they do.
fn is_local(path: &str) -> bool {
    let mut bytes = path.bytes();
    bytes.next() == Some(b'/')
        && bytes.next() != Some(b'/')
        && path.len() <= MAX_BYTES
        && !path.contains('\\')
        && path.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_sent_to_another_host() {
        for good in ["/", "/account", "/oauth/authorize?client_id=console&state=a%2Fb"] {
            assert_eq!(of(Some(good)), good);
        }
        for bad in [
            "",
            "account",
            "//evil.example",
            "/\\evil.example",
            "\\/evil.example",
            "https://evil.example/",
            "javascript:alert(1)",
            "/\t/evil.example",
            "/a\r\nLocation: x",
            "/ä",
            &format!("/{}", "a".repeat(5_000)),
        ] {
            assert_eq!(of(Some(bad)), DEFAULT, "{bad}");
        }
        assert_eq!(of(None), DEFAULT);
    }
}
