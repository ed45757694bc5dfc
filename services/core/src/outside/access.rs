//! Cloudflare Access: an edge that has signed someone in says so with every request, by a token of its own.
//!
//! The token is believed by its signature, never by the header alone: core's platform name stays reachable beside the edge. RS256 is what
//! Access signs with; `CF_ACCESS_TEAM` names whose keys, `CF_ACCESS_AUD` for which application.

use blackroad_os_contracts::core::{GetUserByEmail, User};
use http::HeaderMap;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::Deserialize;
use syscall_sdk::context::Context;
use syscall_sdk::error::{Kind, Result};

use super::provider::{read, trusted};
use crate::users;

/// Where Access puts its token.
const HEADER: &str = "cf-access-jwt-assertion";
/// How far the edge's clock may be off, in seconds.
const LEEWAY: u64 = 30;

#[derive(Debug, Deserialize)]
struct Claims {
    /// Absent of a program with a service token, which is nobody here.
    email: Option<String>,
}

/// Whom the edge has signed in, where it is configured and the person has an account here.
///
/// # Errors
/// `PROVIDER_FAILED` where the edge's keys cannot be read.
pub(crate) async fn user(context: &Context, headers: &HeaderMap) -> Result<Option<User>> {
    let (Some(team), Some(audience)) = (context.secret("CF_ACCESS_TEAM"), context.secret("CF_ACCESS_AUD")) else {
        return Ok(None);
    };
    let Some(token) = headers.get(HEADER).and_then(|token| token.to_str().ok()) else {
        return Ok(None);
    };
    let team = issuer_of(team.reveal());
    let keys: JwkSet = read(context.http().get(trusted(&format!("{team}/cdn-cgi/access/certs"))?)).await?;
    let Some(email) = verify(token, &keys, &team, audience.reveal()) else {
        return Ok(None);
    };
    match users::get_by_email(context.clone(), GetUserByEmail { email }).await {
        Ok(user) => Ok(Some(user)),
        Err(error) if error.kind() == Kind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// The team's URL, by its name alone or whole.
fn issuer_of(team: &str) -> String {
    let team = team.trim_end_matches('/');
    match team {
        whole if whole.contains("://") => whole.to_owned(),
        host if host.contains('.') => format!("https://{host}"),
        name => format!("https://{name}.cloudflareaccess.com"),
    }
}

/// The address of who a token speaks of, where it is this team's for this application.
fn verify(token: &str, keys: &JwkSet, team: &str, audience: &str) -> Option<String> {
    let kid = jsonwebtoken::decode_header(token).ok()?.kid?;
    let key = DecodingKey::from_jwk(keys.find(&kid)?).ok()?;
    let mut validation = Validation::new(Algorithm::RS256);
    validation.leeway = LEEWAY;
    validation.set_required_spec_claims(&["exp", "iss", "aud"]);
    validation.set_issuer(&[team]);
    validation.set_audience(&[audience]);
    jsonwebtoken::decode::<Claims>(token, &key, &validation)
        .ok()?
        .claims
        .email
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::encoding::AsDer;
    use aws_lc_rs::rsa::{KeyPair, KeySize};
    use aws_lc_rs::signature::KeyPair as _;
    use jsonwebtoken::{EncodingKey, Header};
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn a_team_is_named_in_three_ways() {
        let whole = "https://acme.cloudflareaccess.com";
        for team in [
            "acme",
            "acme.cloudflareaccess.com",
            whole,
            "https://acme.cloudflareaccess.com/",
        ] {
            assert_eq!(issuer_of(team), whole);
        }
    }

    #[test]
    fn an_assertion_is_believed_by_its_signature_team_and_application() {
        let pair = KeyPair::generate(KeySize::Rsa2048).unwrap();
        let modulus = crate::token::encoded(pair.public_key().modulus().big_endian_without_leading_zero());
        let exponent = crate::token::encoded(pair.public_key().exponent().big_endian_without_leading_zero());
        let keys = json!({ "keys": [{ "kty": "RSA", "kid": "1", "alg": "RS256", "n": modulus, "e": exponent }] });
        let keys: JwkSet = serde_json::from_value(keys).unwrap();
        let der: aws_lc_rs::encoding::Pkcs8V1Der<'static> = pair.as_der().unwrap();
        let pem = format!(
            "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
            base64::Engine::encode(&base64::engine::general_purpose::STANDARD, der.as_ref())
        );
        let key = EncodingKey::from_rsa_pem(pem.as_bytes()).unwrap();
        let verdict = |algorithm: Algorithm, kid: &str, claims: Value, key: &EncodingKey| {
            let header = Header {
                kid: Some(kid.to_owned()),
                ..Header::new(algorithm)
            };
            let token = jsonwebtoken::encode(&header, &claims, key).unwrap();
            verify(&token, &keys, "https://acme.cloudflareaccess.com", "our-app")
        };
        let good = json!({
            "iss": "https://acme.cloudflareaccess.com", "aud": ["our-app"], "exp": 9_999_999_999_i64, "email": "ada@b.example",
        });
        assert_eq!(
            verdict(Algorithm::RS256, "1", good.clone(), &key).as_deref(),
            Some("ada@b.example")
        );
        for (name, value) in [
            ("iss", json!("https://evil.cloudflareaccess.com")),
            ("aud", json!(["another-app"])),
            ("exp", json!(1_000_000_000)),
            ("email", json!(null)),
        ] {
            let mut bad = good.clone();
            bad[name] = value;
            assert_eq!(verdict(Algorithm::RS256, "1", bad, &key), None, "{name}");
        }
        assert_eq!(
            verdict(Algorithm::RS256, "2", good.clone(), &key),
            None,
            "an unknown key"
        );
        let shared = EncodingKey::from_secret(modulus.as_bytes());
        assert_eq!(verdict(Algorithm::HS256, "1", good, &shared), None, "another algorithm");
    }
}
