//! The id token of a sign-in, and what somebody would show in its place.

use serde_json::{Value, json};

use super::super::token::sign;
use super::super::{Expected, IdToken, SigningKey, read_id_token};

const NOW: u64 = 1_800_000_000;

fn keys(key: &SigningKey) -> Vec<u8> {
    let kid = key.public().thumbprint();
    let jwk =
        json!({ "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": kid, "x": key.public().text() });
    json!({ "keys": [jwk] }).to_string().into_bytes()
}

fn claims() -> Value {
    json!({
        "iss": "https://core.example", "aud": "console", "sub": "7", "sid": "s1", "nonce": "n", "iat": NOW, "exp": NOW + 600,
        "auth_time": NOW, "amr": ["pwd"],
    })
}

fn signed(key: &SigningKey, kind: &str, claims: &Value) -> String {
    sign(key, Some(&key.public().thumbprint()), kind, claims).unwrap()
}

fn read(key: &SigningKey, token: &str) -> Result<IdToken, String> {
    let expected = Expected {
        issuer: "https://core.example",
        audience: "console",
        nonce: "n",
        now: NOW,
    };
    read_id_token(token, &keys(key), expected).map_err(|error| {
        assert_eq!(error.code(), "ID_TOKEN_INVALID");
        error.message().to_owned()
    })
}

#[test]
fn the_token_of_this_sign_in_says_who_has_signed_in() {
    let key = SigningKey::generate().unwrap();
    let told = read(&key, &signed(&key, "JWT", &claims())).unwrap();
    assert_eq!((told.sub.as_str(), told.sid.as_str()), ("7", "s1"));
}

#[test]
fn a_token_of_another_sign_in_client_provider_or_time_is_refused() {
    let key = SigningKey::generate().unwrap();
    for (name, value, why) in [
        ("nonce", json!("another"), "another sign-in"),
        ("nonce", Value::Null, "another shape"),
        ("aud", json!("app"), "another client"),
        ("aud", json!(["console", "app"]), "another shape"),
        ("iss", json!("https://evil.example"), "another provider"),
        ("iss", json!("https://core.example/"), "another provider"),
        ("exp", json!(NOW - 31), "over"),
        ("iat", json!(NOW + 31), "not yet good"),
        ("nbf", json!(NOW + 31), "not yet good"),
        ("sid", Value::Null, "another shape"),
    ] {
        let mut claims = claims();
        claims[name] = value;
        let refused = read(&key, &signed(&key, "JWT", &claims)).unwrap_err();
        assert!(refused.contains(why), "{name}: {refused}");
    }
}

#[test]
fn a_token_that_the_provider_did_not_sign_is_refused() {
    let (key, forger) = (SigningKey::generate().unwrap(), SigningKey::generate().unwrap());
    let kid = key.public().thumbprint();
    let forged = sign(&forger, Some(&kid), "JWT", &claims()).unwrap();
    let good = signed(&key, "JWT", &claims());
    let (head, rest) = good.split_once('.').unwrap();
    let (body, signature) = rest.split_once('.').unwrap();
    let none = super::super::base64url::encode(
        json!({ "alg": "none", "typ": "JWT", "kid": kid })
            .to_string()
            .as_bytes(),
    );
    for bad in [
        forged,
        signed(&forger, "JWT", &claims()),
        signed(&key, "at+jwt", &claims()),
        sign(&key, None, "JWT", &claims()).unwrap(),
        format!("{none}.{body}."),
        format!("{none}.{body}.{signature}"),
        format!("{head}.{body}."),
        format!("{good}x"),
        String::new(),
        "x".repeat(10_000),
    ] {
        assert!(read(&key, &bad).is_err(), "{bad}");
    }
    assert!(
        read_id_token(
            &good,
            b"no keys",
            Expected {
                issuer: "",
                audience: "",
                nonce: "",
                now: NOW
            }
        )
        .is_err()
    );
}
