//! Capability tokens (RFC 7519) and statements of revocation, as their claims stand in them.

use serde::{Deserialize, Serialize};

/// What a token claims.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenClaims {
    /// Who signed it: the fleet's root, or the holder of the parent.
    pub iss: String,
    /// On whose behalf it is used; the same in every link of a chain, save where `act` says who speaks for another.
    pub sub: String,
    /// At which services, by key; `*` is all.
    pub aud: Audience,
    /// When it was made, in seconds since the epoch.
    pub iat: u64,
    /// When it begins, in seconds since the epoch, where that is later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nbf: Option<u64>,
    /// When it ends, in seconds since the epoch.
    pub exp: u64,
    /// Its name, for revocation.
    pub jti: String,
    /// What it allows.
    pub cap: Vec<String>,
    /// Whose key signs what is narrowed from it (RFC 7800). With it the token alone is no credential.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cnf: Option<Confirmation>,
    /// The token that it was narrowed from; absent where the root signed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
    /// Who speaks for the subject, where its parent's holder says that it calls for another (RFC 8693, section 4.1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub act: Option<Actor>,
    /// Whether it is for a call: it opens what the call opens, such as a stream, which then lasts for as long as what its parent's holder opens
    /// may. What another narrowed token opened ends with that token.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub call: bool,
}

/// `act`: who acts in the name of a token's subject.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// Its own subject.
    pub sub: String,
}

/// One service or several (RFC 7519, section 4.1.3).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Audience {
    /// One.
    One(String),
    /// Several.
    Several(Vec<String>),
}

/// `cnf`: the key of who holds a token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confirmation {
    /// It.
    pub jwk: OkpKey,
}

/// An Ed25519 key as a JWK (RFC 8037).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OkpKey {
    /// `OKP`.
    pub kty: String,
    /// `Ed25519`.
    pub crv: String,
    /// The public key, in base64url.
    pub x: String,
}

/// What a statement of revocation claims; the fleet's root signs it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RevocationClaims {
    /// The fleet's root.
    pub iss: String,
    /// When it was said, in seconds since the epoch.
    pub iat: u64,
    /// When it may be forgotten, since nothing lives that it is about.
    pub exp: u64,
    /// What is revoked.
    pub rev: Revoked,
}

/// What is revoked.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Revoked {
    /// One token by its `jti`, with all that was narrowed from it.
    Jti(String),
    /// All tokens that name this key, by its thumbprint (RFC 7638).
    Key(String),
    /// All tokens of a subject that were made before the statement was, or in the same second.
    Subject(String),
}

/// `POST /v1/sys/revocations`, and what the GET answers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Revocations {
    /// Statements, each a JWT that the fleet's root signed.
    pub statements: Vec<String>,
}

/// What posting revocations answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RevocationsTaken {
    /// How many were news here.
    pub taken: usize,
    /// How many this service knows.
    pub known: usize,
}
