//! `blackroad why`: a story to people and to programs, asked of one service and of all.

use anyhow::{Context as _, Result};

use crate::binary::Fleet;

#[test]
fn why_finds_who_has_an_id_and_tells_its_story() -> Result<()> {
    let fleet = Fleet::start(&["--amnesia", "--only", "operator,core"])?;
    let job = fleet.json(&["job", "create", "operator", "sweep-roster", "--delay", "1h"])?;
    let id = job["id"].as_str().context("an id")?;
    // Nobody says whose it is.
    let told = fleet.run(&["why", id])?;
    assert_eq!(told.code, Some(0), "{told:?}");
    assert!(
        told.out.starts_with(&format!("sweep-roster job {id} in operator\n")),
        "{}",
        told.out
    );
    for part in ["created, to run at ", "now ", "It is not due yet. until "] {
        assert!(told.out.contains(part), "{part:?} is not in {}", told.out);
    }
    assert!(!told.out.contains('\u{1b}'), "escapes to no terminal: {}", told.out);
    let found = fleet.json(&["why", id])?;
    assert_eq!(found["operator"]["waits"][0]["code"], "time");
    let one = fleet.json(&["why", id, "--service", "operator"])?;
    assert_eq!(one, found["operator"]);

    let unknown = fleet.run(&["why", "nope"])?;
    assert_eq!(unknown.code, Some(1));
    assert!(
        unknown.err.contains("no service has anything of the id \"nope\"")
            && unknown.err.contains("did not answer and may have it"),
        "{}",
        unknown.err
    );
    let elsewhere = fleet.run(&["why", id, "--service", "core"])?;
    assert!(
        elsewhere.code == Some(1) && elsewhere.err.contains("ID_NOT_FOUND, 404"),
        "{elsewhere:?}"
    );

    fleet.run(&["job", "cancel", "operator", id])?;
    let told = fleet.run(&["why", id])?;
    assert!(told.out.contains("sweep-roster was cancelled."), "{}", told.out);
    Ok(())
}
