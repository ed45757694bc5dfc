//! Subscriptions, groups and dead letters.

use anyhow::Result;

use crate::binary::{Fleet, Following};

#[test]
fn subscriptions_groups_and_dead_letters_are_shown_to_people_and_to_programs() -> Result<()> {
    let fleet = Fleet::start(&["--amnesia", "--only", "operator,web"])?;
    // Web hears from the operator which processes come and go.
    let log = ["logs", "web", "--follow", "--grep", "subscribed: the source"];
    Following::start(fleet.command(&log))?.next()?;
    let both = fleet.json(&["subscriptions", "operator"])?;
    assert_eq!(both["outgoing"].as_array().map(Vec::len), Some(3), "{both}");
    let shown = fleet.run(&["subscriptions", "operator"])?;
    assert!(
        shown.out.contains("to  web") && shown.out.contains("mesh:joined"),
        "{}",
        shown.out
    );
    let shown = fleet.run(&["subscriptions", "web"])?;
    assert!(
        shown.out.contains("from") && shown.out.contains("mesh:lost"),
        "{}",
        shown.out
    );
    for (args, expected) in [
        (["groups", "operator"].as_slice(), "no groups"),
        (&["dead-letters", "web"], "no dead letters"),
    ] {
        assert_eq!(fleet.run(args)?.out.trim(), expected);
        assert!(!fleet.json(args)?.is_null());
    }
    for (args, code) in [
        (
            ["group", "seek", "operator", "mail", "2h"].as_slice(),
            "GROUP_NOT_FOUND, 404",
        ),
        (&["group", "rm", "operator", "mail"], "GROUP_NOT_FOUND, 404"),
        (&["dead-letter", "show", "web", "x"], "DEAD_LETTER_NOT_FOUND, 404"),
        (&["dead-letter", "redrive", "web", "x"], "DEAD_LETTER_NOT_FOUND, 404"),
        (&["dead-letter", "edit", "web", "x", "1"], "DEAD_LETTER_NOT_FOUND, 404"),
        (&["dead-letter", "rm", "web", "x"], "DEAD_LETTER_NOT_FOUND, 404"),
    ] {
        let ran = fleet.run(args)?;
        assert!(ran.code == Some(1) && ran.err.contains(code), "{args:?}: {ran:?}");
    }
    Ok(())
}
