//! What another provider's id token has to say to be believed (OpenID Connect Core, section 3.1.3.7).

use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::Deserialize;

/// Algorithms that are taken, all of them asymmetric: neither `none` nor one whose key is the client's secret.
const ALGORITHMS: [Algorithm; 4] = [Algorithm::RS256, Algorithm::PS256, Algorithm::ES256, Algorithm::EdDSA];
/// How far the provider's clock may be off, in seconds.
const LEEWAY: u64 = 30;

/// Who someone is, as the provider says.
#[derive(Debug, Deserialize)]
pub(super) struct Claims {
    pub(super) sub: String,
    nonce: Option<String>,
    azp: Option<String>,
    email: Option<String>,
    #[serde(default)]
    email_verified: bool,
}

impl Claims {
    /// The address that the provider has seen to be theirs.
    pub(super) fn verified_email(&self) -> Option<&str> {
        self.email.as_deref().filter(|_| self.email_verified)
    }
}

/// The claims of a token of this provider, for this client, of this sign-in; `None` of any other.
pub(super) fn verify(token: &str, keys: &JwkSet, issuer: &str, client: &str, nonce: &str) -> Option<Claims> {
    let header = jsonwebtoken::decode_header(token).ok()?;
    let algorithm = ALGORITHMS.into_iter().find(|known| *known == header.alg)?;
    let key = match &header.kid {
        Some(kid) => keys.find(kid)?,
        // Without a name there must be no choice.
        None => keys.keys.first().filter(|_| keys.keys.len() == 1)?,
    };
    let mut validation = Validation::new(algorithm);
    validation.leeway = LEEWAY;
    validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    validation.set_issuer(&[issuer, &format!("{issuer}/")]);
    validation.set_audience(&[client]);
    let key = DecodingKey::from_jwk(key).ok()?;
    let claims = jsonwebtoken::decode::<Claims>(token, &key, &validation).ok()?.claims;
    let ours = claims.azp.as_deref().is_none_or(|party| party == client);
    let this_one = claims
        .nonce
        .as_deref()
        .is_some_and(|said| crate::token::same(said, nonce));
    (ours && this_one).then_some(claims)
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::rand::SystemRandom;
    use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
    use jsonwebtoken::{EncodingKey, Header};
    use serde_json::{Value, json};

    use super::*;

    fn pair() -> (EncodingKey, JwkSet) {
        let secret = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
        let pair = Ed25519KeyPair::from_pkcs8(secret.as_ref()).unwrap();
        let x = crate::token::encoded(pair.public_key().as_ref());
        let keys = json!({ "keys": [{ "kty": "OKP", "crv": "Ed25519", "kid": "1", "use": "sig", "x": x }] });
        (
            EncodingKey::from_ed_der(secret.as_ref()),
            serde_json::from_value(keys).unwrap(),
        )
    }

    fn claims(change: &Value) -> Value {
        let mut claims = json!({
            "iss": "https://op.example", "aud": "us", "sub": "7", "nonce": "n", "exp": 9_999_999_999_i64,
            "email": "ada@b.example", "email_verified": true,
        });
        let both = claims.as_object_mut().unwrap();
        both.extend(change.as_object().unwrap().clone());
        claims
    }

    #[test]
    fn a_token_is_believed_only_where_everything_in_it_is_ours() {
        let (key, keys) = pair();
        let header = Header {
            kid: Some("1".to_owned()),
            ..Header::new(Algorithm::EdDSA)
        };
        let verdict = |change: Value| {
            let token = jsonwebtoken::encode(&header, &claims(&change), &key).unwrap();
            verify(&token, &keys, "https://op.example", "us", "n")
        };
        assert_eq!(verdict(json!({})).unwrap().verified_email(), Some("ada@b.example"));
        assert_eq!(
            verdict(json!({ "email_verified": false })).unwrap().verified_email(),
            None
        );
        assert!(verdict(json!({ "aud": ["us", "them"], "azp": "us" })).is_some());
        for bad in [
            json!({ "iss": "https://evil.example" }),
            json!({ "aud": "them" }),
            json!({ "aud": ["us", "them"], "azp": "them" }),
            json!({ "exp": 1_000_000_000 }),
            json!({ "nonce": "another" }),
            json!({ "nonce": null }),
        ] {
            assert!(verdict(bad.clone()).is_none(), "{bad}");
        }
        let (other, _) = pair();
        let forged = jsonwebtoken::encode(&header, &claims(&json!({})), &other).unwrap();
        assert!(verify(&forged, &keys, "https://op.example", "us", "n").is_none());
        let x = serde_json::to_value(&keys).unwrap()["keys"][0]["x"]
            .as_str()
            .unwrap()
            .to_owned();
        let confused = Header {
            kid: Some("1".to_owned()),
            ..Header::new(Algorithm::HS256)
        };
        let confused =
            jsonwebtoken::encode(&confused, &claims(&json!({})), &EncodingKey::from_secret(x.as_bytes())).unwrap();
        assert!(verify(&confused, &keys, "https://op.example", "us", "n").is_none());
    }
}
