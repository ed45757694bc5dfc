//! What a kernel store needs beyond get and put: delete, conditions, prefixes, pages, time to live, transactions, watching.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};

use super::probe::Probe;
use super::reply::{Is, Reply};
use super::rule::{Rule, Verdict, ensure, fail, rule};
use super::state::{ENTRY, PATH, get, put, write};
use super::stream::{Stream, is_event};

pub(super) const RULES: &[Rule] = &[
    rule!(State Ours Required, "a deleted key is absent and starts again at version 1", "2.0 — state: after a delete a key starts again at version 1", delete),
    rule!(State Ours Required, "a delete may expect a version", "Ours: DELETE /v1/sys/state?key[&expectedVersion]", delete_expected),
    rule!(State Ours Required, "a write and a read give the same ETag, and no ETag comes twice", "2.0 — state: the ETag never repeats", etag),
    rule!(State Ours Required, "If-None-Match with the current ETag is 304", "Ours: ETag/If-None-Match on state", not_modified),
    rule!(State Ours Required, "If-Match lets the current ETag through and refuses another with 412", "Ours: 412 when they fail", if_match),
    rule!(State Ours Required, "If-None-Match * writes only where the key is absent", "Ours: 412 when they fail", if_none_match),
    rule!(State Ours Required, "a prefix lists its keys in order and none of its neighbours'", "Ours: GET /v1/sys/state?prefix", prefix),
    rule!(State Ours Required, "a prefix that ends in neither / nor : is refused", "Ours: a prefix is literal and ends in `/` or `:`", bad_prefix),
    rule!(State Ours Required, "pages join without a seam", "Ours: GET /v1/sys/state?limit&cursor", pages),
    rule!(State Ours Required, "a key with a ttl is forgotten when it is over", "Ours: PUT with `ttl` ms", ttl),
    rule!(State Ours Required, "a transaction writes all of its keys", "Ours: POST /v1/sys/state/transaction", transaction),
    rule!(State Ours Required, "a transaction that is refused writes none of its keys", "Ours: all or nothing over many keys", all_or_nothing),
    rule!(State Ours Required, "a watch brings puts and deletes as events, in order", "Ours: GET /v1/sys/state/watch", watch),
    rule!(State Ours Required, "a watch resumes by Last-Event-ID and skips nothing", "Ours: GET /v1/sys/state/watch (SSE, resumable)", watch_resumes),
];

async fn remove(probe: &Probe, key: &str, version: Option<u64>) -> Verdict<Reply> {
    let mut request = probe.ask(Method::DELETE, PATH).query(&[("key", key)]);
    if let Some(version) = version {
        request = request.query(&[("expectedVersion", version)]);
    }
    probe.read(request).await
}

async fn put_if(probe: &Probe, key: &str, header: &str, tag: &str) -> Verdict<Reply> {
    let request = probe.ask(Method::PUT, PATH).header(header, tag);
    probe.read(request.json(&json!({ "key": key, "value": tag }))).await
}

async fn delete(probe: &Probe) -> Verdict {
    let key = probe.key("delete");
    write(probe, &key, json!(1)).await?;
    write(probe, &key, json!(2)).await?;
    remove(probe, &key, None).await?.status(200)?;
    get(probe, &key).await?.refuses(404, None)?;
    write(probe, &key, json!(3)).await?.is("version", &json!(1))
}

async fn delete_expected(probe: &Probe) -> Verdict {
    let key = probe.key("delete/expected");
    write(probe, &key, json!(1)).await?;
    remove(probe, &key, Some(2))
        .await?
        .refuses(409, Some("VERSION_CONFLICT"))?;
    remove(probe, &key, Some(1)).await?.status(200)?;
    probe.read(probe.ask(Method::DELETE, PATH)).await?.refuses(400, None)
}

async fn etag(probe: &Probe) -> Verdict {
    let key = probe.key("etag");
    let mut known = Vec::new();
    for round in 0..3 {
        let written = write(probe, &key, json!("the same")).await?;
        let read = get(probe, &key).await?;
        let tag = written.header("etag").to_owned();
        ensure(
            tag.len() > 2 && tag.starts_with('"') && tag == read.header("etag"),
            || format!("the write gave ETag {tag:?}, the read {:?}", read.header("etag")),
        )?;
        ensure(!known.contains(&tag), || format!("ETag {tag} came a second time"))?;
        known.push(tag);
        if round == 1 {
            remove(probe, &key, None).await?.status(200)?;
        }
    }
    Ok(())
}

async fn not_modified(probe: &Probe) -> Verdict {
    let key = probe.key("304");
    let tag = write(probe, &key, json!(1)).await?.header("etag").to_owned();
    let ask = || {
        probe.read(
            probe
                .ask(Method::GET, PATH)
                .query(&[("key", &key)])
                .header("if-none-match", &tag),
        )
    };
    ask().await?.status(304)?;
    write(probe, &key, json!(2)).await?;
    ask().await?.status(200)
}

async fn if_match(probe: &Probe) -> Verdict {
    let key = probe.key("if-match");
    let first = write(probe, &key, json!(1)).await?.header("etag").to_owned();
    put_if(probe, &key, "if-match", &first).await?.has(200, &ENTRY)?;
    put_if(probe, &key, "if-match", &first).await?.refuses(412, None)?;
    put_if(probe, &key, "if-match", "*").await?.has(200, &ENTRY)?;
    put_if(probe, &probe.key("if-match/absent"), "if-match", "*")
        .await?
        .refuses(412, None)
}

async fn if_none_match(probe: &Probe) -> Verdict {
    let key = probe.key("if-none-match");
    put_if(probe, &key, "if-none-match", "*").await?.has(200, &ENTRY)?;
    put_if(probe, &key, "if-none-match", "*").await?.refuses(412, None)
}

async fn listed(probe: &Probe, query: &[(&str, &str)]) -> Verdict<(Vec<String>, Option<String>)> {
    let reply = probe.read(probe.ask(Method::GET, PATH).query(query)).await?;
    reply.has(200, &[("state", Is::Array), ("cursor?", Is::Word)])?;
    let entries = reply.json["state"].as_array().into_iter().flatten();
    let keys = entries
        .filter_map(|entry| entry["key"].as_str().map(str::to_owned))
        .collect();
    Ok((keys, reply.json["cursor"].as_str().map(str::to_owned)))
}

async fn prefix(probe: &Probe) -> Verdict {
    let keys = ["list/b", "list/a", "list/a/c", "list", "list2/x", "lis/y"].map(|name| probe.key(name));
    for key in &keys {
        write(probe, key, json!(1)).await?;
    }
    let wanted = ["list/a", "list/a/c", "list/b"].map(|name| probe.key(name));
    let (found, _) = listed(probe, &[("prefix", &probe.key("list/"))]).await?;
    ensure(found == wanted, || format!("{found:?} came where {wanted:?} was due"))
}

async fn bad_prefix(probe: &Probe) -> Verdict {
    probe.get("/v1/sys/state?prefix=conform").await?.refuses(400, None)
}

async fn pages(probe: &Probe) -> Verdict {
    let wanted: Vec<String> = (0..5).map(|n| probe.key(&format!("pages/{n}"))).collect();
    for key in &wanted {
        write(probe, key, json!(1)).await?;
    }
    let (mut found, mut cursor) = (Vec::new(), None::<String>);
    for _ in 0..5 {
        let prefix = probe.key("pages/");
        let mut query = vec![("prefix", prefix.as_str()), ("limit", "2")];
        if let Some(cursor) = &cursor {
            query.push(("cursor", cursor));
        }
        let (page, next) = listed(probe, &query).await?;
        found.extend(page);
        cursor = next;
        if cursor.is_none() {
            break;
        }
    }
    ensure(found == wanted, || format!("the pages held {found:?}"))?;
    probe
        .get("/v1/sys/state?cursor=conform&limit=2")
        .await?
        .refuses(400, None)
}

async fn ttl(probe: &Probe) -> Verdict {
    let key = probe.key("ttl");
    put(probe, &key, json!(1), json!({ "ttl": 20 }))
        .await?
        .has(200, &ENTRY)?;
    put(probe, &key, json!(1), json!({ "ttl": -1 }))
        .await?
        .refuses(400, None)?;
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(5) {
        if get(probe, &key).await?.status == 404 {
            return Ok(());
        }
    }
    fail("a key with a ttl of 20 ms was still there after 5 s")
}

async fn transact(probe: &Probe, operations: Value) -> Verdict<Reply> {
    probe
        .post("/v1/sys/state/transaction", &json!({ "operations": operations }))
        .await
}

async fn transaction(probe: &Probe) -> Verdict {
    let (a, b) = (probe.key("tx/a"), probe.key("tx/b"));
    write(probe, &b, json!(0)).await?;
    let operations = json!([
        { "op": "put", "key": a, "value": 1, "expectedVersion": 0 },
        { "op": "delete", "key": b, "expectedVersion": 1 },
    ]);
    transact(probe, operations).await?.has(200, &[("results", Is::Array)])?;
    get(probe, &a).await?.is("value", &json!(1))?;
    get(probe, &b).await?.refuses(404, None)
}

async fn all_or_nothing(probe: &Probe) -> Verdict {
    let (a, b) = (probe.key("tx/none/a"), probe.key("tx/none/b"));
    write(probe, &b, json!(0)).await?;
    let operations = json!([
        { "op": "put", "key": a, "value": 1 },
        { "op": "put", "key": b, "value": 1, "expectedVersion": 9 },
    ]);
    transact(probe, operations)
        .await?
        .refuses(409, Some("VERSION_CONFLICT"))?;
    get(probe, &a).await?.refuses(404, None)?;
    get(probe, &b).await?.is("version", &json!(1))?;
    for bad in [json!([]), json!([{ "op": "shred", "key": a }]), json!({})] {
        transact(probe, bad).await?.refuses(400, None)?;
    }
    Ok(())
}

async fn watch(probe: &Probe) -> Verdict {
    let (prefix, key, outside) = (probe.key("watch/"), probe.key("watch/a"), probe.key("watching"));
    let mut stream = Stream::open(probe, "/v1/sys/state/watch", &[("prefix", &prefix)], None).await?;
    write(probe, &key, json!(1)).await?;
    write(probe, &outside, json!(1)).await?;
    write(probe, &key, json!(2)).await?;
    remove(probe, &key, None).await?.status(200)?;
    for wanted in [json!(1), json!(2), Value::Null] {
        let told = stream.next().await?;
        is_event(&told)?;
        let change = &told.data["data"];
        ensure(change["key"] == *key && change["entry"]["value"] == wanted, || {
            format!("the value {wanted} was due and {} came", told.data)
        })?;
    }
    Ok(())
}

async fn watch_resumes(probe: &Probe) -> Verdict {
    let (prefix, key) = (probe.key("resume/"), probe.key("resume/a"));
    let mut stream = Stream::open(probe, "/v1/sys/state/watch", &[("prefix", &prefix)], None).await?;
    write(probe, &key, json!(1)).await?;
    let Some(id) = stream.next().await?.id else {
        return fail("the message has no id: line");
    };
    drop(stream);
    write(probe, &key, json!(2)).await?;
    write(probe, &probe.key("resume/b"), json!(3)).await?;
    let mut stream = Stream::open(probe, "/v1/sys/state/watch", &[("prefix", &prefix)], Some(&id)).await?;
    for wanted in [2, 3] {
        let told = stream.next().await?;
        ensure(told.data["data"]["entry"]["value"] == wanted, || {
            format!("{wanted} was due and {} came", told.data)
        })?;
    }
    Ok(())
}
