//! Users: `id/{id}` holds the user, `email/{folded address}` the id of who has the address.

use blackroad_os_contracts::core::{
    CreateUser, DeletedUser, FORGET_USER, GetUser, GetUserByEmail, ListUsers, USER_CREATED, USER_DELETED, USER_UPDATED,
    UpdateUser, User, Users,
};
use serde_json::json;
use syscall_sdk::context::{Commit, Context, JobContext};
use syscall_sdk::error::{Error, Kind, Result};
use syscall_sdk::name::{Key, Prefix};
use syscall_sdk::state::State;
use syscall_sdk::store::Condition;
use syscall_sdk::wire::Timestamp;

use crate::audit::{self, Decision};
use crate::kept::decode;
use crate::oauth::families;
use crate::{keys, passwords, roles, sessions, totp};

const NAMESPACE: &str = "users";
const IDS: &str = "id/";
const PAGE: usize = 50;
const PAGE_MAX: usize = 500;
/// RFC 5321 allows no longer address in a path.
const EMAIL_MAX_BYTES: usize = 254;
/// Longest name, in characters: it is shown in one line.
const NAME_MAX_CHARS: usize = 200;
/// Attempts of a change before another writer has won too often.
const ATTEMPTS: usize = 16;

pub(crate) async fn create(context: Context, params: CreateUser) -> Result<User> {
    let (user, commit) = creating(&context, context.batch(), &params.email, &params.name)?;
    let decision = Decision::allowed("user.create", format!("user/{}", user.id));
    match audit::commit(commit, decision).await {
        Ok(()) => Ok(user),
        Err(error) if error.code() == "VERSION_CONFLICT" => Err(email_taken(&user.email)),
        Err(error) => Err(error),
    }
}

/// A commit that makes a user as well; it is refused with a version conflict where the address is another's.
///
/// # Errors
/// `INVALID_EMAIL`, `INVALID_NAME`.
pub(crate) fn creating(context: &Context, commit: Commit, email: &str, name: &str) -> Result<(User, Commit)> {
    let users = context.namespace(NAMESPACE)?;
    let now = Timestamp(context.clock().now());
    let user = User {
        id: new_id(),
        email: check_email(email)?,
        name: check_name(name)?,
        created_at: now,
        updated_at: now,
    };
    let commit = commit
        .put(&users, &email_key(&user.email), &user.id, Condition::Absent)
        .put(&users, &id_key(&user.id), &user, Condition::Absent)
        .emit(&USER_CREATED, &user);
    Ok((user, commit))
}

pub(crate) async fn get(context: Context, params: GetUser) -> Result<User> {
    found(&context, &params.id.0).await
}

/// A user who has to be there.
///
/// # Errors
/// `USER_NOT_FOUND`.
pub(crate) async fn found(context: &Context, id: &str) -> Result<User> {
    let users = context.namespace(NAMESPACE)?;
    find(&users, id).await.map(|(user, _)| user)
}

/// A user who may be there.
///
/// # Errors
/// Where the store cannot be read.
pub(crate) async fn by_id(context: &Context, id: &str) -> Result<Option<User>> {
    match found(context, id).await {
        Ok(user) => Ok(Some(user)),
        Err(error) if error.kind() == Kind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// A commit that happens only while a user is there: nothing is given to who has just been deleted.
///
/// # Errors
/// Where the namespace is malformed, which it is not.
pub(crate) fn while_there(context: &Context, commit: Commit, id: &str) -> Result<Commit> {
    let users = context.namespace(NAMESPACE)?;
    Ok(commit.check(&users, &id_key(id), Condition::Present))
}

pub(crate) async fn get_by_email(context: Context, params: GetUserByEmail) -> Result<User> {
    let users = context.namespace(NAMESPACE)?;
    let missing = || not_found("email", &params.email);
    let key = email_key(&params.email);
    if Key::new(&key).is_err() {
        return Err(missing());
    }
    let id: String = users.get(&key).await?.ok_or_else(missing)?;
    users.get(&id_key(&id)).await?.ok_or_else(missing)
}

pub(crate) async fn list(context: Context, params: ListUsers) -> Result<Users> {
    let users = context.namespace(NAMESPACE)?;
    let limit = params.limit.unwrap_or(PAGE).clamp(1, PAGE_MAX);
    let page = users
        .page(&Prefix::new(IDS)?, params.cursor.map(|id| id_key(&id)), limit)
        .await?;
    let cursor = (page.len() == limit)
        .then(|| page.last().map(|entry| entry.key[IDS.len()..].to_owned()))
        .flatten();
    Ok(Users {
        users: page.iter().map(decode).collect::<Result<_>>()?,
        cursor,
    })
}

pub(crate) async fn update(context: Context, params: UpdateUser) -> Result<User> {
    let email = params.email.as_deref().map(check_email).transpose()?;
    let name = params.name.as_deref().map(check_name).transpose()?;
    let users = context.namespace(NAMESPACE)?;
    for _ in 0..ATTEMPTS {
        let (before, revision) = find(&users, &params.id.0).await?;
        let after = User {
            email: email.clone().unwrap_or_else(|| before.email.clone()),
            name: name.clone().unwrap_or_else(|| before.name.clone()),
            updated_at: Timestamp(context.clock().now()),
            ..before.clone()
        };
        let (old_key, new_key) = (email_key(&before.email), email_key(&after.email));
        let moves = old_key != new_key;
        if moves && users.entry(&new_key).await?.is_some() {
            return Err(email_taken(&after.email));
        }
        let mut commit = context
            .batch()
            .put(&users, &id_key(&after.id), &after, Condition::Revision(revision));
        if moves {
            commit =
                commit
                    .delete(&users, &old_key, Condition::Present)
                    .put(&users, &new_key, &after.id, Condition::Absent);
        }
        // Which fields, and not what stood in them: the record is kept for ever, and a person may be forgotten.
        let changed = [
            ("email", before.email != after.email),
            ("name", before.name != after.name),
        ];
        let changed: Vec<&str> = changed.iter().filter(|(_, is)| *is).map(|(field, _)| *field).collect();
        let decision =
            Decision::allowed("user.update", format!("user/{}", after.id)).with("changed", changed.join(" "));
        match audit::commit(commit.emit(&USER_UPDATED, &after), decision).await {
            Ok(()) => return Ok(after),
            // Someone came in between: what they did decides what this may do.
            Err(error) if error.code() == "VERSION_CONFLICT" => {}
            Err(error) => return Err(error),
        }
    }
    Err(contended(&params.id.0))
}

pub(crate) async fn delete(context: Context, params: GetUser) -> Result<DeletedUser> {
    let users = context.namespace(NAMESPACE)?;
    for _ in 0..ATTEMPTS {
        let (user, revision) = find(&users, &params.id.0).await?;
        roles::check_not_last_admin(&context, &user.id).await?;
        let deleted = DeletedUser { id: user.id.clone() };
        let commit = context
            .batch()
            .delete(&users, &id_key(&user.id), Condition::Revision(revision))
            .delete(&users, &email_key(&user.email), Condition::Present)
            .emit(&USER_DELETED, &deleted)
            .enqueue(&FORGET_USER, &deleted);
        let decision = Decision::allowed("user.delete", format!("user/{}", user.id));
        match audit::commit(commit, decision).await {
            Ok(()) => return Ok(deleted),
            Err(error) if error.code() == "VERSION_CONFLICT" => {}
            Err(error) => return Err(error),
        }
    }
    Err(contended(&params.id.0))
}

/// Forgets what else is kept of a deleted user. None of it is of use meanwhile: whatever names a user who is not there is refused.
pub(crate) async fn forget(context: JobContext, deleted: DeletedUser) -> Result<()> {
    passwords::forget(&context, &deleted.id).await?;
    totp::forget(&context, &deleted.id).await?;
    keys::forget(&context, &deleted.id).await?;
    roles::forget(&context, &deleted.id).await?;
    let commit = sessions::ending_all(&context, context.batch(), &deleted.id).await?;
    let commit = families::revoking_all(&context, commit, &deleted.id).await?;
    commit.commit().await.map(drop)
}

async fn find(users: &State, id: &str) -> Result<(User, u64)> {
    let key = id_key(id);
    // A text that can be no key is an id that nobody has.
    let entry = if Key::new(&key).is_ok() {
        users.entry(&key).await?
    } else {
        None
    };
    let entry = entry.ok_or_else(|| not_found("id", id))?;
    Ok((decode(&entry)?, entry.revision))
}

fn new_id() -> String {
    syscall_sdk::name::new_id()
}

fn id_key(id: &str) -> String {
    format!("{IDS}{id}")
}

fn email_key(email: &str) -> String {
    format!("email/{}", email.trim().to_lowercase())
}

fn check_email(email: &str) -> Result<String> {
    let email = email.trim();
    let well_formed = email.split_once('@').is_some_and(|(local, host)| {
        !local.is_empty() && !host.is_empty() && !host.contains('@') && !host.starts_with('.') && !host.ends_with('.')
    });
    let clean = !email.chars().any(|c| c.is_whitespace() || c.is_control());
    if well_formed && clean && email.len() <= EMAIL_MAX_BYTES {
        return Ok(email.to_owned());
    }
    Err(Error::invalid(format!(
        "email is name@host, at most {EMAIL_MAX_BYTES} bytes, without spaces"
    ))
    .with_code("INVALID_EMAIL"))
}

fn check_name(name: &str) -> Result<String> {
    let name = name.trim();
    let chars = name.chars().count();
    if (1..=NAME_MAX_CHARS).contains(&chars) && !name.chars().any(char::is_control) {
        return Ok(name.to_owned());
    }
    Err(Error::invalid(format!("name is 1 to {NAME_MAX_CHARS} characters on one line")).with_code("INVALID_NAME"))
}

fn not_found(field: &str, value: &str) -> Error {
    Error::not_found(format!("no user has the {field} {value:?}"))
        .with_code("USER_NOT_FOUND")
        .with_details(json!({ field: value }))
}

fn email_taken(email: &str) -> Error {
    Error::conflict(format!("another user has the address {email:?}"))
        .with_code("EMAIL_TAKEN")
        .with_details(json!({ "email": email }))
}

fn contended(id: &str) -> Error {
    Error::conflict(format!("user {id:?} is being changed by too many at once; try again"))
}
