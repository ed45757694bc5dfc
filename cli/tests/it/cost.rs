//! What a fleet costs, measured of one that runs.

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use crate::binary::{Fleet, blackroad};

#[test]
fn memory_processor_and_what_leaves_for_the_public_network_come_to_money_a_month() -> Result<()> {
    let mut command = blackroad(&["up", "--json", "--port", "0", "--amnesia", "--only", "core"]);
    command.env("TRUST_EDGE", "railway");
    let fleet = Fleet::of(command)?;
    let mut watching = fleet
        .command(&["--json", "cost", "--for", "2s"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::null())
        .spawn()?;
    // As the platform's edge names a client; it goes on for as long as the fleet is watched.
    let mut asked = 0;
    while watching.try_wait()?.is_none() {
        let (status, _) = fleet.send_with(
            "X-Real-IP: 8.8.8.8\r\n",
            "GET",
            "core",
            "/v1/sys/identity",
            &json!(null),
        )?;
        assert_eq!(status, 200);
        asked += 1;
    }
    let output = watching.wait_with_output()?;
    let report: Value = serde_json::from_slice(&output.stdout).context("it prints JSON")?;
    let [core] = &report["services"].as_array().context("a list")?[..] else {
        panic!("one service runs: {report}")
    };
    let figure = |name: &str| core[name].as_f64().unwrap_or_default();
    assert_eq!(core["service"], "core");
    assert!(figure("memoryBytes") > 1e6 && figure("cpus") > 0.0, "{core}");
    // An identity has some hundred bytes; in a month of such seconds that is much.
    let month = 30.0 * 86_400.0 / 2.0;
    let (least, most) = (
        f64::from(asked) * 100.0 * month / 4.0,
        f64::from(asked) * 5_000.0 * month * 2.0,
    );
    let egress = figure("egressBytesAMonth");
    assert!(
        (least..most).contains(&egress),
        "{asked} answers come to {egress} bytes a month, not {least} to {most}"
    );
    let money = &core["month"];
    let sum: f64 = ["memory", "cpu", "egress"]
        .into_iter()
        .filter_map(|part| money[part].as_f64())
        .sum();
    assert!((sum - figure("total")).abs() < 1e-9 && sum > 0.0, "{core}");
    assert!(
        (money["egress"].as_f64().unwrap_or_default() - egress / 1e9 * 0.05).abs() < 1e-9,
        "{core}"
    );
    assert_eq!(report["prices"]["readOn"], "2026-08-21");
    assert_eq!(
        report["unknown"].as_array().map(Vec::len),
        Some(8),
        "who does not run says nothing: {report}"
    );
    Ok(())
}
