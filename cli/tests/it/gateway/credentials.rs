use jsonwebtoken::{Algorithm, EncodingKey, Header};
use syscall_sdk::name::Prefix;

use super::*;

/// Signs claims with the very key with which core signs its access tokens.
async fn signed(fleet: &Fleet, change: impl FnOnce(&mut Header, &mut Value)) -> Result<String> {
    use base64::Engine as _;
    let kernel = fleet.core.kernel("core").context("core runs")?;
    let keys = Context::new(kernel).namespace("signing")?;
    let (_, key): (String, Value) = keys
        .list(&Prefix::new("key/")?)
        .await?
        .into_iter()
        .next()
        .context("core has a key")?;
    let secret = key["secret"].as_str().context("it has a private half")?;
    let secret = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(secret)?;
    let mut header = Header::new(Algorithm::EdDSA);
    header.typ = Some("at+jwt".to_owned());
    header.kid = key["kid"].as_str().map(str::to_owned);
    let now = seconds(&Clock::system());
    let mut claims = json!({
        "iss": format!("http://{CORE}"), "sub": "ada", "aud": "api", "iat": now, "exp": now + 600, "jti": "one",
        "client_id": "console", "cap": ["rpc web whoAmI"],
    });
    change(&mut header, &mut claims);
    Ok(jsonwebtoken::encode(
        &header,
        &claims,
        &EncodingKey::from_ed_der(&secret),
    )?)
}

#[tokio::test]
async fn a_key_calls_in_its_owners_name_with_the_right_to_that_one_method() -> Result<()> {
    let fleet = Fleet::start(&[]).await?;
    let ada = fleet.user("ada", &["rpc web *", "event read *"]).await?;
    let (key, id) = fleet.key(&ada, &["rpc web *"]).await?;
    let seen = fleet.who(&key).await?;
    let subject = format!("user/{ada}/key/{id}");
    assert_eq!((&seen["subject"], &seen["person"]), (&json!(subject), &json!(ada)));
    assert_eq!((&seen["by"], &seen["service"]), (&json!("service:api"), &Value::Null));
    assert_eq!(
        (&seen["rights"], &seen["audience"]),
        (&json!(["rpc web whoAmI"]), &json!(["web"]))
    );
    assert!(seen["life"].as_u64().is_some_and(|life| life <= 60), "{seen}");
    assert_eq!(seen["key"], json!(false), "the key goes no further than the gateway");
    let by_header = fleet
        .call("/v1/web/whoAmI", None, &[("x-api-key", &key)], &json!({}))
        .await?;
    assert_eq!(by_header.body["result"]["subject"], json!(subject));
    // The syscall relays in the same way.
    let relayed = json!({ "service": "web", "method": "whoAmI", "params": {} });
    let relayed = fleet.call("/v1/sys/rpc", Some(&key), &[], &relayed).await?;
    assert_eq!(relayed.body["result"]["subject"], json!(subject), "{relayed:?}");
    assert_eq!(relayed.body["result"]["key"], json!(false));
    fleet.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_clients_access_token_calls_in_its_name() -> Result<()> {
    let fleet = Fleet::start(&[]).await?;
    let params = json!({ "name": "shop", "redirectUris": ["https://shop.example/back"], "rights": ["rpc web whoAmI"] });
    let made = fleet.core("createClient", params).await?;
    let text = |value: &Value| value.as_str().map(str::to_owned).context("a text");
    let (id, secret) = (text(&made["client"]["id"])?, text(&made["secret"])?);
    let tokens = fleet.asked_for_token(Some((&id, &secret))).await?.body;
    let access = text(&tokens["access_token"]).with_context(|| tokens.to_string())?;
    let seen = fleet.who(&access).await?;
    assert_eq!(
        (&seen["subject"], &seen["rights"]),
        (&json!(format!("client:{id}")), &json!(["rpc web whoAmI"]))
    );
    let beyond = fleet.call("/v1/web/next", Some(&access), &[], &json!({})).await?;
    beyond.is(403, "FORBIDDEN")?;
    fleet.stop().await;
    Ok(())
}

#[tokio::test]
async fn an_access_token_is_good_as_core_signs_it_and_in_no_other_way() -> Result<()> {
    let fleet = Fleet::start(&[]).await?;
    let good = signed(&fleet, |_, _| {}).await?;
    assert_eq!(fleet.who(&good).await?["subject"], json!("user/ada"));
    let now = seconds(&Clock::system());
    let bad = [
        signed(&fleet, |_, claims| claims["exp"] = json!(now)).await?,
        signed(&fleet, |_, claims| claims["aud"] = json!("console")).await?,
        signed(&fleet, |_, claims| claims["iss"] = json!("https://core.example")).await?,
        signed(&fleet, |_, claims| claims["iat"] = json!(now + 3_600)).await?,
        signed(&fleet, |header, _| header.kid = Some("another".to_owned())).await?,
        signed(&fleet, |header, _| header.typ = Some("JWT".to_owned())).await?,
        format!("{good}x"),
        good.replacen("eyJ", "eyK", 1),
    ];
    for token in bad {
        let answer = fleet.call("/v1/web/whoAmI", Some(&token), &[], &json!({})).await?;
        answer.is(401, "TOKEN_INVALID").with_context(|| token.clone())?;
        ensure!(answer.header("www-authenticate").starts_with("Bearer"), "{answer:?}");
    }
    let service = signed(&fleet, |_, claims| {
        claims["sub"] = json!("x");
        claims["cap"] = json!(["admin"]);
    });
    let seen = fleet.who(&service.await?).await?;
    assert_eq!(
        seen["rights"],
        json!(["rpc web whoAmI"]),
        "what someone may is never more than the call needs"
    );
    fleet.stop().await;
    Ok(())
}

#[tokio::test]
async fn what_is_no_good_credential_lets_nobody_in_and_says_one_thing() -> Result<()> {
    let fleet = Fleet::start(&[]).await?;
    let key = fleet.key_with("ada", &["rpc web whoAmI"]).await?;
    let mistyped = format!("{}0", &key[..key.len() - 1]);
    let unknown = {
        let body: String = key[8..40].chars().rev().collect();
        let text = format!("br_test_{body}");
        format!("{text}{}", blackroad_os_contracts::core::key_form::check(&text))
    };
    for (shown, status, code) in [
        (None, 401, "UNAUTHENTICATED"),
        (Some("nonsense".to_owned()), 401, "TOKEN_INVALID"),
        (Some("br_test_".to_owned()), 401, "API_KEY_INVALID"),
        (Some(mistyped), 401, "API_KEY_INVALID"),
        (Some(unknown), 401, "API_KEY_INVALID"),
        (Some(fleet.token("core", &["rpc web whoAmI"])?), 401, "TOKEN_AUDIENCE"),
        (Some(fleet.token("api", &["logs read"])?), 403, "FORBIDDEN"),
    ] {
        let answer = fleet.call("/v1/web/whoAmI", shown.as_deref(), &[], &json!({})).await?;
        answer.is(status, code).with_context(|| format!("{shown:?}"))?;
    }
    fleet
        .call("/v1/web/next", Some(&key), &[], &json!({}))
        .await?
        .is(403, "FORBIDDEN")?;
    assert_eq!(fleet.seen.next.load(Ordering::SeqCst), 0, "nothing was done");
    // A token of the fleet's own goes on as it is, to whom it is for.
    let both = fleet.token(EVERY_SERVICE, &["rpc web whoAmI"])?;
    assert_eq!(fleet.who(&both).await?["subject"], json!("owner"));
    fleet.stop().await;
    Ok(())
}

#[tokio::test]
async fn what_the_registry_does_not_give_the_gateway_nobody_gets_through_it() -> Result<()> {
    let fleet = Fleet::start(&[]).await?;
    let admin = fleet.key_with("ada", &["rpc core *", "rpc web *"]).await?;
    let list = fleet.call("/v1/core/listUsers", Some(&admin), &[], &json!({})).await?;
    assert_eq!(list.status, 200, "{list:?}");
    for (method, params) in [
        (
            "setPassword",
            json!({ "id": "x", "password": "a lamp beside the river" }),
        ),
        ("createApiKey", json!({ "userId": "x", "name": "x", "rights": [] })),
        ("putRole", json!({ "name": "x", "rights": ["admin"] })),
        ("updateUser", json!({ "id": "x", "name": "x" })),
    ] {
        let answer = fleet
            .call(&format!("/v1/core/{method}"), Some(&admin), &[], &params)
            .await?;
        answer.is(403, "NOT_SPOKEN_FOR").with_context(|| method.to_owned())?;
    }
    let owner = fleet.token(EVERY_SERVICE, &["admin"])?;
    let made = json!({ "name": "made", "rights": ["rpc web *"] });
    let made = fleet.call("/v1/core/putRole", Some(&owner), &[], &made).await?;
    assert_eq!(
        made.status, 200,
        "who holds a token of the fleet's own needs nobody's leave: {made:?}"
    );
    fleet.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_revoked_key_is_good_for_half_a_minute_at_most() -> Result<()> {
    let fleet = Fleet::start(&[]).await?;
    let ada = fleet.user("ada", &["rpc web *"]).await?;
    let (key, id) = fleet.key(&ada, &["rpc web *"]).await?;
    fleet.who(&key).await?;
    fleet.core("revokeApiKey", json!({ "userId": ada, "id": id })).await?;
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(30)).await;
    tokio::time::resume();
    let answer = fleet.call("/v1/web/whoAmI", Some(&key), &[], &json!({})).await?;
    answer.is(401, "API_KEY_INVALID")?;
    fleet.stop().await;
    Ok(())
}

#[tokio::test]
async fn while_core_cannot_be_asked_nobody_is_let_in_on_a_guess() -> Result<()> {
    let fleet = Fleet::start(&[]).await?;
    let known = fleet.key_with("ada", &["rpc web *"]).await?;
    let new = fleet.key_with("eve", &["rpc web *"]).await?;
    let token = signed(&fleet, |_, _| {}).await?;
    fleet.who(&known).await?;
    let Fleet { core, .. } = fleet;
    core.stop(DrainBudget::none(), "core is down").await;
    let fleet = Down {
        http: fleet.http,
        at: fleet.at,
        gateway: fleet.gateway,
        web: fleet.web,
    };
    for shown in [&new, &token] {
        let answer = fleet.call(shown).await?;
        answer.is(503, "IDENTITY_UNAVAILABLE")?;
        ensure!(!answer.header("retry-after").is_empty(), "{answer:?}");
    }
    let answer = fleet.call(&known).await?;
    assert_eq!(answer.status, 200, "what was known a moment ago still is: {answer:?}");
    fleet.gateway.stop(DrainBudget::none(), "the test is over").await;
    fleet.web.stop(DrainBudget::none(), "the test is over").await;
    Ok(())
}

/// A fleet without core.
struct Down {
    http: reqwest::Client,
    at: SocketAddr,
    gateway: Running,
    web: Running,
}

impl Down {
    async fn call(&self, shown: &str) -> Result<Answer> {
        let url = format!("http://{}/v1/web/whoAmI", self.at);
        let request = self
            .http
            .post(url)
            .header("host", GATEWAY)
            .bearer_auth(shown)
            .json(&json!({}));
        read(request.send().await?).await
    }
}

#[tokio::test]
async fn two_callers_who_send_the_same_idempotency_key_do_not_meet() -> Result<()> {
    let fleet = Fleet::start(&[]).await?;
    let ada = fleet.key_with("ada", &["rpc web *"]).await?;
    let eve = fleet.key_with("eve", &["rpc web *"]).await?;
    let once = [("idempotency-key", "order-7")];
    let next = async |key: &str| -> Result<(Value, String)> {
        let answer = fleet.call("/v1/web/next", Some(key), &once, &json!({})).await?;
        Ok((answer.body["result"].clone(), answer.header("idempotency-replayed")))
    };
    assert_eq!(next(&ada).await?, (json!(0), String::new()));
    assert_eq!(next(&ada).await?, (json!(0), "true".to_owned()));
    assert_eq!(next(&eve).await?, (json!(1), String::new()));
    fleet.stop().await;
    Ok(())
}
