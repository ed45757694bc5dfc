//! Sessions: `of/{user}/{id}` holds one, `token/{hash}` leads to it. The token is in one browser and nowhere else.

mod record;

use std::time::Duration;

use blackroad_os_contracts::core::{
    GetUser, RevokeSessions, RevokedSessions, SESSION_ENDED, SESSION_STARTED, Session, SessionEnded, Sessions, User,
};
use chrono::TimeDelta;
use syscall_sdk::context::{Commit, Context};
use syscall_sdk::error::Result;
use syscall_sdk::name::{Key, Prefix, new_id};
use syscall_sdk::store::{Condition, Seq};
use syscall_sdk::wire::{CheckSession, CheckedSession, SignedIn, Timestamp};

use crate::audit::{self, Decision};
use crate::throttle::Origin;
use crate::{devices, roles, token, users, writes};
use record::{IDLE, Kept, LIFE, Pointer, is_live, is_stale};

const NAMESPACE: &str = "sessions";
/// Most sessions of one user: past it the oldest ends. A person has a few browsers.
const SESSIONS_MAX: usize = 20;
/// Longest name of a browser that is kept, in characters.
const AGENT_MAX_CHARS: usize = 200;

/// Signs a user in: the session, its event and the browser that is known from now on are one commit. Gives the token, which is for the
/// browser and for nobody else.
///
/// # Errors
/// Where the store refuses.
pub(crate) async fn begin(
    context: &Context,
    user: &User,
    methods: &[&str],
    origin: &Origin,
    device: &str,
) -> Result<String> {
    let sessions = context.namespace(NAMESPACE)?;
    let token = token::secret()?;
    let now = context.clock().now();
    let agent = origin.agent.as_deref();
    let session = Session {
        id: new_id(),
        user_id: user.id.clone(),
        methods: methods.iter().map(|method| (*method).to_owned()).collect(),
        address: origin.address.clone(),
        agent: agent.map(|agent| agent.chars().take(AGENT_MAX_CHARS).collect()),
        created_at: Timestamp(now),
        last_used_at: Timestamp(now),
        expires_at: Timestamp(now + LIFE),
    };
    let kept = Kept {
        session: session.clone(),
        token: token::hashed(&token),
    };
    let pointer = Pointer {
        user_id: user.id.clone(),
        id: session.id.clone(),
    };
    let life = span(LIFE);
    let mut commit = context
        .batch()
        .put_for(&sessions, &of(&user.id, &session.id), &kept, Condition::Absent, life)
        .put_for(&sessions, &by_token(&kept.token), &pointer, Condition::Absent, life)
        .emit(&SESSION_STARTED, &session);
    commit = devices::noting(context, commit, device, &user.id)?;
    let mut all = all(context, &user.id).await?;
    all.sort_by_key(|kept| std::cmp::Reverse(kept.session.created_at.0));
    for old in all.iter().skip(SESSIONS_MAX - 1) {
        commit = ending(context, commit, old)?;
    }
    commit = users::while_there(context, commit, &user.id)?;
    let decision = Decision::allowed("login", format!("user/{}", user.id)).by(format!("user/{}", user.id));
    audit::commit(commit, decision).await?;
    Ok(token)
}

/// Whose token it is, where the session is good; notes that it was used.
///
/// # Errors
/// Where the store cannot be read.
pub(crate) async fn of_token(context: &Context, token: &str) -> Result<Option<(Session, User)>> {
    let sessions = context.namespace(NAMESPACE)?;
    let Some(pointer) = sessions.get::<Pointer>(&by_token(&token::hashed(token))).await? else {
        return Ok(None);
    };
    let key = of(&pointer.user_id, &pointer.id);
    let Some(entry) = sessions.entry(&key).await? else {
        return Ok(None);
    };
    let kept: Kept = crate::kept::decode(&entry)?;
    if !is_live(&kept.session, context.clock().now()) {
        return Ok(None);
    }
    let Some(user) = users::by_id(context, &pointer.user_id).await? else {
        return Ok(None);
    };
    let session = kept.session.clone();
    touch(context, &key, kept, entry.revision).await?;
    Ok(Some((session, user)))
}

pub(crate) async fn list(context: Context, params: GetUser) -> Result<Sessions> {
    let user = users::found(&context, &params.id.0).await?;
    let sessions = live(&context, &user.id).await?;
    Ok(Sessions { sessions })
}

/// The sessions of a user that are good, newest first.
///
/// # Errors
/// Where the store cannot be read.
pub(crate) async fn live(context: &Context, user: &str) -> Result<Vec<Session>> {
    let now = context.clock().now();
    let all = all(context, user).await?.into_iter().map(|kept| kept.session);
    let mut live: Vec<Session> = all.filter(|session| is_live(session, now)).collect();
    live.sort_by_key(|session| std::cmp::Reverse(session.created_at.0));
    Ok(live)
}

/// Whether a session is good, for a service in whose pages its person is signed in; notes that it was used, where they did something.
pub(crate) async fn check(context: Context, params: CheckSession) -> Result<CheckedSession> {
    let nobody = || Ok(CheckedSession { person: None });
    let (sessions, key) = (context.namespace(NAMESPACE)?, of(&params.user_id, &params.id));
    if Key::new(&key).is_err() {
        return nobody();
    }
    let Some(entry) = sessions.entry(&key).await? else {
        return nobody();
    };
    let kept: Kept = crate::kept::decode(&entry)?;
    let now = context.clock().now();
    if !is_live(&kept.session, now) {
        return nobody();
    }
    let Some(user) = users::by_id(&context, &params.user_id).await? else {
        return nobody();
    };
    let expires_at = kept.session.expires_at;
    if params.used {
        touch(&context, &key, kept, entry.revision).await?;
    }
    let rights = roles::rights_of(&context, &user.id).await?.rights;
    let (name, email) = (user.name, user.email);
    Ok(CheckedSession {
        person: Some(SignedIn {
            name,
            email,
            rights,
            expires_at,
        }),
    })
}

/// Notes that a session was used, at most once a minute.
async fn touch(context: &Context, key: &str, mut kept: Kept, as_read: Seq) -> Result<()> {
    let now = context.clock().now();
    if !is_stale(&kept.session, now) {
        return Ok(());
    }
    kept.session.last_used_at = Timestamp(now);
    let left = span(kept.session.expires_at.0 - now);
    let sessions = context.namespace(NAMESPACE)?;
    // Only what is there as it was read: a session that was ended meanwhile stays so.
    let touch = context
        .batch()
        .put_for(&sessions, key, &kept, Condition::Revision(as_read), left);
    let touched = touch.commit().await;
    if writes::came_late(&touched) {
        Ok(())
    } else {
        touched.map(drop)
    }
}

pub(crate) async fn revoke(context: Context, params: RevokeSessions) -> Result<RevokedSessions> {
    let user = &params.user_id.0;
    let revoked = end(&context, user, params.id.as_deref()).await?;
    if revoked.ended == 0 {
        // Who was to be signed out is on the record also where nobody was signed in.
        audit::note(
            &context,
            Decision::allowed("session.end", format!("user/{user}")).with("ended", "0"),
        )
        .await?;
    }
    Ok(revoked)
}

/// Ends a session of a user, or all where none is named.
///
/// # Errors
/// Where the store refuses.
pub(crate) async fn end(context: &Context, user: &str, id: Option<&str>) -> Result<RevokedSessions> {
    let kept = all(context, user).await?;
    let chosen = kept.iter().filter(|kept| id.is_none_or(|id| kept.session.id == id));
    let (mut commit, mut ended) = (context.batch(), 0);
    for kept in chosen {
        commit = ending(context, commit, kept)?;
        ended += 1;
    }
    if ended > 0 {
        let decision = Decision::allowed("session.end", format!("user/{user}"));
        audit::commit(commit, decision).await?;
    }
    Ok(RevokedSessions { ended })
}

/// The commit with the end of every session of a user.
///
/// # Errors
/// Where the store cannot be read.
pub(crate) async fn ending_all(context: &Context, commit: Commit, user: &str) -> Result<Commit> {
    let all = all(context, user).await?;
    all.iter()
        .try_fold(commit, |commit, kept| ending(context, commit, kept))
}

fn ending(context: &Context, commit: Commit, kept: &Kept) -> Result<Commit> {
    let sessions = context.namespace(NAMESPACE)?;
    let ended = SessionEnded {
        id: kept.session.id.clone(),
        user_id: kept.session.user_id.clone(),
    };
    Ok(commit
        .delete(&sessions, &of(&ended.user_id, &ended.id), Condition::Any)
        .delete(&sessions, &by_token(&kept.token), Condition::Any)
        .emit(&SESSION_ENDED, &ended))
}

async fn all(context: &Context, user: &str) -> Result<Vec<Kept>> {
    let prefix = format!("of/{user}/");
    if Key::new(&prefix).is_err() {
        return Ok(Vec::new());
    }
    let all = context.namespace(NAMESPACE)?.list(&Prefix::new(prefix)?).await?;
    Ok(all.into_iter().map(|(_, kept)| kept).collect())
}

fn of(user: &str, id: &str) -> String {
    format!("of/{user}/{id}")
}

fn by_token(hash: &str) -> String {
    format!("token/{hash}")
}

fn span(span: TimeDelta) -> Duration {
    span.to_std().unwrap_or_default()
}

/// How long a browser keeps the cookie: as long as a session can last.
pub(crate) fn cookie_life() -> Duration {
    span(LIFE)
}

/// How long a session rests before it is asked for again, in words of a page.
pub(crate) fn idle_hours() -> i64 {
    IDLE.num_hours()
}
