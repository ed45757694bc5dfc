use std::time::Duration;

use super::super::token::LEEWAY;
use super::super::{
    Credential, Gate, Holder, Minter, Narrowing, Need, Purpose, RootKeys, SigningKey, Verifier, Word, sign_first,
    sign_revocation,
};
use super::{Fleet, code, grant, narrowing};
use crate::auth::{Access, Caller};
use crate::config::Secret;
use crate::wire::Revoked;

#[test]
fn a_holder_narrows_and_is_let_in_with_what_it_narrowed_to() {
    let fleet = Fleet::new();
    let holder = fleet.holder("service:api", &["core", "os"], &["rpc core *", "state read orders/"]);
    let token = fleet.child(&holder, &["core"], &["rpc core getUserById"]);
    let principal = fleet.verifier("core").verify(&token).unwrap();
    assert_eq!(principal.service(), Some("api"));
    assert!(principal.may(&Need::rpc("core", "getUserById"), "core"));
    assert!(!principal.may(&Need::rpc("core", "deleteUser"), "core"));
    assert!(
        !principal.may(&Need::rpc("os", "getUserById"), "core"),
        "its audience is core alone"
    );
    assert_eq!(code(&fleet.verifier("os"), &token), "TOKEN_AUDIENCE");
}

#[test]
fn a_token_that_names_a_key_is_no_credential() {
    let fleet = Fleet::new();
    let holder = fleet.holder("service:api", &["core"], &["admin"]);
    let text = holder.to_text();
    let (token, _) = text.reveal().rsplit_once('.').unwrap();
    let verifier = fleet.verifier("core");
    assert_eq!(code(&verifier, token), "TOKEN_INVALID");
    // Nor after its narrowing has been checked, and it with it.
    assert!(
        verifier
            .verify(&fleet.child(&holder, &["core"], &["logs read"]))
            .is_ok()
    );
    assert_eq!(code(&verifier, token), "TOKEN_INVALID");
    assert_eq!(
        code(&verifier, text.reveal()),
        "TOKEN_INVALID",
        "with its key behind it"
    );
}

#[test]
fn a_narrow_token_without_a_key_is_shown_as_it_is() {
    let fleet = Fleet::new();
    let token = fleet.bearer(&["core"], &["event emit user:*"]);
    let principal = fleet.verifier("core").verify(&token).unwrap();
    assert_eq!((principal.service(), principal.subject.as_str()), (None, "program"));
    assert!(principal.may(&Need::one(Word::EventEmit, "user:created"), "core"));
}

#[test]
fn a_token_ends_when_it_says_and_a_clock_half_a_minute_off_is_forgiven() {
    let fleet = Fleet::new();
    let verifier = fleet.verifier("core");
    let holder = fleet.holder("service:api", &["core"], &["admin"]);
    let token = fleet.child(&holder, &["core"], &["logs read"]);
    fleet.clock.advance(Duration::from_secs(329));
    assert!(verifier.verify(&token).is_ok());
    fleet.clock.advance(Duration::from_secs(1));
    assert_eq!(
        code(&verifier, &token),
        "TOKEN_EXPIRED",
        "also where it was checked before"
    );
    assert_eq!(code(&fleet.verifier("core"), &token), "TOKEN_EXPIRED");
}

#[test]
fn a_token_from_the_future_is_refused_past_the_leeway() {
    let fleet = Fleet::new();
    for (ahead, let_in) in [(30, true), (31, false)] {
        let token = sign_first(
            &fleet.root,
            &grant("program", &["core"], &["logs read"]),
            fleet.now() + ahead,
        )
        .unwrap();
        assert_eq!(fleet.verifier("core").verify(&token).is_ok(), let_in, "{ahead} s ahead");
    }
}

#[test]
fn what_was_checked_is_refused_the_moment_it_is_revoked() {
    let fleet = Fleet::new();
    let verifier = fleet.verifier("core");
    let holder = fleet.holder("service:api", &["core"], &["admin"]);
    let token = fleet.child(&holder, &["core"], &["logs read"]);
    let other = fleet.child(
        &fleet.holder("service:os", &["core"], &["admin"]),
        &["core"],
        &["logs read"],
    );
    let principal = verifier.verify(&token).unwrap();
    for revoked in [
        Revoked::Jti(principal.tokens[1].clone()),
        Revoked::Jti(principal.tokens[0].clone()),
        Revoked::Key(principal.keys[1].clone()),
        Revoked::Subject("service:api".to_owned()),
    ] {
        let verifier = fleet.verifier("core");
        assert!(verifier.verify(&token).is_ok() && verifier.verify(&other).is_ok());
        let statement = sign_revocation(&fleet.root, revoked.clone(), fleet.now()).unwrap();
        assert!(verifier.revoke(&statement).unwrap(), "it is news");
        assert!(!verifier.revoke(&statement).unwrap(), "it is none the second time");
        assert_eq!(code(&verifier, &token), "TOKEN_REVOKED", "{revoked:?}");
        assert!(verifier.verify(&other).is_ok(), "{revoked:?}");
    }
}

#[test]
fn what_a_token_of_a_call_opened_lasts_as_long_as_what_it_was_narrowed_from() {
    let narrowing = narrowing(&["core"], &["logs read"]);
    for spoken in [false, true] {
        let fleet = Fleet::new();
        let verifier = fleet.verifier("core");
        let holder = fleet.holder("service:api", &["core"], &["admin", "speak user/*"]);
        let token = match spoken {
            false => holder.for_call(&narrowing, fleet.now()).unwrap(),
            true => holder.speak_for("user/7", &narrowing, fleet.now()).unwrap(),
        };
        let principal = verifier.verify(&token).unwrap();
        fleet.clock.advance(Duration::from_hours(1));
        assert_eq!(code(&verifier, &token), "TOKEN_EXPIRED", "it begins nothing any more");
        let left = verifier.lasts(&principal).unwrap();
        assert_eq!(left, Duration::from_hours(23) + LEEWAY);
        fleet.clock.advance(left - Duration::from_secs(1));
        assert_eq!(verifier.lasts(&principal), Some(Duration::from_secs(1)));
        fleet.clock.advance(Duration::from_secs(1));
        assert_eq!(verifier.lasts(&principal), None);
    }
}

#[test]
fn what_a_token_that_was_narrowed_for_somebody_opened_ends_with_it() {
    let fleet = Fleet::new();
    let verifier = fleet.verifier("core");
    let holder = fleet.holder("owner", &["core"], &["admin"]);
    let key = SigningKey::generate().unwrap();
    let given = Narrowing {
        holder: Some(key.public()),
        ..narrowing(&["core"], &["logs read"])
    };
    let given = Holder::new(holder.narrow(&given, fleet.now()).unwrap(), key).unwrap();
    let shown = fleet.child(&holder, &["core"], &["logs read"]);
    let call = given
        .for_call(&narrowing(&["core"], &["logs read"]), fleet.now())
        .unwrap();
    let principals = [shown, call].map(|token| verifier.verify(&token).unwrap());
    fleet.clock.advance(Duration::from_mins(5));
    for principal in &principals {
        assert_eq!(verifier.lasts(principal), Some(LEEWAY));
    }
    fleet.clock.advance(LEEWAY);
    for principal in &principals {
        assert_eq!(verifier.lasts(principal), None);
    }
}

#[test]
fn what_a_token_opened_ends_with_any_link_of_it_that_is_revoked_or_a_root_that_is_trusted_no_more() {
    let fleet = Fleet::new();
    let holder = fleet.holder("service:api", &["core"], &["admin", "speak user/*"]);
    let narrowing = narrowing(&["core"], &["logs read"]);
    let token = holder.speak_for("user/7", &narrowing, fleet.now()).unwrap();
    let principal = fleet.verifier("core").verify(&token).unwrap();
    let subject = |name: &str| Revoked::Subject(name.to_owned());
    for (revoked, ended) in [
        (Revoked::Jti(principal.tokens[0].clone()), true),
        (Revoked::Jti(principal.tokens[1].clone()), true),
        (Revoked::Key(principal.keys[1].clone()), true),
        (subject("user/7"), true),
        (subject("service:api"), true),
        (subject("service:os"), false),
    ] {
        let verifier = fleet.verifier("core");
        let statement = sign_revocation(&fleet.root, revoked.clone(), fleet.now()).unwrap();
        verifier.revoke(&statement).unwrap();
        assert_eq!(verifier.lasts(&principal).is_none(), ended, "{revoked:?}");
    }

    let verifier = fleet.verifier("core");
    assert!(verifier.lasts(&principal).is_some());
    let other = SigningKey::generate().unwrap().public();
    verifier.trust(RootKeys::new([other]).unwrap());
    assert_eq!(verifier.lasts(&principal), None);
}

#[test]
fn a_subject_is_let_in_again_with_what_was_made_after_it_was_revoked() {
    let fleet = Fleet::new();
    let verifier = fleet.verifier("core");
    let statement = sign_revocation(&fleet.root, Revoked::Subject("service:api".to_owned()), fleet.now()).unwrap();
    verifier.revoke(&statement).unwrap();
    let old = fleet.child(
        &fleet.holder("service:api", &["core"], &["admin"]),
        &["core"],
        &["logs read"],
    );
    assert_eq!(code(&verifier, &old), "TOKEN_REVOKED");
    fleet.clock.advance(Duration::from_secs(1));
    let new = fleet.child(
        &fleet.holder("service:api", &["core"], &["admin"]),
        &["core"],
        &["logs read"],
    );
    assert!(verifier.verify(&new).is_ok());
}

#[test]
fn a_statement_that_another_key_signed_revokes_nothing() {
    let fleet = Fleet::new();
    let verifier = fleet.verifier("core");
    let other = SigningKey::generate().unwrap();
    let forged = sign_revocation(&other, Revoked::Subject("service:api".to_owned()), fleet.now()).unwrap();
    let token = fleet.bearer(&["core"], &["admin"]);
    for statement in [forged.as_str(), token.as_str(), "", "a.b.c", &"x".repeat(4_096)] {
        assert_eq!(verifier.revoke(statement).unwrap_err().code(), "REVOCATION_INVALID");
    }
    assert_eq!(verifier.revocations_known(), 0);
}

#[test]
fn going_from_one_root_to_the_next_turns_nobody_away() {
    let (old, new) = (Fleet::new(), SigningKey::generate().unwrap());
    let roots = |keys: &[&SigningKey]| RootKeys::new(keys.iter().map(|key| key.public())).unwrap();
    let of_old = old.child(
        &old.holder("service:api", &["core"], &["admin"]),
        &["core"],
        &["logs read"],
    );
    let next = Fleet {
        root: new,
        clock: old.clock.clone(),
    };
    let of_new = next.child(
        &next.holder("service:api", &["core"], &["admin"]),
        &["core"],
        &["logs read"],
    );
    // First every service learns the new root, then the tokens change, then the old root is forgotten.
    let stages = [
        (roots(&[&old.root]), vec![&of_old]),
        (roots(&[&old.root, &next.root]), vec![&of_old, &of_new]),
        (roots(&[&next.root]), vec![&of_new]),
    ];
    for (stage, (roots, tokens)) in stages.into_iter().enumerate() {
        let verifier = Verifier::new("core", roots, old.clock.clone());
        for token in tokens {
            assert_eq!(code(&verifier, token), "let in as service:api", "stage {stage}");
        }
    }
}

#[test]
fn a_call_takes_along_what_it_needs_and_no_more() {
    let fleet = Fleet::new();
    let holder = fleet.holder(
        "service:api",
        &["core", "os"],
        &["rpc core *", "state@core read orders/", "logs read"],
    );
    let minter = Minter::new(Credential::Holder(Box::new(holder)), fleet.clock.clone()).unwrap();
    let shown = |callee: &str, purpose| {
        let header = minter.header(callee, purpose).unwrap()?;
        let token = header.to_str().unwrap().strip_prefix("Bearer ").unwrap().to_owned();
        Some(fleet.verifier(callee).verify(&token).unwrap().rights.texts())
    };
    assert_eq!(shown("core", Purpose::Method("getUser")).unwrap(), ["rpc core getUser"]);
    assert_eq!(
        shown("core", Purpose::Of(Word::StateRead)).unwrap(),
        ["state@core read orders/"]
    );
    assert_eq!(shown("core", Purpose::Of(Word::LogsRead)).unwrap(), ["logs@core read"]);
    assert!(
        shown("os", Purpose::Method("getUser")).unwrap().is_empty(),
        "what it may not do it does not claim"
    );
    assert_eq!(
        shown("docs", Purpose::Of(Word::LogsRead)),
        None,
        "outside of its audience it shows nothing"
    );
    let header = |minter: &Minter| minter.header("core", Purpose::Method("getUser")).unwrap().unwrap();
    let first = header(&minter);
    fleet.clock.advance(Duration::from_secs(200));
    assert_eq!(header(&minter), first, "it is signed once");
    fleet.clock.advance(Duration::from_secs(20));
    assert_ne!(header(&minter), first, "and again before it ends");
}

#[test]
fn a_subscription_takes_along_the_right_to_read_what_it_asks_for() {
    let fleet = Fleet::new();
    let rights = [
        "rpc core *",
        "event@core read audit:*",
        "event@os read user:*",
        "logs read",
    ];
    let holder = fleet.holder("service:api", &["core", "os"], &rights);
    let minter = Minter::new(Credential::Holder(Box::new(holder)), fleet.clock.clone()).unwrap();
    let shown = |callee: &str, method| {
        let header = minter.header(callee, Purpose::Method(method)).unwrap().unwrap();
        let token = header.to_str().unwrap().strip_prefix("Bearer ").unwrap().to_owned();
        fleet.verifier(callee).verify(&token).unwrap().rights.texts()
    };
    assert_eq!(
        shown("core", "events.subscribe"),
        ["rpc core events.subscribe", "event@core read audit:*"]
    );
    assert_eq!(shown("core", "events.renew"), ["rpc core events.renew"]);
    assert!(
        shown("os", "events.subscribe").is_empty(),
        "what it may not call needs nothing else"
    );
}

#[test]
fn the_gate_says_what_is_missing() {
    let fleet = Fleet::new();
    let gate = Gate::guarded("core", fleet.verifier("core"));
    let caller = |token: Option<&str>| Caller {
        service: Some("blackroad-os-operator".to_owned()),
        credential: token.map(|token| Secret::new(format!("Bearer {token}"))),
        ..Caller::default()
    };
    let access = Access::right("state read");
    let refused = |token: Option<&str>| gate.admit(&access, &mut caller(token)).unwrap_err();
    assert_eq!(refused(None).code(), "UNAUTHENTICATED");
    assert_eq!(refused(Some("nonsense")).code(), "TOKEN_INVALID");
    let error = refused(Some(&fleet.bearer(&["core"], &["logs read"])));
    assert_eq!(error.code(), "FORBIDDEN");
    assert!(
        error.message().contains("`state read`") && error.message().contains("program"),
        "{error}"
    );

    let mut caller = caller(Some(&fleet.bearer(&["core"], &["state read orders/"])));
    gate.admit(&access, &mut caller).unwrap();
    assert_eq!(caller.service, None, "what a caller says of itself counts for nothing");
    assert!(gate.allow(&caller, &Need::one(Word::StateRead, "orders/7")).is_ok());
    let error = gate.allow(&caller, &Need::one(Word::StateRead, "users/7")).unwrap_err();
    assert_eq!(error.details().unwrap()["right"], "state read users/7");
    assert!(gate.admit(&Access::Public, &mut Caller::default()).is_ok());
}
