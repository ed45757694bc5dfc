use aws_lc_rs::digest::{SHA256, digest};
use axum::Form;
use axum::extract::FromRequest as _;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, Request};
use serde_json::Value;
use syscall_sdk::error::{Error, Result};
use syscall_sdk::wire::Json;

use super::scheme::{Scheme, text};

/// Longest type and id: they become part of an event's name and of a key.
const WORD_MAX_BYTES: usize = 120;
const FORM: &str = "application/x-www-form-urlencoded";

/// What a proven delivery says.
pub(super) struct Delivery {
    /// What happened, in the provider's word.
    pub(super) kind: String,
    /// The provider's name of it.
    pub(super) id: String,
    /// Every name under which it must not be taken again.
    pub(super) names: Vec<String>,
    pub(super) payload: Json,
    /// What the provider wants to read back instead of an event being made.
    pub(super) challenge: Option<String>,
}

/// Reads a delivery that was proven.
///
/// # Errors
/// `INVALID_WEBHOOK` where the body is neither JSON nor a form, or says nowhere what it is.
pub(super) async fn read(scheme: &Scheme, headers: &HeaderMap, body: &[u8]) -> Result<Delivery> {
    let payload = payload(headers, body).await?;
    let tree = payload.value();
    let field = |path: &str| tree.pointer(path).and_then(Value::as_str);
    let header = |name: &str| text(headers, name);
    let whole = hex(digest(&SHA256, body).as_ref());
    // Whether the id is part of what is signed.
    let (kind, id, signed) = match scheme {
        Scheme::GitHub => (header("x-github-event"), header("x-github-delivery"), false),
        Scheme::Stripe => (field("/type"), field("/id"), true),
        Scheme::Slack => {
            let outer = field("/type").or(field("/command").map(|_| "command"));
            let inner = field("/event/type").filter(|_| outer == Some("event_callback"));
            (inner.or(outer), field("/event_id"), true)
        }
        Scheme::Standard(prefix) => (field("/type"), header(&format!("{prefix}-id")), true),
        Scheme::Custom(custom) => {
            let named = |name: &Option<http::HeaderName>| name.as_ref().and_then(|name| header(name.as_str()));
            (named(&custom.kind).or(field("/type")), named(&custom.id), false)
        }
    };
    let kind = word("type", kind.ok_or_else(|| invalid("it says nowhere what happened"))?)?;
    let id = id.map(|id| word("id", id)).transpose()?;
    let mut names: Vec<String> = id.iter().map(|id| format!("id/{id}")).collect();
    if !signed || id.is_none() {
        names.push(format!("body/{whole}"));
    }
    let challenge = matches!((scheme, kind.as_str()), (Scheme::Slack, "url_verification"))
        .then(|| field("/challenge").unwrap_or_default().to_owned());
    Ok(Delivery {
        kind,
        id: id.unwrap_or(whole),
        names,
        payload,
        challenge,
    })
}

/// The body as JSON: as it is, out of a form's `payload` field, or a form's fields as texts.
async fn payload(headers: &HeaderMap, body: &[u8]) -> Result<Json> {
    let json = |bytes: &[u8]| {
        let text = std::str::from_utf8(bytes).map_err(|_| invalid("its body is no UTF-8"))?;
        Json::parse(text).map_err(|error| invalid("its body is no JSON").with_source(error))
    };
    let media = text(headers, CONTENT_TYPE.as_str()).unwrap_or_default();
    let media = media.split(';').next().unwrap_or_default().trim();
    if !media.eq_ignore_ascii_case(FORM) {
        return json(body);
    }
    let request = Request::post("/")
        .header(CONTENT_TYPE, FORM)
        .body(axum::body::Body::from(body.to_vec()))
        .map_err(|error| Error::internal("a form cannot be read again").with_source(error))?;
    let Form(fields) = Form::<Vec<(String, String)>>::from_request(request, &())
        .await
        .map_err(|_| invalid("its body is no form"))?;
    if let Some((_, payload)) = fields.iter().find(|(name, _)| name == "payload") {
        return json(payload.as_bytes());
    }
    let tree: serde_json::Map<String, Value> = fields
        .into_iter()
        .map(|(name, value)| (name, Value::String(value)))
        .collect();
    Ok(Json::from(Value::Object(tree)))
}

/// A word of the provider's that becomes part of a name.
fn word(what: &str, text: &str) -> Result<String> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-:/+=".contains(&byte);
    if (1..=WORD_MAX_BYTES).contains(&text.len()) && text.bytes().all(plain) {
        return Ok(text.to_owned());
    }
    Err(invalid(&format!(
        "its {what} is not 1 to {WORD_MAX_BYTES} letters, digits and . _ - : / + ="
    )))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn invalid(what: &str) -> Error {
    Error::invalid(format!("the webhook cannot be taken: {what}")).with_code("INVALID_WEBHOOK")
}
