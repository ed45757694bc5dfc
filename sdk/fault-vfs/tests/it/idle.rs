//! A service that nobody asks for anything.

use std::time::Duration;

use fault_vfs::Disk;
use syscall_sdk::config::Variables;
use syscall_sdk::host::{DrainBudget, Host};
use syscall_sdk::service::Service;

#[tokio::test]
async fn a_service_that_idles_for_an_hour_writes_and_syncs_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let disk = Disk::new(folder.path(), 1).expect("a folder can be a disk");
    let data = folder.path().to_str().expect("a path of plain characters").to_owned();
    let variables: Variables = [("DATA_DIR".to_owned(), data)].into_iter().collect();
    let host = Host::new(variables)
        .mount(|| Service::new("core", "1"))
        .mount(|| Service::new("api", "1"));
    let running = host.start(Vec::new()).await.expect("it starts");
    tokio::time::pause();
    // What it does when it starts comes to an end.
    let mut before = 0;
    for _ in 0..20 {
        tokio::time::sleep(Duration::from_secs(60)).await;
        if std::mem::replace(&mut before, disk.operations()) == before {
            break;
        }
    }
    assert!(before > 10, "its data lies on the disk");
    tokio::time::sleep(Duration::from_secs(3_600)).await;
    assert_eq!(disk.operations(), before);
    tokio::time::resume();
    running.stop(DrainBudget::none(), "test").await;
}
