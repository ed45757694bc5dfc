//! OAuth clients: programs to which core gives tokens, in their own name or in that of who signs in there.

use serde::{Deserialize, Serialize};
use syscall_sdk::contract::{Method, Task, Topic};
use syscall_sdk::wire::Timestamp;
use utoipa::ToSchema;

use super::Hidden;

/// Makes a client. `INVALID_CLIENT_METADATA`, `INVALID_RIGHT`.
pub const CREATE_CLIENT: Method<CreateClient, CreatedClient> = Method::new(
    "core",
    "createClient",
    "Makes an OAuth client and shows its secret, this once.",
);
/// Every registered client, by id.
pub const LIST_CLIENTS: Method<ListClients, Clients> =
    Method::new("core", "listClients", "Every registered OAuth client.").idempotent();
/// Gives a client, or one of the fleet's own, another secret; the one before is good no more. `CLIENT_NOT_FOUND`.
pub const ROTATE_CLIENT_SECRET: Method<GetClient, CreatedClient> = Method::new(
    "core",
    "rotateClientSecret",
    "Gives a client a new secret and shows it, this once.",
);
/// Deletes a client; its refresh tokens are good no more. `CLIENT_NOT_FOUND`.
pub const DELETE_CLIENT: Method<GetClient, Client> = Method::new("core", "deleteClient", "Deletes an OAuth client.");

/// Looks after the keys that sign tokens: makes the next in time, forgets the old ones. A schedule runs it each hour.
pub const ROTATE_SIGNING_KEYS: Task<(), ()> = Task::new("core", "rotate-signing-keys");

/// A client was made or changed; in the same commit.
pub const CLIENT_CHANGED: Topic<Client> = Topic::new("core", "client:changed");
/// A client was deleted; in the same commit.
pub const CLIENT_DELETED: Topic<GetClient> = Topic::new("core", "client:deleted");
/// A family of refresh tokens was revoked; in the same commit.
pub const TOKENS_REVOKED: Topic<TokensRevoked> = Topic::new("core", "token:revoked");

/// A client, without its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Client {
    /// `client_id`.
    pub id: String,
    /// What people are shown when it asks for their consent.
    pub name: String,
    /// Where codes may be sent: compared letter by letter.
    #[serde(default)]
    pub redirect_uris: Vec<String>,
    /// What it may do in its own name, with the grant `client_credentials`.
    #[serde(default)]
    pub rights: Vec<String>,
    /// Whether it can keep a secret; one that cannot has PKCE alone.
    pub confidential: bool,
    /// Whether it is of the fleet: people are not asked for their consent.
    #[serde(default)]
    pub first_party: bool,
    /// When it was made.
    pub created_at: Timestamp,
}

/// See [`CREATE_CLIENT`].
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CreateClient {
    /// What people are shown.
    pub name: String,
    /// Where codes may be sent; `https`, or `http` on loopback. None for a program that only speaks for itself.
    #[serde(default)]
    pub redirect_uris: Vec<String>,
    /// What it may do in its own name.
    #[serde(default)]
    pub rights: Vec<String>,
    /// Whether it can keep a secret; yes unless said.
    #[serde(default = "yes")]
    pub confidential: bool,
}

const fn yes() -> bool {
    true
}

/// What [`CREATE_CLIENT`] and [`ROTATE_CLIENT_SECRET`] give.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CreatedClient {
    /// What is kept of it.
    pub client: Client,
    /// `client_secret`, shown here and nowhere else; absent where the client cannot keep one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<Hidden>,
}

/// See [`LIST_CLIENTS`].
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct ListClients {}

/// What [`LIST_CLIENTS`] gives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Clients {
    /// By id.
    pub clients: Vec<Client>,
}

/// See [`DELETE_CLIENT`].
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct GetClient {
    /// `client_id`.
    pub id: String,
}

/// Why tokens are good no more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TokensRevoked {
    /// The family of tokens.
    pub family: String,
    /// The client that had them.
    pub client_id: String,
    /// In whose name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    /// Why: `revoked`, or `reused` where a token came that had been exchanged before.
    pub reason: String,
}
