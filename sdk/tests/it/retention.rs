//! What a service keeps by bytes, as its environment says.

use std::time::Duration;

use serde_json::json;

use crate::support::Fixture;

/// Longer than retention idles.
const IDLE: Duration = Duration::from_secs(61);
const SOON: Duration = Duration::from_secs(20);

#[tokio::test]
async fn events_past_the_bytes_that_a_service_keeps_go_and_a_reader_is_told_of_the_gap() {
    let most = 16 * 1024 * 1024;
    let fixture = Fixture::start_with(&[("EVENTS_MAX_BYTES", &most.to_string())]).await;
    let data = "x".repeat(1_000_000);
    for number in 0..18 {
        let emit = json!({ "event": "big:one", "data": { "number": number, "text": data } });
        assert!(fixture.post("/v1/sys/event", &emit).await.status.is_success());
    }
    let figure = async |name: &str| {
        let exposed = fixture.get("/metrics").await.text;
        let line = exposed.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|value| value.trim().parse::<f64>().ok())
            .unwrap_or_else(|| panic!("{name} is not there: {exposed}"))
    };
    let bound = figure("syscall_store_kept_max_bytes{kind=\"events\"}").await;
    assert_eq!(bound, f64::from(most));

    tokio::time::pause();
    tokio::time::advance(IDLE).await;
    tokio::time::resume();
    let within = async {
        loop {
            let kept = figure("syscall_store_kept_bytes{kind=\"events\"}").await;
            if kept > 0.0 {
                break kept;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let kept = tokio::time::timeout(SOON, within).await.expect("a slice is dropped");
    assert!(kept <= bound && kept > bound - 1_100_000.0, "{kept} of {bound}");

    let mut stream = fixture
        .stream("/v1/sys/events?event=big:one", &[("Last-Event-ID", "1")])
        .await;
    let gap = stream.next().await.data;
    assert_eq!(
        (&gap["event"], &gap["data"]["from"]),
        (&json!("gap"), &json!("1")),
        "{gap}"
    );
    let first = stream.next().await.data;
    assert_eq!(first["data"]["number"], 2);
    drop(stream);
    fixture.stop().await;
}
