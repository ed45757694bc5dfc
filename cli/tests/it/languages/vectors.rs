//! Tokens that are good and tokens that are not, with what is to be said of each.

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use syscall_sdk::auth::{Holder, SigningKey};

use super::mint::{CALL, Mint, forged, narrowing, seed};

/// A token, and as whom its bearer is let in at `web` to call `whoAmI`, or the code with which they are refused.
pub(super) struct Vector {
    pub(super) what: String,
    pub(super) token: String,
    pub(super) said: &'static str,
}

const KEY: &str = "user/7/key/9";
const SPOKEN_FOR: &str = "user/7/key/9 by service:api";
const REFUSED: &str = "TOKEN_INVALID";

impl Mint {
    /// Tokens in another's name.
    pub(super) fn speaking(&self) -> Result<Vec<Vector>> {
        let mut vectors = vec![
            vector(
                "the gateway calls for a key",
                SPOKEN_FOR,
                self.spoken("api", "7/key/9")?,
            ),
            vector(
                "a page calls for its reader",
                "user/7 by service:console",
                self.spoken("console", "7")?,
            ),
            vector("a service calls for itself", "service:operator", self.own("operator")?),
        ];
        let speaker = &["rpc web *", "speak user/*"][..];
        for (what, said, rights, claims) in [
            ("with the right to speak", SPOKEN_FOR, speaker, json!({})),
            ("with the right to do everything", SPOKEN_FOR, &["admin"], json!({})),
            (
                "with a right to speak here",
                SPOKEN_FOR,
                &["rpc web *", "speak@web user/*"],
                json!({}),
            ),
            ("without a right to speak", REFUSED, &["rpc web *"], json!({})),
            (
                "with a right to speak for others",
                REFUSED,
                &["rpc web *", "speak client:*"],
                json!({}),
            ),
            (
                "with a right to speak for one alone",
                REFUSED,
                &["rpc web *", "speak user/7"],
                json!({}),
            ),
            (
                "with a right to speak elsewhere",
                REFUSED,
                &["rpc web *", "speak@core user/*"],
                json!({}),
            ),
            (
                "with a right to speak at one of two",
                REFUSED,
                &["rpc web *", "speak@web user/*"],
                json!({ "aud": ["web", "core"] }),
            ),
            ("for a service", REFUSED, &["admin"], json!({ "sub": "service:core" })),
            ("for nobody", REFUSED, speaker, json!({ "sub": "user/" })),
            ("for two lines", REFUSED, speaker, json!({ "sub": "user/7\nadmin" })),
            (
                "for a turned name",
                REFUSED,
                speaker,
                json!({ "sub": "user/7\u{202e}8" }),
            ),
            ("for a call, perhaps", REFUSED, speaker, json!({ "call": "yes" })),
            (
                "for a call, which is nothing",
                REFUSED,
                speaker,
                json!({ "call": null }),
            ),
            (
                "for a name too long",
                REFUSED,
                speaker,
                json!({ "sub": format!("user/{}", "ö".repeat(98)) }),
            ),
            (
                "by another than who signs",
                REFUSED,
                speaker,
                json!({ "act": { "sub": "service:core" } }),
            ),
            (
                "by who is spoken for",
                REFUSED,
                speaker,
                json!({ "act": { "sub": KEY } }),
            ),
            ("from who is spoken for", REFUSED, speaker, json!({ "iss": KEY })),
            ("by nobody", REFUSED, speaker, json!({ "act": null })),
            ("by a text", REFUSED, speaker, json!({ "act": "service:api" })),
            ("by somebody without a name", REFUSED, speaker, json!({ "act": {} })),
            ("by a number", REFUSED, speaker, json!({ "act": { "sub": 7 } })),
            (
                "for more than the speaker may",
                REFUSED,
                speaker,
                json!({ "cap": [CALL, "logs read"] }),
            ),
        ] {
            let holder = self.holder("service:api", &["web", "core"], rights)?;
            let own = holder.narrow(&narrowing(&[CALL], None)?, self.now)?;
            let spoken = json!({ "sub": KEY, "act": { "sub": "service:api" } });
            vectors.push(vector(
                what,
                said,
                forged(&seed(&holder), &own, &json!({}), &[spoken, claims])?,
            ));
        }
        vectors.extend(self.spoken_for()?);
        Ok(vectors)
    }

    /// What is done with a token in another's name that names a key.
    fn spoken_for(&self) -> Result<Vec<Vector>> {
        let gateway = self.holder("service:api", &["web"], &["rpc web *", "speak *"])?;
        let key = SigningKey::generate()?;
        let held = narrowing(&["rpc web *", "speak *"], Some(&key))?;
        let held = Holder::new(gateway.speak_for("user/7", &held, self.now)?, key)?;
        let call = narrowing(&[CALL], None)?;
        let narrower = held.narrow(&call, self.now)?;
        let mut vectors = vec![
            vector(
                "who is spoken for speaks for another",
                REFUSED,
                held.speak_for("user/8", &call, self.now)?,
            ),
            vector(
                "who is spoken for narrows it",
                "user/7 by service:api",
                narrower.clone(),
            ),
        ];
        for (what, claims) in [
            ("the speaker is named again", json!({ "act": { "sub": "service:api" } })),
            ("the one spoken for becomes another", json!({ "sub": "user/8" })),
            (
                "the one spoken for becomes the speaker",
                json!({ "sub": "service:api" }),
            ),
        ] {
            vectors.push(vector(
                what,
                REFUSED,
                forged(&seed(&held), &narrower, &json!({}), &[claims])?,
            ));
        }
        Ok(vectors)
    }

    /// Tokens in one's own name.
    pub(super) fn shapes(&self) -> Result<Vec<Vector>> {
        let now = self.now;
        let holder = self.holder("shop", &["web"], &["rpc web *"])?;
        let mut vectors = vec![
            vector("a fourth link", "shop", self.deep(4)?),
            vector("a fifth link", REFUSED, self.deep(5)?),
            vector("one that names a key", REFUSED, holder.token().to_owned()),
            vector(
                "one that has ended",
                "TOKEN_EXPIRED",
                self.first("shop", &["web"], &[CALL], None, now - 3_600)?,
            ),
        ];
        let child = holder.narrow(&narrowing(&[CALL], None)?, now)?;
        for (what, said, claims) in [
            ("narrower", "shop", json!({})),
            ("elsewhere than its parent", REFUSED, json!({ "aud": ["web", "core"] })),
            ("longer than its parent", REFUSED, json!({ "exp": now + 86_400 })),
            ("before its parent", REFUSED, json!({ "iat": now - 60 })),
            (
                "for another without a word of who speaks",
                REFUSED,
                json!({ "sub": "user/7" }),
            ),
        ] {
            vectors.push(vector(
                what,
                said,
                forged(&seed(&holder), &child, &json!({}), &[claims])?,
            ));
        }
        let root: Value = serde_json::from_str(self.root.to_jwk().reveal())?;
        let root = root["d"].as_str().context("it has a private half")?;
        let first = self.first("shop", &["web"], &[CALL], None, now)?;
        for (what, said, header, claims) in [
            ("the root's, as it was", "shop", json!({}), json!({})),
            ("for every service", "shop", json!({}), json!({ "aud": "*" })),
            ("for no service", "TOKEN_AUDIENCE", json!({}), json!({ "aud": [] })),
            (
                "for another method",
                "FORBIDDEN",
                json!({}),
                json!({ "cap": ["rpc web total"] }),
            ),
            ("for nothing", "FORBIDDEN", json!({}), json!({ "cap": [] })),
            ("with a text for rights", REFUSED, json!({}), json!({ "cap": "admin" })),
            (
                "the root speaks for somebody",
                REFUSED,
                json!({}),
                json!({ "act": { "sub": "service:api" } }),
            ),
            ("of another issuer", REFUSED, json!({}), json!({ "iss": "blackroad" })),
            ("without a name", REFUSED, json!({}), json!({ "jti": "" })),
            ("for two years", REFUSED, json!({}), json!({ "exp": now + 63_072_000 })),
            (
                "from tomorrow on",
                REFUSED,
                json!({}),
                json!({ "nbf": now + 86_400, "exp": now + 90_000 }),
            ),
            (
                "with something critical that nobody knows",
                REFUSED,
                json!({ "crit": ["exp"] }),
                json!({}),
            ),
            (
                "a statement of another type",
                REFUSED,
                json!({ "typ": "revocation+jwt" }),
                json!({}),
            ),
            ("of an unknown key", REFUSED, json!({ "kid": "another" }), json!({})),
            ("without an algorithm", REFUSED, json!({ "alg": "none" }), json!({})),
            ("with a shared secret", REFUSED, json!({ "alg": "HS256" }), json!({})),
        ] {
            vectors.push(vector(what, said, forged(root, &first, &header, &[claims])?));
        }
        Ok(vectors)
    }

    /// Each of some rights, narrowed to each of them and to what is none.
    pub(super) fn narrowings(&self) -> Result<Vec<Vector>> {
        const RIGHTS: &str = "admin, admin@web, rpc * *, rpc web *, rpc web, rpc web who*, rpc web whoAmI, rpc@web whoAmI, rpc core *, \
             event read *, event@web read *, event read user:*, event read user:created, event emit user:created, state read, \
             state read orders/, state read orders/*, state read orders/7, state read orders, speak user/*, speak user/7, logs read";
        const NONE: [&str; 7] = [
            "rpc",
            "rpc ",
            "rpc web.x y",
            "speak@ x",
            "admin of all",
            "@web read",
            "",
        ];
        let mut vectors = Vec::new();
        for own in RIGHTS.split(", ") {
            // With the right that is asked for beside it, so that whoever is let in shows that the other is within.
            let holder = self.holder("shop", &["web"], &[CALL, own])?;
            let child = holder.narrow(&narrowing(&[CALL], None)?, self.now)?;
            for asked in RIGHTS.split(", ").chain(NONE) {
                let token = forged(&seed(&holder), &child, &json!({}), &[json!({ "cap": [CALL, asked] })])?;
                vectors.push(vector(&format!("`{asked}` within `{own}`"), "", token));
            }
        }
        Ok(vectors)
    }
}

fn vector(what: &str, said: &'static str, token: String) -> Vector {
    Vector {
        what: what.to_owned(),
        token,
        said,
    }
}
