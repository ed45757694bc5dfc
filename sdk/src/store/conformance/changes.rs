//! The log of changes that watchers read.

use super::cases;
use super::context::{Context, delete, put};
use crate::store::{ChangeQuery, Put, Retention};

cases![
    every_put_and_delete_is_a_change_in_commit_order,
    a_change_bears_what_was_written_then,
    changes_resume_after_a_sequence_without_loss_or_repeat,
    changes_are_those_of_the_prefix_and_the_namespace,
    a_delete_of_nothing_is_no_change,
    a_refused_batch_is_no_change,
    an_expiry_becomes_a_change_when_it_is_pruned,
    a_put_over_an_expired_entry_needs_no_delete,
];

async fn every_put_and_delete_is_a_change_in_commit_order(it: Context<'_>) {
    let put_a = it.put("a", 1).await;
    let put_b = it.put("b", 2).await;
    it.one(delete("a")).await;
    let changes = it.changes("", 0, 10).await;
    let keys: Vec<&str> = changes.iter().map(|change| change.key.as_str()).collect();
    assert_eq!(keys, ["a", "b", "a"]);
    assert!(changes.is_sorted_by(|one, next| one.seq < next.seq));
    assert_eq!(changes[0].entry, Some(put_a));
    assert_eq!(changes[1].entry, Some(put_b));
    assert_eq!(changes[2].entry, None);
}

async fn a_change_bears_what_was_written_then(it: Context<'_>) {
    let first = it.put("a", 1).await;
    it.pass(5);
    let expiring = Put {
        expires_at: Some(it.later(60)),
        ..put("a", 2)
    };
    it.one(expiring).await;
    let changes = it.changes("", 0, 10).await;
    assert_eq!(changes[0].entry, Some(first.clone()));
    assert_eq!((changes[0].seq, changes[0].at), (first.revision, first.updated_at));
    assert_eq!(changes[1].entry, it.get("a").await);
}

async fn changes_resume_after_a_sequence_without_loss_or_repeat(it: Context<'_>) {
    for number in 0..7 {
        it.put("a", number).await;
    }
    let (mut seen, mut after) = (Vec::new(), 0);
    loop {
        let page = it.changes("", after, 3).await;
        let Some(last) = page.last() else { break };
        after = last.seq;
        seen.extend(page.into_iter().filter_map(|change| Some(change.entry?.version)));
    }
    assert_eq!(seen, [1, 2, 3, 4, 5, 6, 7]);
    assert!(it.changes("", u64::MAX, 10).await.is_empty());
}

async fn changes_are_those_of_the_prefix_and_the_namespace(it: Context<'_>) {
    for key in ["a", "a/1", "ab/1"] {
        it.put(key, 0).await;
    }
    let elsewhere = Put {
        namespace: "other".to_owned(),
        ..put("a/2", 0)
    };
    it.one(elsewhere).await;
    let changes = it.changes("a/", 0, 10).await;
    assert_eq!(changes.len(), 1);
    assert_eq!(changes[0].key, "a/1");
    let query = ChangeQuery {
        namespace: "other".to_owned(),
        prefix: Default::default(),
        after: 0,
        limit: 10,
    };
    assert_eq!(it.store.changes(query).await.expect("a read succeeds").len(), 1);
}

async fn a_delete_of_nothing_is_no_change(it: Context<'_>) {
    let before = it.heads();
    it.one(delete("a")).await;
    assert!(it.changes("", 0, 10).await.is_empty());
    assert_eq!(it.heads(), before);
}

async fn a_refused_batch_is_no_change(it: Context<'_>) {
    let create = Put {
        condition: crate::store::Condition::Absent,
        ..put("a", 1)
    };
    it.one(create.clone()).await;
    it.refused(vec![put("b", 1).into(), create.into()]).await;
    assert_eq!(it.changes("", 0, 10).await.len(), 1);
}

async fn an_expiry_becomes_a_change_when_it_is_pruned(it: Context<'_>) {
    for (key, seconds) in [("later", 7), ("soon", 5)] {
        let expiring = Put {
            expires_at: Some(it.later(seconds)),
            ..put(key, 1)
        };
        it.one(expiring).await;
    }
    let before = it.heads();
    it.pass(7);
    assert_eq!(it.prune(Retention::KEEP_ALL).await, 2);
    let changes = it.changes("", before.seq, 10).await;
    assert_eq!(changes.len(), 2);
    assert_eq!((changes[0].key.as_str(), changes[1].key.as_str()), ("soon", "later"));
    assert!(
        changes
            .iter()
            .all(|change| change.entry.is_none() && change.at == it.now())
    );
    assert_eq!(it.heads().change, changes[1].seq);
    assert_eq!(it.prune(Retention::KEEP_ALL).await, 0);
}

async fn a_put_over_an_expired_entry_needs_no_delete(it: Context<'_>) {
    let expiring = Put {
        expires_at: Some(it.later(5)),
        ..put("a", 1)
    };
    it.one(expiring).await;
    it.pass(5);
    it.put("a", 2).await;
    assert_eq!(it.prune(Retention::KEEP_ALL).await, 0);
    let versions: Vec<Option<u64>> = it
        .changes("", 0, 10)
        .await
        .into_iter()
        .map(|change| change.entry.map(|entry| entry.version))
        .collect();
    assert_eq!(versions, [Some(1), Some(1)]);
}
