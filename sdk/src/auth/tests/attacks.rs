//! What an attacker would try, each by its name.

use std::time::Duration;

use aws_lc_rs::hmac;
use serde_json::{Value, json};

use super::super::base64url::encode;
use super::super::token::{ROOT_ISSUER, TOKEN_TYPE, sign};
use super::super::{
    Access, CHAIN_MAX, Caller, Gate, Grant, Holder, Narrowing, SigningKey, TOKEN_MAX_BYTES, sign_first, sign_revocation,
};
use super::{Fleet, code, grant, narrowing};
use crate::config::Secret;
use crate::wire::Revoked;

impl Fleet {
    /// Claims of a first token that would be let in, to be changed.
    fn claims(&self) -> Value {
        json!({
            "iss": ROOT_ISSUER, "sub": "program", "aud": "core", "iat": self.now(), "exp": self.now() + 60, "jti": "1",
            "cap": ["admin"],
        })
    }

    fn signed(&self, claims: &Value) -> String {
        sign(&self.root, Some(&self.root.public().thumbprint()), TOKEN_TYPE, claims).unwrap()
    }

    fn refused(&self, token: &str) {
        assert_eq!(code(&self.verifier("core"), token), "TOKEN_INVALID");
    }
}

fn unsigned(head: &Value, claims: &Value) -> String {
    format!(
        "{}.{}",
        encode(head.to_string().as_bytes()),
        encode(claims.to_string().as_bytes())
    )
}

#[test]
fn the_claims_that_are_changed_below_are_good_as_they_are() {
    let fleet = Fleet::new();
    assert_eq!(
        code(&fleet.verifier("core"), &fleet.signed(&fleet.claims())),
        "let in as program"
    );
}

#[test]
fn a_token_without_a_signature_is_refused() {
    let fleet = Fleet::new();
    let kid = fleet.root.public().thumbprint();
    for alg in ["none", "None", "NONE", "nOnE"] {
        let text = unsigned(&json!({ "alg": alg, "typ": "JWT", "kid": kid }), &fleet.claims());
        fleet.refused(&format!("{text}."));
        fleet.refused(&text);
    }
}

#[test]
fn the_public_key_is_no_secret_of_a_symmetric_signature() {
    let fleet = Fleet::new();
    let kid = fleet.root.public().thumbprint();
    for (alg, algorithm) in [("HS256", hmac::HMAC_SHA256), ("HS512", hmac::HMAC_SHA512)] {
        let text = unsigned(&json!({ "alg": alg, "typ": "JWT", "kid": kid }), &fleet.claims());
        let public = fleet.root.public();
        for secret in [public.bytes(), public.text().as_bytes()] {
            let tag = hmac::sign(&hmac::Key::new(algorithm, secret), text.as_bytes());
            fleet.refused(&format!("{text}.{}", encode(tag.as_ref())));
        }
    }
}

#[test]
fn a_key_that_a_token_brings_along_is_not_believed() {
    let fleet = Fleet::new();
    let mine = SigningKey::generate().unwrap();
    let kid = fleet.root.public().thumbprint();
    for kid in [
        None,
        Some(mine.public().thumbprint()),
        Some(kid.clone()),
        Some("../../dev/null".into()),
        Some(String::new()),
    ] {
        fleet.refused(&sign(&mine, kid.as_deref(), TOKEN_TYPE, &fleet.claims()).unwrap());
    }
    let jwk = json!({ "kty": "OKP", "crv": "Ed25519", "x": mine.public().text() });
    for head in [
        json!({ "alg": "EdDSA", "typ": "JWT", "kid": kid, "jwk": jwk }),
        json!({ "alg": "EdDSA", "typ": "JWT", "kid": kid, "jku": "https://attacker.example/keys" }),
    ] {
        let text = unsigned(&head, &fleet.claims());
        let signature = mine.sign(text.as_bytes());
        fleet.refused(&format!("{text}.{signature}"));
    }
}

#[test]
fn a_name_that_is_no_line_or_nobodys_is_refused() {
    let fleet = Fleet::new();
    for (claim, name, refused) in [
        ("sub", "user/7", false),
        ("sub", "größer", false),
        ("sub", "", true),
        ("sub", "user/", true),
        ("sub", "kernel", true),
        ("sub", "anonymous", true),
        ("sub", "blackroad:root", true),
        ("sub", "Service:core", true),
        ("sub", "user/7\nadmin", true),
        ("sub", "user/7\u{9b}2J", true),
        ("sub", "user/7\u{202e}nimda", true),
        ("sub", &"n".repeat(200), false),
        ("sub", &"n".repeat(201), true),
        ("jti", "", true),
        ("jti", "7\r\n8", true),
        ("jti", &"n".repeat(201), true),
    ] {
        let mut claims = fleet.claims();
        claims[claim] = name.into();
        let answer = code(&fleet.verifier("core"), &fleet.signed(&claims));
        assert_eq!(answer == "TOKEN_INVALID", refused, "{claim} {name:?}: {answer}");
    }
}

#[test]
fn an_extension_that_must_be_understood_is_not() {
    let fleet = Fleet::new();
    let kid = fleet.root.public().thumbprint();
    for (crit, refused) in [(None, false), (Some(json!(["b64"])), true), (Some(json!([])), true)] {
        let mut head = json!({ "alg": "EdDSA", "typ": "JWT", "kid": kid });
        if let Some(crit) = crit {
            head["crit"] = crit;
        }
        let text = unsigned(&head, &fleet.claims());
        let token = format!("{text}.{}", fleet.root.sign(text.as_bytes()));
        match refused {
            true => fleet.refused(&token),
            false => assert_eq!(code(&fleet.verifier("core"), &token), "let in as program"),
        }
    }
}

#[test]
fn a_refused_token_is_seen_as_the_one_that_it_is_and_a_forged_one_as_nobodys() {
    let fleet = Fleet::new();
    let gate = Gate::guarded("core", fleet.verifier("core"));
    let seen = |token: &str| {
        let mut caller = Caller {
            credential: Some(Secret::new(format!("Bearer {token}"))),
            ..Caller::default()
        };
        let error = gate.admit(&Access::right("logs read"), &mut caller).unwrap_err();
        (error.code().to_owned(), caller.actor().into_owned())
    };
    let key = SigningKey::generate().unwrap();
    let first = Grant {
        holder: Some(key.public()),
        ..grant("service:api", &["core", "web"], &["logs read"])
    };
    let first = sign_first(&fleet.root, &first, fleet.now()).unwrap();
    let child = |key: &SigningKey, right: &str| {
        let claims = json!({
            "iss": "service:api", "sub": "service:api", "aud": "core", "iat": fleet.now(), "exp": fleet.now() + 60, "jti": "2",
            "cap": [right], "parent": first,
        });
        sign(key, None, TOKEN_TYPE, &claims).unwrap()
    };
    let invalid = |actor: &str| ("TOKEN_INVALID".to_owned(), actor.to_owned());
    let good = child(&key, "logs read");
    assert_eq!(seen(&child(&key, "admin")), invalid("service:api"), "it widens itself");
    assert_eq!(
        seen(&child(&SigningKey::generate().unwrap(), "admin")),
        invalid("anonymous")
    );
    assert_eq!(seen(&first), invalid("service:api"), "it is no credential by itself");
    assert_eq!(seen("nonsense"), invalid("anonymous"));
    let holder = Holder::new(first.clone(), key).unwrap();
    let elsewhere = fleet.child(&holder, &["web"], &["logs read"]);
    assert_eq!(
        seen(&elsewhere),
        ("TOKEN_AUDIENCE".to_owned(), "service:api".to_owned())
    );

    fleet.clock.advance(Duration::from_mins(2));
    assert_eq!(seen(&good), ("TOKEN_EXPIRED".to_owned(), "service:api".to_owned()));
    let statement = sign_revocation(&fleet.root, Revoked::Subject("service:api".to_owned()), fleet.now()).unwrap();
    gate.verifier().unwrap().revoke(&statement).unwrap();
    let fresh = fleet.child(&holder, &["core"], &["logs read"]);
    assert_eq!(seen(&fresh), ("TOKEN_REVOKED".to_owned(), "service:api".to_owned()));
}

#[test]
fn a_token_that_begins_later_is_good_from_then_on() {
    let fleet = Fleet::new();
    let mut claims = fleet.claims();
    claims["nbf"] = json!(fleet.now() + 45);
    let token = fleet.signed(&claims);
    fleet.refused(&token);
    // Clocks may be half a minute apart.
    fleet.clock.advance(Duration::from_secs(15));
    assert_eq!(code(&fleet.verifier("core"), &token), "let in as program");
    claims["nbf"] = json!("tomorrow");
    fleet.refused(&fleet.signed(&claims));
}

#[test]
fn a_changed_token_is_refused() {
    let fleet = Fleet::new();
    let token = fleet.signed(&fleet.claims());
    let parts: Vec<&str> = token.split('.').collect();
    let mut more = fleet.claims();
    more["sub"] = "service:operator".into();
    let payload = encode(more.to_string().as_bytes());
    fleet.refused(&format!("{}.{payload}.{}", parts[0], parts[2]));
    fleet.refused(&format!("{}.{}.{}", parts[0], parts[1], encode(&[0; 64])));
    for text in [
        "",
        ".",
        "..",
        "...",
        "a.b.c",
        &token[..token.len() - 1],
        &format!("{token}="),
    ] {
        fleet.refused(text);
    }
}

#[test]
fn a_first_token_says_all_that_it_must() {
    let fleet = Fleet::new();
    for (name, value) in [
        ("iss", json!("someone")),
        ("exp", json!(fleet.now() + 400 * 24 * 3_600)),
        ("exp", json!("tomorrow")),
        ("exp", Value::Null),
        ("iat", json!(fleet.now() + 3_600)),
        ("jti", json!("")),
        ("sub", json!("")),
        ("cap", json!(["steal everything"])),
        ("cap", json!("admin")),
        ("cap", json!(vec!["logs read"; 257])),
        ("cnf", json!({ "jwk": { "kty": "EC", "crv": "P-256", "x": "AA" } })),
        ("parent", json!("a.b.c")),
    ] {
        let mut claims = fleet.claims();
        claims[name] = value;
        fleet.refused(&fleet.signed(&claims));
        if let Some(claims) = claims.as_object_mut() {
            claims.remove(name);
        }
        if !["cnf", "parent"].contains(&name) {
            fleet.refused(&fleet.signed(&claims));
        }
    }
    // A service's own token lives a month at most.
    let mut claims = fleet.claims();
    claims["cnf"] = json!({ "jwk": { "kty": "OKP", "crv": "Ed25519", "x": fleet.root.public().text() } });
    claims["exp"] = json!(fleet.now() + 31 * 24 * 3_600);
    fleet.refused(&fleet.signed(&claims));
}

#[test]
fn a_statement_of_revocation_is_no_token() {
    let fleet = Fleet::new();
    let kid = fleet.root.public().thumbprint();
    fleet.refused(&sign(&fleet.root, Some(&kid), "revocation+jwt", &fleet.claims()).unwrap());
}

/// What a holder signs who does not keep to what it was given.
fn rogue(holder: &Holder, fleet: &Fleet, change: impl FnOnce(&mut Value)) -> String {
    let text = holder.to_text();
    let (parent, seed) = text.reveal().rsplit_once('.').unwrap();
    let mut claims = json!({
        "iss": holder.subject(), "sub": holder.subject(), "aud": "core", "iat": fleet.now(), "exp": fleet.now() + 60, "jti": "2",
        "cap": ["rpc core getUser"], "parent": parent,
    });
    change(&mut claims);
    sign(&SigningKey::of_text(seed).unwrap(), None, TOKEN_TYPE, &claims).unwrap()
}

#[test]
fn a_holder_cannot_sign_itself_more_than_it_has() {
    let fleet = Fleet::new();
    let holder = fleet.holder("service:api", &["core"], &["rpc core get*"]);
    assert_eq!(
        code(&fleet.verifier("core"), &rogue(&holder, &fleet, |_| {})),
        "let in as service:api"
    );
    for (name, value) in [
        ("cap", json!(["rpc core deleteUser"])),
        ("cap", json!(["rpc core *"])),
        ("cap", json!(["rpc core getUser", "admin"])),
        ("aud", json!("*")),
        ("aud", json!(["core", "os"])),
        ("sub", json!("service:operator")),
        ("iss", json!("service:operator")),
        ("iss", json!(ROOT_ISSUER)),
        ("exp", json!(holder.expires_at() + 1)),
        ("iat", json!(fleet.now() - 3_600)),
    ] {
        fleet.refused(&rogue(&holder, &fleet, |claims| claims[name] = value.clone()));
    }
}

#[test]
fn links_of_two_chains_cannot_be_put_together() {
    let fleet = Fleet::new();
    let weak = fleet.holder("service:web", &["core"], &["logs read"]);
    let strong = fleet.holder("service:operator", &["core"], &["admin"]);
    let strong_text = strong.to_text();
    let (strong_token, _) = strong_text.reveal().rsplit_once('.').unwrap();
    // The weak one's key under the strong one's token, and the strong one's narrowing under the weak one's.
    fleet.refused(&rogue(&weak, &fleet, |claims| {
        claims["parent"] = strong_token.into();
        claims["iss"] = "service:operator".into();
        claims["sub"] = "service:operator".into();
    }));
    let child = fleet.child(&strong, &["core"], &["admin"]);
    fleet.refused(&rogue(&weak, &fleet, |claims| claims["parent"] = child.into()));
    // Under nobody's.
    fleet.refused(&rogue(&weak, &fleet, |claims| {
        drop(claims.as_object_mut().unwrap().remove("parent"))
    }));
}

#[test]
fn nothing_is_narrowed_from_a_token_that_names_no_key() {
    let fleet = Fleet::new();
    let bearer = fleet.bearer(&["core"], &["admin"]);
    let holder = fleet.holder("program", &["core"], &["admin"]);
    fleet.refused(&rogue(&holder, &fleet, |claims| claims["parent"] = bearer.into()));
}

#[test]
fn a_chain_ends_at_its_depth() {
    let fleet = Fleet::new();
    let mut holder = fleet.holder("service:api", &["core"], &["admin"]);
    for depth in 2..=CHAIN_MAX + 1 {
        let shown = fleet.child(&holder, &["core"], &["logs read"]);
        let expected = if depth <= CHAIN_MAX {
            "let in as service:api"
        } else {
            "TOKEN_INVALID"
        };
        assert_eq!(code(&fleet.verifier("core"), &shown), expected, "{depth} links");
        let key = SigningKey::generate().unwrap();
        let further = Narrowing {
            holder: Some(key.public()),
            ..narrowing(&["core"], &["admin"])
        };
        holder = Holder::new(holder.narrow(&further, fleet.now()).unwrap(), key).unwrap();
    }
}

#[test]
fn a_token_past_its_size_is_not_looked_into() {
    let fleet = Fleet::new();
    let mut claims = fleet.claims();
    claims["padding"] = "x".repeat(TOKEN_MAX_BYTES).into();
    fleet.refused(&fleet.signed(&claims));
    fleet.refused(&".".repeat(TOKEN_MAX_BYTES));
    let deep = format!("{}{}", "[".repeat(2_000), "]".repeat(2_000));
    fleet.refused(&format!("{0}.{0}.{0}", encode(deep.as_bytes())));
}

#[test]
fn a_stolen_token_of_one_call_is_worth_that_call_for_minutes() {
    let fleet = Fleet::new();
    let holder = fleet.holder("service:api", &["core", "os"], &["rpc * *"]);
    let stolen = fleet.child(&holder, &["core"], &["rpc core getUser"]);
    assert_eq!(code(&fleet.verifier("os"), &stolen), "TOKEN_AUDIENCE");
    fleet.clock.advance(Duration::from_secs(331));
    assert_eq!(code(&fleet.verifier("core"), &stolen), "TOKEN_EXPIRED");
}
