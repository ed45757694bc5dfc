//! Calls that a service makes in the name of somebody who has no token of the fleet's own.

use proptest::prelude::*;

use super::super::{Minter, Narrowing, Need, Principal, Purpose, Rights, SigningKey, Word};
use super::rights::some_right;
use super::{Credential, Fleet, Holder, code, narrowing};

const GATEWAY: [&str; 4] = ["rpc core getUser*", "rpc os *", "event read *", "speak user/*"];

fn somebody(subject: &str, rights: &[&str]) -> Principal {
    Principal {
        subject: subject.to_owned(),
        by: None,
        audience: vec!["*".to_owned()],
        rights: Rights::parse(rights).unwrap(),
        issued_at: 0,
        expires_at: u64::MAX,
        lasts_until: u64::MAX,
        tokens: vec![],
        keys: vec![],
        holder: None,
    }
}

fn minter(fleet: &Fleet) -> Minter {
    let holder = fleet.holder("service:api", &["core", "os"], &GATEWAY);
    Minter::new(Credential::Holder(Box::new(holder)), fleet.clock.clone()).unwrap()
}

fn shown(minter: &Minter, callee: &str, purpose: Purpose<'_>, whom: &Principal) -> Result<String, String> {
    let header = minter
        .speak(callee, purpose, whom)
        .map_err(|error| error.code().to_owned())?;
    Ok(header
        .unwrap()
        .to_str()
        .unwrap()
        .strip_prefix("Bearer ")
        .unwrap()
        .to_owned())
}

#[test]
fn a_callee_learns_for_whom_and_by_whom_and_that_it_may_this_one_thing() {
    let fleet = Fleet::new();
    let (minter, ada) = (minter(&fleet), somebody("user/7/key/9", &["admin"]));
    let token = shown(&minter, "core", Purpose::Method("getUserById"), &ada).unwrap();
    let seen = fleet.verifier("core").verify(&token).unwrap();
    assert_eq!(
        (seen.subject.as_str(), seen.by.as_deref()),
        ("user/7/key/9", Some("service:api"))
    );
    assert_eq!((seen.person(), seen.service()), (Some("7"), None));
    assert_eq!(seen.rights.texts(), ["rpc core getUserById"]);
    assert_eq!(code(&fleet.verifier("os"), &token), "TOKEN_AUDIENCE");
    let again = shown(&minter, "core", Purpose::Method("getUserById"), &ada).unwrap();
    assert_eq!(token, again, "it is signed once for some calls");
    fleet.clock.advance(std::time::Duration::from_secs(26));
    let later = shown(&minter, "core", Purpose::Method("getUserById"), &ada).unwrap();
    assert_ne!(token, later);
    fleet.clock.advance(std::time::Duration::from_secs(65));
    assert_eq!(code(&fleet.verifier("core"), &token), "TOKEN_EXPIRED");
}

#[test]
fn what_either_of_them_may_not_is_not_signed() {
    let fleet = Fleet::new();
    let minter = minter(&fleet);
    let method = |name| Purpose::Method(name);
    let (ada, admin) = (somebody("user/7", &["rpc os ps"]), somebody("user/8", &["admin"]));
    assert_eq!(shown(&minter, "os", method("kill"), &ada), Err("FORBIDDEN".to_owned()));
    assert_eq!(
        shown(&minter, "core", method("setPassword"), &admin),
        Err("NOT_SPOKEN_FOR".to_owned())
    );
    assert_eq!(
        shown(&minter, "os", Purpose::Of(Word::StateRead), &admin),
        Err("NOT_SPOKEN_FOR".to_owned())
    );
    let reader = somebody("user/7", &["event read order:*", "state read *"]);
    let token = shown(&minter, "os", Purpose::Of(Word::EventRead), &reader).unwrap();
    let seen = fleet.verifier("os").verify(&token).unwrap();
    assert_eq!(seen.rights.texts(), ["event@os read order:*"]);
    // Nobody comes by what was signed for another, though both calls are for the same method.
    let seen = |whom| {
        fleet
            .verifier("os")
            .verify(&shown(&minter, "os", method("ps"), whom).unwrap())
            .unwrap()
    };
    assert_eq!(
        (seen(&ada).subject.as_str(), seen(&admin).subject.as_str()),
        ("user/7", "user/8")
    );
}

#[test]
fn nobody_speaks_for_a_service_nor_without_the_right_to() {
    let fleet = Fleet::new();
    let now = fleet.now();
    let all = fleet.holder("service:api", &["core"], &["admin"]);
    let plain = fleet.holder("service:web", &["core"], &["rpc core *", "speak@os user/*"]);
    let call = narrowing(&["core"], &["rpc core getUser"]);
    assert!(all.speak_for("user/7", &call, now).is_ok());
    assert!(all.speak_for("service:core", &call, now).is_err());
    assert!(plain.speak_for("user/7", &call, now).is_err(), "it may at os alone");
    let gateway = fleet.holder("service:api", &["core"], &["rpc core *", "speak user/*"]);
    assert!(gateway.speak_for("owner", &call, now).is_err());
    assert!(
        gateway
            .speak_for("user/7", &narrowing(&["core"], &["logs read"]), now)
            .is_err()
    );
}

/// A link that is signed by its parent's holder, who follows no rule of ours.
fn forged(fleet: &Fleet, holder_rights: &[&str], change: impl FnOnce(&mut serde_json::Value)) -> String {
    let key = SigningKey::generate().unwrap();
    let grant = super::Grant {
        holder: Some(key.public()),
        ..super::grant("service:api", &["core"], holder_rights)
    };
    let token = super::sign_first(&fleet.root, &grant, fleet.now()).unwrap();
    let mut claims = serde_json::json!({
        "iss": "service:api", "sub": "user/7", "aud": "core", "iat": fleet.now(), "exp": fleet.now() + 60, "jti": "x",
        "cap": ["rpc core getUser"], "parent": token, "act": { "sub": "service:api" },
    });
    change(&mut claims);
    super::super::token::sign(&key, None, "JWT", &claims).unwrap()
}

#[test]
fn a_link_that_names_another_is_taken_from_who_may_speak_and_in_that_form_alone() {
    let fleet = Fleet::new();
    let speaker = ["rpc core *", "speak user/*"];
    let seen = |rights: &[&str], change: fn(&mut serde_json::Value)| {
        code(&fleet.verifier("core"), &forged(&fleet, rights, change))
    };
    assert_eq!(seen(&speaker, |_| {}), "let in as user/7");
    assert_eq!(seen(&["rpc core *"], |_| {}), "TOKEN_INVALID");
    assert_eq!(seen(&["rpc core *", "speak client:*"], |_| {}), "TOKEN_INVALID");
    assert_eq!(
        seen(&["admin"], |claims| claims["sub"] = "service:core".into()),
        "TOKEN_INVALID"
    );
    assert_eq!(
        seen(&speaker, |claims| claims["act"]["sub"] = "service:core".into()),
        "TOKEN_INVALID"
    );
    assert_eq!(
        seen(&speaker, |claims| claims["act"] = serde_json::Value::Null),
        "TOKEN_INVALID"
    );
    assert_eq!(
        seen(&speaker, |claims| claims["iss"] = "user/7".into()),
        "TOKEN_INVALID"
    );
}

#[test]
fn who_is_spoken_for_speaks_for_nobody() {
    let fleet = Fleet::new();
    let gateway = fleet.holder("service:api", &["core"], &["rpc core *", "speak *"]);
    let key = SigningKey::generate().unwrap();
    let held = Narrowing {
        holder: Some(key.public()),
        ..narrowing(&["core"], &["rpc core *", "speak *"])
    };
    let token = gateway.speak_for("user/7", &held, fleet.now()).unwrap();
    let held = Holder::new(token, key).unwrap();
    let call = narrowing(&["core"], &["rpc core getUser"]);
    let own = held.narrow(&call, fleet.now()).unwrap();
    assert_eq!(code(&fleet.verifier("core"), &own), "let in as user/7");
    let other = held.speak_for("user/8", &call, fleet.now()).unwrap();
    assert_eq!(code(&fleet.verifier("core"), &other), "TOKEN_INVALID");
}

proptest! {
    #[test]
    fn what_both_allow_is_what_each_of_them_allows(
        one in proptest::collection::vec(some_right(), 0..4),
        other in proptest::collection::vec(some_right(), 0..4),
        probes in proptest::collection::vec((some_right(), "[ab/:]{1,5}"), 1..8),
    ) {
        let (one, other) = (Rights::new(one), Rights::new(other));
        for (probe, name) in &probes {
            let need = Need::one(probe.word, name);
            let each = one.allow(&need, "core") && other.allow(&need, "core");
            prop_assert_eq!(one.meet(&other, None, "core").allow(&need, "core"), each, "{} {}", probe, name);
            let of_word = one.meet(&other, Some(probe.word), "core");
            prop_assert_eq!(of_word.allow(&need, "core"), each, "{} {}", probe, name);
            prop_assert!(of_word.iter().all(|right| right.word == probe.word && right.at.as_deref() == Some("core")));
        }
    }
}
