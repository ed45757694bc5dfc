use std::sync::Arc;

use super::*;
use crate::store::conformance;

#[tokio::test]
async fn the_store_in_memory_keeps_every_promise() {
    conformance::run(async |clock| Arc::new(open(None, clock, "me").expect("it opens")) as Arc<dyn Store>).await;
}

#[tokio::test]
async fn the_store_on_disk_keeps_every_promise() {
    let folder = tempfile::tempdir().expect("a folder");
    conformance::run(async |clock| {
        let path = folder.path().join(format!("{}.db", uuid::Uuid::new_v4()));
        Arc::new(open(Some(path), clock, "me").expect("it opens")) as Arc<dyn Store>
    })
    .await;
}

fn open(path: Option<PathBuf>, clock: Clock, owner: &str) -> Result<Embedded> {
    Embedded::open(Options {
        path,
        clock,
        owner: owner.to_owned(),
        name: "test-store".to_owned(),
    })
}
