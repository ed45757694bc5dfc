//! The fleet's methods, to read.

use std::sync::Arc;

use syscall_sdk::context::Context;
use syscall_sdk::http::Html as Page;
use syscall_sdk::http::pages::{frame, service_url};
use syscall_sdk::pages::{Escaped, Html, Tone, as_command, badge, code_block, partial};

use crate::catalog::{Catalog, Offered};

pub(crate) async fn show(catalog: Arc<Catalog>, context: Context) -> Page {
    let mut content = String::from(
        "<header class=\"page-head\"><h1>Methods of the fleet</h1></header>\
         <p class=\"lede\">Everything the services offer one another, over plain HTTP: <code>POST /v1/{service}/{method}</code> with the params as \
         the body. <a href=\"/openapi.json\">The same as OpenAPI 3.1</a>.</p>",
    );
    let mut missing = Vec::new();
    let keys: Vec<String> = context.registry().keys().into_iter().map(str::to_owned).collect();
    for key in &keys {
        match catalog.of(&context, key).await {
            Ok(offer) if offer.methods.is_empty() => {}
            Ok(offer) => {
                content.push_str(&format!("<section class=\"section\" id=\"{key}\"><div class=\"section-head\"><h2>{key}</h2></div><div class=\"stack\">"));
                for offered in offer.methods.values() {
                    content.push_str(method(&context, key, offered).as_str());
                }
                content.push_str("</div></section>");
            }
            Err(_) => missing.push(key.as_str()),
        }
    }
    if !missing.is_empty() {
        content.push_str(partial(&missing, keys.len()).as_str());
    }
    Page(frame(&context, "Methods").await.render(Html::trusted(content)))
}

fn method(context: &Context, key: &str, offered: &Offered) -> Html {
    let info = &offered.info;
    let pretty = |json: &syscall_sdk::wire::Json| serde_json::to_string_pretty(&json.value()).unwrap_or_default();
    let repeat = if info.idempotent {
        badge(Tone::Good, "idempotent")
    } else {
        badge(Tone::Neutral, "once")
    };
    let cli = format!("blackroad call {key} {} '{{}}'", info.name);
    let curl = format!(
        "curl -X POST {}v1/{key}/{} -d '{{}}'",
        service_url(context, "api"),
        info.name
    );
    Html::trusted(format!(
        "<article class=\"card\" id=\"{key}.{name}\"><h3 class=\"mono\">{name} {repeat}</h3><p>{says}</p>\
         <details class=\"more\"><summary>params and result</summary>{params}{result}</details>{by_hand}</article>",
        name = Escaped(&info.name),
        says = Escaped(&info.description),
        params = code_block("params", pretty(&info.params)),
        result = code_block("result", pretty(&info.result)),
        by_hand = as_command(&cli, &curl),
    ))
}
