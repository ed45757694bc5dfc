//! The roster: `{service key}/{instance}` holds what is known of a process.

use std::time::Duration;

use blackroad_os_contracts::operator::{self as contract, JOINED, LOST, Presence, Swept};
use futures_util::stream::{self, Stream};
use syscall_sdk::config::Environment;
use syscall_sdk::context::{Context, JobContext};
use syscall_sdk::contract::Topic;
use syscall_sdk::error::{Error, Kind, Result};
use syscall_sdk::name::Prefix;
use syscall_sdk::rpc::CallOptions;
use syscall_sdk::state::State;
use syscall_sdk::store::Condition;
use syscall_sdk::wire::{
    Announce, Announced, HealthStatus, ListMesh, Mesh, MeshInstance, MeshService, SignOff, SignedOff, Timestamp,
};

use crate::announcement::{self, member_key};

const NAMESPACE: &str = "mesh";
/// How long who has gone is still shown: long enough to see after a bad night what happened in it.
const REMEMBERED: Duration = Duration::from_secs(24 * 3_600);
/// Most processes of a service that the roster knows, those that have gone with them: more than a small team runs, twice over while they
/// are replaced, and a bad night's crashes. What a reader of the roster is told stays below a megabyte.
const INSTANCES_MAX: usize = 64;
/// Longest wait for a process that is about to be replaced: one that is up answers in milliseconds.
const STILL_THERE: Duration = Duration::from_secs(1);

pub(crate) const UP: &str = "up";
pub(crate) const LEFT: &str = "left";
pub(crate) const GONE: [&str; 2] = [LEFT, "lost"];

pub(crate) fn members(context: &Context) -> Result<State> {
    context.namespace(NAMESPACE)
}

/// A service announces itself: where callers show tokens, theirs says who they are.
pub(crate) async fn announce(context: Context, params: Announce) -> Result<Announced> {
    speaks_for(&context, &params.identity.service)?;
    let target = format!("service/{}", context.registry().get(&params.identity.service)?.key);
    let entered = enter(context.clone(), params).await;
    if let Err(error) = &entered
        && error.code() == "TOO_MANY_INSTANCES"
    {
        context.refused("mesh.announce", &target, error.code());
    }
    entered
}

fn speaks_for(context: &Context, service: &str) -> Result<()> {
    let record = context.registry().get(service)?;
    match &context.request().caller.principal {
        Some(principal) if principal.service() != Some(&record.key) => Err(Error::new(
            Kind::Forbidden,
            format!(
                "{} cannot speak for {}: a service announces itself",
                principal.subject, record.name
            ),
        )),
        _ => Ok(()),
    }
}

/// Puts a process on the roster.
pub(crate) async fn enter(context: Context, params: Announce) -> Result<Announced> {
    let record = context.registry().get(&params.identity.service)?.clone();
    let key = member_key(&record.key, &params.instance)?;
    let url = announcement::checked(context.registry(), &record, &params)?;
    let members = members(&context)?;
    let now = Timestamp(context.clock().now());
    let known: Option<MeshInstance> = members.get(&key).await?;
    let joined = known.as_ref().is_none_or(|known| known.state != UP);
    let mut others: Vec<(String, MeshInstance)> = members.list(&service_prefix(&record.key)?).await?;
    others.retain(|(other, _)| *other != key);
    let member = MeshInstance {
        instance: params.instance.clone(),
        state: UP.to_owned(),
        status: params.identity.health.status,
        version: params.identity.version,
        url,
        since: known.filter(|_| !joined).map_or(now, |known| known.since),
        last_seen: now,
        latency: None,
        reason: None,
    };
    let mut commit = context.batch().put(&members, &key, &member, Condition::Any);
    for stalest in make_room(&record.key, &mut others)? {
        commit = commit.delete(&members, &stalest, Condition::Any);
    }
    if joined {
        let presence = Presence {
            service: record.name.clone(),
            instance: params.instance.clone(),
            reason: None,
        };
        commit = commit.emit(&JOINED, &presence);
    }
    // A service with one replica that starts anew has replaced the process that was there, however that one ended.
    let one = record.replicas == 1 || context.kernel().settings.environment != Environment::Production;
    others.retain(|(_, member)| member.state == UP);
    if one && joined && !others.is_empty() {
        // Unless it is the one that answers: then nothing has been replaced, whoever says so.
        let there = answering(&context, &record.key).await;
        for (other, mut before) in others {
            if there.as_deref() == Some(before.instance.as_str()) {
                continue;
            }
            before.state = "lost".to_owned();
            before.reason = Some("replaced by a new process".to_owned());
            let presence = Presence {
                service: record.name.clone(),
                instance: before.instance.clone(),
                reason: before.reason.clone(),
            };
            commit = commit
                .put(&members, &other, &before, Condition::Any)
                .emit(&LOST, &presence);
        }
    }
    commit.commit().await?;
    let probe_interval = context.registry().file().probe_interval_seconds * 1_000;
    Ok(Announced { joined, probe_interval })
}

/// Which of the others go for a newcomer, where there is no room beside them: whoever has been gone for longest.
///
/// # Errors
/// `TOO_MANY_INSTANCES` where too few have gone: none that lives goes for one that is new.
fn make_room(service: &str, others: &mut Vec<(String, MeshInstance)>) -> Result<Vec<String>> {
    let surplus = (others.len() + 1).saturating_sub(INSTANCES_MAX);
    // Who is up stands behind all who have gone.
    others.sort_by_key(|(_, member)| (member.state == UP, member.last_seen));
    if others.iter().take(surplus).any(|(_, member)| member.state == UP) {
        return Err(Error::conflict(format!(
            "{INSTANCES_MAX} processes of {service} are up, and the roster has room for no more; stop one first"
        ))
        .with_code("TOO_MANY_INSTANCES"));
    }
    Ok(others.drain(..surplus).map(|(key, _)| key).collect())
}

/// The process that answers where the registry has a service, if one does.
async fn answering(context: &Context, service: &str) -> Option<String> {
    let options = CallOptions {
        timeout: Some(STILL_THERE),
        ..CallOptions::default()
    };
    context.rpc().health_of(service, &options).await.ok()?.1
}

pub(crate) async fn sign_off(context: Context, params: SignOff) -> Result<SignedOff> {
    speaks_for(&context, &params.service)?;
    let record = context.registry().get(&params.service)?.clone();
    let key = member_key(&record.key, &params.instance)?;
    let reason = announcement::short(&params.reason);
    let left = mark_gone(&context, &key, &record.name, LEFT, &reason, &contract::LEFT).await?;
    Ok(SignedOff { left })
}

/// Takes a process off the roster, with its event in the same commit. Gives whether it was on it.
pub(crate) async fn mark_gone(
    context: &Context,
    key: &str,
    service: &str,
    state: &str,
    reason: &str,
    topic: &Topic<Presence>,
) -> Result<bool> {
    let members = members(context)?;
    let Some(entry) = members.entry(key).await? else {
        return Ok(false);
    };
    let mut member: MeshInstance = entry
        .value
        .to()
        .map_err(|error| Error::internal(format!("{key} holds no process")).with_source(error))?;
    if member.state != UP {
        return Ok(false);
    }
    member.state = state.to_owned();
    member.reason = Some(reason.to_owned());
    let presence = Presence {
        service: service.to_owned(),
        instance: member.instance.clone(),
        reason: member.reason.clone(),
    };
    let commit = context
        .batch()
        .put(&members, key, &member, Condition::Revision(entry.revision))
        .emit(topic, &presence);
    match commit.commit().await {
        Ok(_) => Ok(true),
        // It announced itself again in this moment.
        Err(error) if error.code() == "VERSION_CONFLICT" => Ok(false),
        Err(error) => Err(error),
    }
}

/// Puts a process that was thought lost back on the roster, with its event in the same commit.
pub(crate) async fn mark_found(context: &Context, key: &str, service: &str, status: HealthStatus) -> Result<()> {
    let members = members(context)?;
    let Some(entry) = members.entry(key).await? else {
        return Ok(());
    };
    let known: MeshInstance = entry
        .value
        .to()
        .map_err(|error| Error::internal(format!("{key} holds no process")).with_source(error))?;
    let now = Timestamp(context.clock().now());
    let member = MeshInstance {
        state: UP.to_owned(),
        status,
        since: now,
        last_seen: now,
        reason: None,
        ..known
    };
    let presence = Presence {
        service: service.to_owned(),
        instance: member.instance.clone(),
        reason: Some("it answers again".to_owned()),
    };
    let commit = context
        .batch()
        .put(&members, key, &member, Condition::Revision(entry.revision))
        .emit(&JOINED, &presence);
    match commit.commit().await {
        // It announced itself in this moment.
        Err(error) if error.code() == "VERSION_CONFLICT" => Ok(()),
        outcome => outcome.map(drop),
    }
}

/// The roster, now and whenever it shows something else than before but how long ago and how fast a process answered.
pub(crate) async fn watch(context: Context, _: ListMesh) -> Result<impl Stream<Item = Result<Mesh>> + Send> {
    let members = members(&context)?;
    // Watched from before the first look, so that nothing falls between the two.
    let changes = members.watch(Prefix::all(), members.now());
    let begun = (context, changes, None);
    Ok(stream::try_unfold(begun, |(context, mut changes, shown)| async move {
        loop {
            if shown.is_some() {
                changes.next().await?;
            }
            let roster = list(context.clone(), ListMesh {}).await?;
            let face = Some(face(&roster));
            if face != shown {
                return Ok(Some((roster, (context, changes, face))));
            }
        }
    }))
}

/// What a reader of the roster acts on: not the times that every probe changes.
fn face(roster: &Mesh) -> Mesh {
    let mut face = roster.clone();
    for member in face.services.iter_mut().flat_map(|service| &mut service.instances) {
        member.last_seen = member.since;
        member.latency = None;
    }
    face
}

pub(crate) async fn list(context: Context, _: ListMesh) -> Result<Mesh> {
    let members = members(&context)?;
    let all: Vec<(String, MeshInstance)> = members.list(&Prefix::all()).await?;
    let services = context
        .registry()
        .services()
        .map(|record| {
            let prefix = format!("{}/", record.key);
            let instances: Vec<MeshInstance> = all
                .iter()
                .filter(|(key, _)| key.starts_with(&prefix))
                .map(|(_, member)| member.clone())
                .collect();
            let status: Option<HealthStatus> = instances
                .iter()
                .filter(|member| member.state == UP)
                .map(|member| member.status)
                .min();
            MeshService {
                key: record.key.clone(),
                service: record.name.clone(),
                role: record.role.clone(),
                status,
                instances,
            }
        })
        .collect();
    Ok(Mesh { services })
}

pub(crate) async fn sweep(context: JobContext, (): ()) -> Result<Swept> {
    let members = members(&context)?;
    let oldest = context.clock().now() - REMEMBERED;
    let mut dropped = 0;
    for (key, member) in members.list::<MeshInstance>(&Prefix::all()).await? {
        if GONE.contains(&member.state.as_str())
            && member.last_seen.0 < oldest
            && members.delete(&key, Condition::Any).await?
        {
            dropped += 1;
        }
    }
    Ok(Swept { dropped })
}

pub(crate) fn service_prefix(service: &str) -> Result<Prefix> {
    Prefix::new(format!("{service}/"))
}
