use proptest::prelude::*;

use super::super::{Need, Of, Pattern, Right, Rights, Word};
use super::{Fleet, narrowing};

fn right(text: &str) -> Right {
    text.parse().unwrap()
}

#[test]
fn rights_are_read_and_printed() {
    for text in [
        "rpc core getUserById",
        "rpc core *",
        "rpc * mesh.*",
        "event emit user:*",
        "event@core read *",
        "job create send-email",
        "state read orders/",
        "state write orders/7",
        "state@core write *",
        "logs read",
        "admin",
        "admin@core",
    ] {
        assert_eq!(right(text).to_string(), text);
    }
    assert_eq!(right("job read"), right("job read *"));
    assert_eq!(right("rpc core"), right("rpc core *"));
    assert_eq!(right("state read orders/*").to_string(), "state read orders/");
}

#[test]
fn what_is_no_right_is_refused_with_those_that_there_are() {
    for text in [
        "",
        "rpc",
        "read",
        "state",
        "state steal a/",
        "logs read all",
        "rpc Core x",
        "event@ read",
        "a\nb",
    ] {
        assert!(text.parse::<Right>().is_err(), "{text:?}");
    }
    let error = "state steal".parse::<Right>().unwrap_err();
    assert!(error.message().contains("state read, state write"), "{error}");
}

#[test]
fn a_prefix_of_keys_never_touches_a_neighbour() {
    let orders = right("state read orders/");
    assert!(orders.covers(&right("state read orders/7")) && orders.covers(&right("state read orders/7/")));
    assert!(!orders.covers(&right("state read orders")) && !orders.covers(&right("state read orders2/7")));
    assert!(!orders.covers(&right("state read *")) && !orders.covers(&right("state write orders/7")));
}

#[test]
fn no_name_in_a_request_is_taken_for_a_pattern() {
    let rights = Rights::parse(&["event emit user:a"]).unwrap();
    assert!(rights.allow(&Need::one(Word::EventEmit, "user:a"), "core"));
    assert!(!rights.allow(&Need::one(Word::EventEmit, "user:*"), "core"));
    let rights = Rights::parse(&["event emit user:*"]).unwrap();
    assert!(rights.allow(&Need::one(Word::EventEmit, "user:*"), "core"));
    assert!(!rights.allow(&Need::filtered(Word::EventEmit, Some("use*")), "core"));
    assert!(!rights.allow(&Need::filtered(Word::EventEmit, None), "core"));
}

#[test]
fn admin_covers_everything_where_it_is_valid_and_nothing_covers_it() {
    for word in Word::ALL {
        assert!(right("admin").covers(&Right::all(*word)), "{word}");
        assert!(right("admin@core").covers(&Right::all(*word).at("core")), "{word}");
        assert!(!right("admin@core").covers(&Right::all(*word).at("api")), "{word}");
        assert!(
            *word == Word::Admin || !Right::all(*word).covers(&right("admin")),
            "{word}"
        );
    }
}

pub(super) fn some_right() -> impl Strategy<Value = Right> {
    let at = prop_oneof![Just(None), Just(Some("core".to_owned())), Just(Some("api".to_owned()))];
    // Few letters, so that prefixes of one another are common.
    let text = "[ab/:]{1,4}";
    let pattern = prop_oneof![
        Just(Pattern::All),
        text.prop_map(Pattern::Prefix),
        text.prop_map(Pattern::Exact),
    ];
    (0..Word::ALL.len(), at, pattern).prop_map(|(word, at, pattern)| {
        let word = Word::ALL[word];
        let pattern = match (word.of(), pattern) {
            (Of::Nothing, _) => Pattern::All,
            // A key that ends so is written as a prefix.
            (Of::Key, Pattern::Exact(key)) if key.ends_with(['/', ':']) => Pattern::Prefix(key),
            (_, pattern) => pattern,
        };
        Right { word, at, pattern }
    })
}

proptest! {
    #[test]
    fn a_right_reads_back_as_it_was_printed(right in some_right()) {
        prop_assert_eq!(right.to_string().parse::<Right>().unwrap(), right);
    }

    #[test]
    fn covering_is_reflexive(right in some_right()) {
        prop_assert!(right.covers(&right));
    }

    #[test]
    fn covering_is_transitive(rights in proptest::array::uniform3(some_right())) {
        let [a, b, c] = rights;
        prop_assert!(!(a.covers(&b) && b.covers(&c)) || a.covers(&c), "{} {} {}", a, b, c);
    }

    #[test]
    fn who_covers_a_right_allows_what_it_allows(a in some_right(), b in some_right(), name in "[ab/:]{1,5}") {
        let need = Need::one(b.word, &name);
        let allows = |right: &Right| Rights::new([right.clone()]).allow(&need, "core");
        prop_assert!(!(a.covers(&b) && allows(&b)) || allows(&a), "{} {} {}", a, b, name);
    }

    #[test]
    fn text_that_may_be_anything_never_panics(text in "\\PC{0,40}") {
        let _ = text.parse::<Right>();
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn narrowing_never_widens(
        own in proptest::collection::vec(some_right(), 1..4),
        asked in proptest::collection::vec(some_right(), 1..4),
        probes in proptest::collection::vec((some_right(), "[ab/:]{1,5}"), 1..8),
    ) {
        let fleet = Fleet::new();
        let texts = |rights: &[Right]| rights.iter().map(ToString::to_string).collect::<Vec<_>>();
        let own_texts = texts(&own);
        let own_texts: Vec<&str> = own_texts.iter().map(String::as_str).collect();
        let holder = fleet.holder("service:api", &["core", "api"], &own_texts);
        let wanted = super::super::Narrowing { rights: Rights::new(asked.clone()), ..narrowing(&["core"], &[]) };
        let verifier = fleet.verifier("core");
        match holder.narrow(&wanted, fleet.now()) {
            Err(_) => prop_assert!(asked.iter().any(|right| !holder.rights().cover(right))),
            Ok(token) => {
                let principal = verifier.verify(&token).unwrap();
                for (probe, name) in &probes {
                    let need = Need::one(probe.word, name);
                    prop_assert!(!principal.may(&need, "core") || holder.rights().allow(&need, "core"), "{} {}", probe, name);
                }
            }
        }
    }
}
