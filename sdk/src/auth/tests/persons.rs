//! What a service asks for in a person's name: what both may do, and who it is for.

use http::HeaderValue;

use super::super::{Access, Caller, Credential, Gate, Minter, Principal, Purpose, Rights, Word};
use super::Fleet;
use crate::config::Secret;

impl Fleet {
    fn minter(&self, rights: &[&str]) -> Minter {
        let holder = self.holder("service:console", &["core", "api"], rights);
        Minter::new(Credential::Holder(Box::new(holder)), self.clock.clone()).unwrap()
    }
}

fn person(rights: &[&str]) -> Principal {
    Principal::of_person("7", Rights::parse(rights).unwrap(), 0, u64::MAX)
}

fn shown(header: Option<HeaderValue>) -> Secret {
    Secret::new(
        header
            .expect("the service holds a token that is good there")
            .to_str()
            .unwrap(),
    )
}

/// Asks core's gate with what is shown.
fn let_in(fleet: &Fleet, shown: &Secret, access: &Access) -> Result<Caller, String> {
    let gate = Gate::guarded("core", fleet.verifier("core"));
    let mut caller = Caller {
        credential: Some(shown.clone()),
        ..Caller::default()
    };
    gate.admit(access, &mut caller)
        .map_err(|error| error.code().to_owned())?;
    Ok(caller)
}

#[test]
fn neither_the_person_nor_the_service_alone_is_enough() {
    let fleet = Fleet::new();
    let reads = Access::right("job read");
    for (service, person_may, expected) in [
        (&["job read *"][..], &["admin"][..], Ok(())),
        (&["job read *", "job create *"], &["job read send-*"], Ok(())),
        (&["job read *"], &["logs read"], Err("FORBIDDEN")),
        (&["logs read"], &["admin"], Err("NOT_SPOKEN_FOR")),
        (&["job read *"], &[], Err("FORBIDDEN")),
        (&["job read *"], &["job@api read *"], Err("FORBIDDEN")),
    ] {
        let minter = fleet.minter(&[service, &["speak user/*"]].concat());
        let signed = minter.speak("core", Purpose::Of(Word::JobRead), &person(person_may));
        let outcome = match &signed {
            Ok(header) => {
                let_in(&fleet, &shown(header.clone()), &reads).expect("what is signed is let in");
                Ok(())
            }
            Err(error) => Err(error.code()),
        };
        assert_eq!(outcome, expected, "{service:?} for {person_may:?}");
    }
}

#[test]
fn who_it_is_for_is_named_with_who_asks() {
    let fleet = Fleet::new();
    let minter = fleet.minter(&["rpc * *", "speak user/*"]);
    let shown = shown(
        minter
            .speak("core", Purpose::Method("getUserById"), &person(&["admin"]))
            .unwrap(),
    );
    let caller = let_in(&fleet, &shown, &Access::right("rpc")).unwrap();
    assert_eq!(caller.actor(), "user/7 by service:console");
    assert_eq!(caller.service, None, "it is not the service that is let in");
    let rights = caller.principal.unwrap().rights.texts();
    assert_eq!(rights, ["rpc core getUserById"], "the right of this call alone");
}

#[test]
fn a_service_that_cannot_narrow_its_token_or_may_not_speak_asks_for_nobody() {
    let fleet = Fleet::new();
    let bearer = Credential::Bearer(Secret::new(fleet.bearer(&["core"], &["admin"])));
    let bearer = Minter::new(bearer, fleet.clock.clone()).unwrap();
    let admin = person(&["admin"]);
    for (minter, callee) in [
        (bearer, "core"),
        (fleet.minter(&["admin"]), "os"),
        (fleet.minter(&["job read *"]), "core"),
    ] {
        assert!(
            minter.speak(callee, Purpose::Of(Word::JobRead), &admin).is_err(),
            "{callee}"
        );
    }
}

#[test]
fn who_a_service_is_can_be_asked_with_no_right_at_all() {
    let fleet = Fleet::new();
    let shown = shown(fleet.minter(&["admin"]).header("core", Purpose::Oneself).unwrap());
    let caller = let_in(&fleet, &shown, &Access::Credential).unwrap();
    assert_eq!(caller.service.as_deref(), Some("console"));
    assert_eq!(caller.principal.unwrap().rights.iter().len(), 0);
}
