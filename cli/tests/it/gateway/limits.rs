use super::*;

#[tokio::test]
async fn an_address_has_so_many_calls_a_minute_and_is_told_when_to_come_back() -> Result<()> {
    let fleet = Fleet::start(&[("API_RATE", "3")]).await?;
    for remaining in [2, 1, 0] {
        let answer = fleet
            .call("/v1/web/whoAmI", Some("br_test_guess"), &[], &json!({}))
            .await?;
        answer.is(401, "API_KEY_INVALID")?;
        assert_eq!(
            answer.header("ratelimit-policy").split(", ").last(),
            Some("\"api\";q=3;w=60")
        );
        let left = answer.header("ratelimit");
        ensure!(left.contains(&format!("\"api\";r={remaining}")), "{left}");
    }
    let refused = fleet.call("/v1/web/whoAmI", None, &[], &json!({})).await?;
    refused.is(429, "RATE_LIMITED")?;
    let wait: u64 = refused.header("retry-after").parse()?;
    ensure!((1..=20).contains(&wait), "{refused:?}");
    fleet.stop().await;
    Ok(())
}

#[tokio::test]
async fn each_key_has_a_quota_of_its_own_once_it_is_known() -> Result<()> {
    let fleet = Fleet::start(&[("API_RATE", "2"), ("KEY_RATE", "2")]).await?;
    let ada = fleet.key_with("ada", &["rpc web *"]).await?;
    let eve = fleet.key_with("eve", &["rpc web *"]).await?;
    for key in [&ada, &eve] {
        // The first is looked at, and counts for the address.
        fleet.who(key).await?;
        for _ in 0..2 {
            let answer = fleet.call("/v1/web/whoAmI", Some(key), &[], &json!({})).await?;
            ensure!(
                answer.status == 200 && answer.header("ratelimit").contains("\"key\";r="),
                "{answer:?}"
            );
        }
        let refused = fleet.call("/v1/web/whoAmI", Some(key), &[], &json!({})).await?;
        refused.is(429, "RATE_LIMITED")?;
    }
    let stranger = fleet.call("/v1/web/whoAmI", None, &[], &json!({})).await?;
    stranger.is(429, "RATE_LIMITED")?;
    fleet.stop().await;
    Ok(())
}

#[tokio::test]
async fn sign_ins_and_pages_have_quotas_of_their_own() -> Result<()> {
    let fleet = Fleet::start(&[("AUTH_RATE", "2"), ("PAGE_RATE", "3")]).await?;
    let page = fleet.url("/");
    let mut statuses = [Vec::new(), Vec::new()];
    for _ in 0..4 {
        statuses[0].push(fleet.asked_for_token(None).await?.status.as_u16());
        statuses[1].push(fleet.http.get(&page).send().await?.status().as_u16());
    }
    assert_eq!(statuses[0][2..], [429, 429], "{statuses:?}");
    ensure!(!statuses[0][..2].contains(&429), "{statuses:?}");
    assert_eq!(statuses[1], [200, 200, 200, 429]);
    fleet.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_caller_who_is_known_reads_eight_streams_at_once_and_another_eight_more() -> Result<()> {
    let fleet = Fleet::start(&[]).await?;
    let ada = fleet.key_with("ada", &["rpc web *"]).await?;
    let eve = fleet.key_with("eve", &["rpc web *"]).await?;
    let open = async |key: &str| {
        let request = fleet.http.post(fleet.url("/v1/web/count")).bearer_auth(key);
        let request = request
            .header("accept", "text/event-stream")
            .json(&json!({ "to": 1, "hold": true }));
        request.send().await
    };
    let mut streams = Vec::new();
    for _ in 0..8 {
        streams.push(open(&ada).await?);
    }
    ensure!(streams.iter().all(|stream| stream.status() == 200), "{streams:?}");
    let refused = read(open(&ada).await?).await?;
    refused.is(429, "TOO_MANY_STREAMS")?;
    let another = open(&eve).await?;
    assert_eq!(another.status(), 200);
    drop((streams, another));
    fleet.stop().await;
    Ok(())
}

#[tokio::test]
async fn an_answer_is_as_large_as_the_gateway_passes_on_and_no_larger() -> Result<()> {
    let fleet = Fleet::start(&[("GATEWAY_ANSWER_MAX_BYTES", "4096")]).await?;
    let key = fleet.key_with("ada", &["rpc web *"]).await?;
    let fits = fleet.call("/v1/web/large", Some(&key), &[], &json!(4_000)).await?;
    assert_eq!(fits.status, 200, "{fits:?}");
    let large = fleet.call("/v1/web/large", Some(&key), &[], &json!(5_000)).await?;
    large.is(502, "ANSWER_TOO_LARGE")?;
    fleet.stop().await;
    Ok(())
}
