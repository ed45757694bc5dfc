//! What is refused, and by whom.

use anyhow::Result;

use super::start;
use crate::binary::blackroad;

#[test]
fn a_refusal_says_whose_it_is_and_what_to_do() -> Result<()> {
    let fleet = start()?;
    let refusals: [(&[&str], &str); 8] = [
        (
            &["call", "core", "getUserById", r#"{"id":"7"}"#],
            "core's handler says no",
        ),
        (&["call", "core", "nope"], "`blackroad call core` lists its methods"),
        (
            &["call", "core", "listUsers", "{"],
            "is no JSON; quote it for the shell",
        ),
        (&["health", "cor"], "Unknown service: cor; there are operator, core"),
        (&["health", "web"], "left out by --only"),
        (&["job", "show", "core", "nope"], "`blackroad jobs core` lists its jobs"),
        (
            &["trace", "core", "0af7651916cd43dd8448eb211c80319c"],
            "`blackroad traces core` lists the latest",
        ),
        (&["events", "core", "--since", "yesterday"], "or an age such as 15m"),
    ];
    for (args, expected) in refusals {
        let ran = fleet.run(args)?;
        assert_eq!(ran.code, Some(1), "{args:?}: {ran:?}");
        assert!(
            ran.err.starts_with("error: ") && ran.err.contains(expected),
            "{args:?}: {}",
            ran.err
        );
        assert_eq!(ran.out, "", "{args:?}");
    }
    let nobody = std::net::TcpListener::bind(("127.0.0.1", 0))?
        .local_addr()?
        .port()
        .to_string();
    for args in [&["ps"][..], &["health"], &["events", "core"], &["call", "core", "x"]] {
        let ran = blackroad(&[&["--port", &nobody], args].concat()).output()?;
        let said = String::from_utf8(ran.stderr)?;
        assert_eq!(ran.status.code(), Some(1));
        assert!(said.contains("start one with `blackroad up`"), "{args:?}: {said}");
    }
    Ok(())
}
