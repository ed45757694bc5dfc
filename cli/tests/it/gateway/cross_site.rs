use super::*;

const SHOP: &str = "https://shop.example";

#[tokio::test]
async fn a_script_of_an_origin_that_is_allowed_calls_with_its_credential_and_reads_its_quota() -> Result<()> {
    let fleet = Fleet::start(&[("ALLOWED_ORIGINS", SHOP), ("KEY_RATE", "50")]).await?;
    let key = fleet.key_with("ada", &["rpc web *"]).await?;
    let preflight = async |origin: &str| {
        let request = fleet.http.request(http::Method::OPTIONS, fleet.url("/v1/web/whoAmI"));
        let request = request
            .header("origin", origin)
            .header("access-control-request-method", "POST");
        let asked = "authorization,content-type,idempotency-key";
        read(request.header("access-control-request-headers", asked).send().await?).await
    };
    let answer = preflight(SHOP).await?;
    assert_eq!(answer.header("access-control-allow-origin"), SHOP);
    // A `*` would not stand for Authorization.
    ensure!(
        answer.header("access-control-allow-headers").contains("authorization"),
        "{answer:?}"
    );
    ensure!(!answer.header("access-control-max-age").is_empty(), "{answer:?}");
    ensure!(answer.header("vary").to_lowercase().contains("origin"), "{answer:?}");
    assert_eq!(
        preflight("https://evil.example")
            .await?
            .header("access-control-allow-origin"),
        ""
    );

    fleet.who(&key).await?;
    let answer = fleet
        .call("/v1/web/whoAmI", Some(&key), &[("origin", SHOP)], &json!({}))
        .await?;
    assert_eq!(answer.header("access-control-allow-origin"), SHOP);
    ensure!(
        answer.header("access-control-expose-headers").contains("ratelimit"),
        "{answer:?}"
    );
    ensure!(!answer.header("ratelimit").is_empty(), "{answer:?}");
    assert_eq!(
        answer.header("access-control-allow-credentials"),
        "",
        "no cookie opens anything here"
    );
    fleet.stop().await;
    Ok(())
}

#[tokio::test]
async fn without_allowed_origins_no_script_of_another_site_is_told_that_it_may() -> Result<()> {
    let fleet = Fleet::start(&[]).await?;
    let key = fleet.key_with("ada", &["rpc web *"]).await?;
    let answer = fleet
        .call("/v1/web/whoAmI", Some(&key), &[("origin", SHOP)], &json!({}))
        .await?;
    assert_eq!(answer.header("access-control-allow-origin"), "");
    fleet.stop().await;
    Ok(())
}
