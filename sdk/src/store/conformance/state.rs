//! Keys, values, versions and expiry.

use super::cases;
use super::context::{Context, delete, json_text, put, written};
use crate::store::{Condition, Delete, Outcome, Put, Refusal};

cases![
    a_value_is_read_back_as_it_was_written,
    the_text_of_a_value_is_kept_byte_for_byte,
    versions_count_from_one_by_one,
    revisions_rise_and_never_repeat,
    namespaces_do_not_see_one_another,
    a_create_only_put_is_refused_where_the_key_is_there,
    an_update_only_put_is_refused_where_the_key_is_absent,
    a_put_at_a_version_is_refused_at_any_other,
    a_put_at_a_revision_is_refused_at_any_other,
    a_delete_says_whether_anything_was_there,
    a_delete_obeys_its_condition,
    a_deleted_key_starts_again_at_version_one,
    an_expired_entry_is_absent_for_reads,
    an_expired_entry_is_absent_for_conditions_and_versions,
    a_put_without_expiry_lifts_the_old_one,
    keys_come_in_byte_order,
    a_scan_goes_page_by_page_without_loss_or_repeat,
    a_prefix_never_touches_a_neighbour,
    an_empty_prefix_is_everything,
    a_scan_leaves_out_what_has_expired_and_still_fills_its_page,
    a_large_value_is_kept_whole,
];

async fn a_value_is_read_back_as_it_was_written(it: Context<'_>) {
    let put = Put {
        expires_at: Some(it.later(60)),
        ..put("a", 1)
    };
    let entry = written(it.one(put).await);
    assert_eq!(entry.updated_at, it.now());
    assert_eq!(entry.expires_at, Some(it.later(60)));
    assert_eq!(it.get("a").await, Some(entry));
}

async fn the_text_of_a_value_is_kept_byte_for_byte(it: Context<'_>) {
    let text = r#"{ "b" : 1.0e2,"a":[ ], "ü": "\u00fc" }"#;
    it.one(Put {
        value: json_text(text),
        ..put("a", 1)
    })
    .await;
    let entry = it.get("a").await.expect("it is there");
    assert_eq!(entry.value.text(), text);
}

async fn versions_count_from_one_by_one(it: Context<'_>) {
    for version in 1..=3 {
        assert_eq!(it.put("a", 0).await.version, version);
    }
}

async fn revisions_rise_and_never_repeat(it: Context<'_>) {
    let mut last = 0;
    for _ in 0..3 {
        let entry = it.put("a", 0).await;
        assert!(entry.revision > last);
        last = entry.revision;
        it.one(delete("a")).await;
    }
}

async fn namespaces_do_not_see_one_another(it: Context<'_>) {
    it.put("a", 1).await;
    let other = Put {
        namespace: "other".to_owned(),
        condition: Condition::Absent,
        ..put("a", 2)
    };
    assert_eq!(written(it.one(other).await).version, 1);
    let kept = it.get("a").await.expect("it is there");
    assert_eq!(kept.value.text(), "1");
}

async fn a_create_only_put_is_refused_where_the_key_is_there(it: Context<'_>) {
    let create = Put {
        condition: Condition::Absent,
        ..put("a", 1)
    };
    assert_eq!(written(it.one(create.clone()).await).version, 1);
    it.put("a", 2).await;
    assert_eq!(it.refusal(create).await, at_version("a", 2));
}

async fn an_update_only_put_is_refused_where_the_key_is_absent(it: Context<'_>) {
    let update = Put {
        condition: Condition::Present,
        ..put("a", 1)
    };
    assert_eq!(it.refusal(update.clone()).await, at_version("a", 0));
    it.put("a", 2).await;
    assert_eq!(written(it.one(update).await).version, 2);
}

async fn a_put_at_a_version_is_refused_at_any_other(it: Context<'_>) {
    let at = |version| Put {
        condition: Condition::Version(version),
        ..put("a", 1)
    };
    assert_eq!(it.refusal(at(1)).await, at_version("a", 0));
    it.put("a", 0).await;
    assert_eq!(written(it.one(at(1)).await).version, 2);
    assert_eq!(it.refusal(at(1)).await, at_version("a", 2));
    assert_eq!(it.refusal(at(3)).await, at_version("a", 2));
}

async fn a_put_at_a_revision_is_refused_at_any_other(it: Context<'_>) {
    let first = it.put("a", 0).await;
    let at_first = Put {
        condition: Condition::Revision(first.revision),
        ..put("a", 1)
    };
    it.one(at_first.clone()).await;
    assert_eq!(it.refusal(at_first.clone()).await, at_version("a", 2));
    it.one(delete("a")).await;
    it.put("a", 0).await;
    // The version is the old one again, the revision is not.
    assert_eq!(it.refusal(at_first).await, at_version("a", 1));
}

async fn a_delete_says_whether_anything_was_there(it: Context<'_>) {
    assert_eq!(it.one(delete("a")).await, Outcome::Deleted(false));
    it.put("a", 1).await;
    assert_eq!(it.one(delete("a")).await, Outcome::Deleted(true));
    assert_eq!(it.get("a").await, None);
}

async fn a_delete_obeys_its_condition(it: Context<'_>) {
    let when = |condition| Delete {
        condition,
        ..delete("a")
    };
    assert_eq!(it.refusal(when(Condition::Present)).await, at_version("a", 0));
    let entry = it.put("a", 1).await;
    assert_eq!(it.refusal(when(Condition::Version(2))).await, at_version("a", 1));
    assert_eq!(it.refusal(when(Condition::Absent)).await, at_version("a", 1));
    let deleted = it.one(when(Condition::Revision(entry.revision))).await;
    assert_eq!(deleted, Outcome::Deleted(true));
}

async fn a_deleted_key_starts_again_at_version_one(it: Context<'_>) {
    it.put("a", 1).await;
    it.put("a", 2).await;
    it.one(delete("a")).await;
    assert_eq!(it.put("a", 3).await.version, 1);
}

async fn an_expired_entry_is_absent_for_reads(it: Context<'_>) {
    it.one(expiring(it, "a", 10)).await;
    it.pass(9);
    assert!(it.get("a").await.is_some());
    it.pass(1);
    assert_eq!(it.get("a").await, None);
    assert!(it.keys("", None, 10).await.is_empty());
}

async fn an_expired_entry_is_absent_for_conditions_and_versions(it: Context<'_>) {
    it.put("a", 0).await;
    it.one(expiring(it, "a", 10)).await;
    it.pass(10);
    let update = Put {
        condition: Condition::Present,
        ..put("a", 1)
    };
    assert_eq!(it.refusal(update).await, at_version("a", 0));
    assert_eq!(it.one(delete("a")).await, Outcome::Deleted(false));
    let create = Put {
        condition: Condition::Absent,
        ..put("a", 1)
    };
    assert_eq!(written(it.one(create).await).version, 1);
}

async fn a_put_without_expiry_lifts_the_old_one(it: Context<'_>) {
    it.one(expiring(it, "a", 10)).await;
    it.put("a", 2).await;
    it.pass(60);
    assert_eq!(it.get("a").await.expect("it stays").version, 2);
}

async fn keys_come_in_byte_order(it: Context<'_>) {
    for key in ["b", "é", "Z", "a/2", "a/10", "a"] {
        it.put(key, 0).await;
    }
    assert_eq!(it.keys("", None, 10).await, ["Z", "a", "a/10", "a/2", "b", "é"]);
}

async fn a_scan_goes_page_by_page_without_loss_or_repeat(it: Context<'_>) {
    for number in 0..7 {
        it.put(&format!("a/{number}"), 0).await;
    }
    it.put("a", 0).await;
    it.put("b/0", 0).await;
    let (mut seen, mut after) = (Vec::new(), None::<String>);
    loop {
        let page = it.keys("a/", after.as_deref(), 3).await;
        assert!(page.len() <= 3);
        after = page.last().cloned();
        if after.is_none() {
            break;
        }
        seen.extend(page);
    }
    assert_eq!(seen, ["a/0", "a/1", "a/2", "a/3", "a/4", "a/5", "a/6"]);
    assert!(it.keys("a/", Some("a/6"), 3).await.is_empty());
    assert_eq!(it.keys("a/", Some("A"), 1).await, ["a/0"]);
    assert!(it.keys("a/", Some("b"), 1).await.is_empty());
    assert!(it.keys("a/", None, 0).await.is_empty());
}

async fn a_prefix_never_touches_a_neighbour(it: Context<'_>) {
    for key in ["a", "a/", "a/1", "a0", "ab/1", "a:1"] {
        it.put(key, 0).await;
    }
    assert_eq!(it.keys("a/", None, 10).await, ["a/", "a/1"]);
    assert_eq!(it.keys("a:", None, 10).await, ["a:1"]);
}

async fn an_empty_prefix_is_everything(it: Context<'_>) {
    it.put("\u{10ffff}", 0).await;
    it.put("!", 0).await;
    assert_eq!(it.keys("", None, 10).await, ["!", "\u{10ffff}"]);
}

async fn a_scan_leaves_out_what_has_expired_and_still_fills_its_page(it: Context<'_>) {
    it.one(expiring(it, "a", 1)).await;
    it.one(expiring(it, "b", 1)).await;
    it.put("c", 0).await;
    it.put("d", 0).await;
    it.pass(1);
    assert_eq!(it.keys("", None, 2).await, ["c", "d"]);
}

async fn a_large_value_is_kept_whole(it: Context<'_>) {
    let text = format!("\"{}\"", "é".repeat(300_000));
    let large = Put {
        value: json_text(&text),
        ..put("a", 1)
    };
    it.one(large).await;
    assert!(it.get("a").await.expect("it is there").value.text() == text);
}

fn expiring(it: Context<'_>, key: &str, seconds: i64) -> Put {
    Put {
        expires_at: Some(it.later(seconds)),
        ..put(key, 1)
    }
}

fn at_version(key: &str, current: u64) -> Refusal {
    Refusal::Version {
        key: key.to_owned(),
        current,
    }
}
