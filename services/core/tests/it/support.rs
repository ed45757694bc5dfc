//! A host with core alone, asked in process: everything real but the socket.

use std::collections::BTreeMap;

use http::header::{COOKIE, HOST, LOCATION, SET_COOKIE};
use http::{HeaderMap, Method, StatusCode};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use syscall_sdk::config::Variables;
use syscall_sdk::host::{Door, Host, Running};
use syscall_sdk::rpc::header::CLIENT;
use syscall_sdk::transport::{Body, Handler, Request};

pub(crate) const PASSWORD: &str = "a lamp beside the river";
/// The host under which the tests ask, as a browser on a laptop does.
pub(crate) const AT: &str = "core.localhost:8000";

/// A running core.
pub(crate) struct Core {
    pub(crate) running: Running,
    handler: Handler,
}

/// An answer, read whole.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or(Value::Null)
    }

    /// Where it leads.
    pub(crate) fn location(&self) -> &str {
        self.headers
            .get(LOCATION)
            .map_or("", |location| location.to_str().unwrap())
    }

    /// The token of the page's forms.
    pub(crate) fn form(&self) -> String {
        let (_, rest) = self
            .text
            .split_once(r#"name="form" value=""#)
            .expect("the page has a form");
        rest.split_once('"').unwrap().0.to_owned()
    }
}

impl Core {
    pub(crate) async fn start() -> Self {
        Self::start_with(&[]).await
    }

    pub(crate) async fn start_with(pairs: &[(&str, &str)]) -> Self {
        Self::start_at(pairs, Vec::new()).await
    }

    pub(crate) async fn start_at(pairs: &[(&str, &str)], doors: Vec<Door>) -> Self {
        let own = [
            ("AMNESIA", "true"),
            // Everybody is one client in this process as far as the kernel counts; here it is core that counts.
            ("CALLER_RATE", "0"),
            // Nobody keeps the roster here; nothing listens on port 1.
            ("OPERATOR_INTERNAL_URL", "http://127.0.0.1:1"),
        ];
        let variables: Variables = own
            .iter()
            .chain(pairs)
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let host = Host::new(variables).mount(blackroad_os_core::service);
        let running = host.start(doors).await.unwrap();
        let handler = running.handler("core").expect("core booted");
        Core { running, handler }
    }

    pub(crate) async fn send(&self, method: Method, path: &str, headers: &[(&str, &str)], body: String) -> Answer {
        let mut request = Request::new(Body::from(body));
        *request.method_mut() = method;
        *request.uri_mut() = path.parse().unwrap();
        request.headers_mut().insert(HOST, AT.parse().unwrap());
        for (name, value) in headers {
            let name = http::HeaderName::try_from(*name).unwrap();
            request.headers_mut().insert(name, value.parse().unwrap());
        }
        let (parts, body) = self.handler.answer(request).await.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        Answer {
            status: parts.status,
            headers: parts.headers,
            text: String::from_utf8_lossy(&bytes).into_owned(),
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, &[], String::new()).await
    }

    /// Calls a method and gives its result.
    pub(crate) async fn call(&self, method: &str, params: Value) -> Value {
        let answer = self.rpc(method, params).await;
        assert_eq!(answer.status, StatusCode::OK, "{method}: {}", answer.text);
        answer.json()["result"].clone()
    }

    /// Calls a method that refuses, and gives the status and the code.
    pub(crate) async fn refused(&self, method: &str, params: Value) -> (u16, String) {
        let answer = self.rpc(method, params).await;
        let code = answer.json()["error"]["code"].as_str().unwrap_or_default().to_owned();
        (answer.status.as_u16(), code)
    }

    async fn rpc(&self, method: &str, params: Value) -> Answer {
        let body = json!({ "method": method, "params": params }).to_string();
        self.send(Method::POST, "/v1/sys/rpc", &[], body).await
    }

    /// A form as a program sends it.
    pub(crate) async fn post(&self, path: &str, headers: &[(&str, &str)], pairs: &[(&str, &str)]) -> Answer {
        let mut headers = headers.to_vec();
        headers.push(("content-type", "application/x-www-form-urlencoded"));
        self.send(Method::POST, path, &headers, form(pairs)).await
    }

    /// A user with [`PASSWORD`]; gives the id.
    pub(crate) async fn user(&self, email: &str) -> String {
        let user = self.call("createUser", json!({ "email": email, "name": "Ada" })).await;
        let id = user["id"].as_str().unwrap().to_owned();
        self.call("setPassword", json!({ "id": id, "password": PASSWORD }))
            .await;
        id
    }

    /// The names of the events that were emitted, oldest first.
    pub(crate) async fn events(&self) -> Vec<String> {
        let answer = self.get("/v1/sys/events/recent?limit=1000").await.json();
        let list = answer["events"].as_array().cloned().unwrap_or_default();
        list.iter()
            .map(|event| event["event"].as_str().unwrap_or_default().to_owned())
            .collect()
    }
}

/// Pairs as a form's body.
pub(crate) fn form(pairs: &[(&str, &str)]) -> String {
    let mut url = reqwest::Url::parse("http://form/").unwrap();
    url.query_pairs_mut().extend_pairs(pairs);
    url.query().unwrap_or_default().to_owned()
}

/// A browser: it keeps cookies, says from which address it comes and which page sends its forms.
pub(crate) struct Browser<'a> {
    core: &'a Core,
    pub(crate) address: String,
    pub(crate) cookies: BTreeMap<String, String>,
    pub(crate) site: &'static str,
}

impl<'a> Browser<'a> {
    pub(crate) fn new(core: &'a Core, address: &str) -> Self {
        Browser {
            core,
            address: address.to_owned(),
            cookies: BTreeMap::new(),
            site: "same-origin",
        }
    }

    pub(crate) async fn get(&mut self, path: &str) -> Answer {
        self.send(Method::GET, path, String::new()).await
    }

    pub(crate) async fn post(&mut self, path: &str, pairs: &[(&str, &str)]) -> Answer {
        self.send(Method::POST, path, form(pairs)).await
    }

    async fn send(&mut self, method: Method, path: &str, body: String) -> Answer {
        let cookies: Vec<String> = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let cookies = cookies.join("; ");
        let headers = [
            (COOKIE.as_str(), cookies.as_str()),
            (CLIENT, self.address.as_str()),
            ("user-agent", "a browser of the tests"),
            ("sec-fetch-site", self.site),
            ("content-type", "application/x-www-form-urlencoded"),
        ];
        let answer = self.core.send(method, path, &headers, body).await;
        for cookie in answer.headers.get_all(SET_COOKIE) {
            let (pair, rest) = cookie.to_str().unwrap().split_once(';').unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            if rest.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        answer
    }

    /// Sends the sign-in page's form.
    pub(crate) async fn sign_in(&mut self, email: &str, password: &str, way_back: &str) -> Answer {
        let page = self
            .get(&format!("/login?again=1&{}", form(&[("return", way_back)])))
            .await;
        let token = page.form();
        self.post(
            "/login",
            &[
                ("email", email),
                ("password", password),
                ("return", way_back),
                ("form", &token),
            ],
        )
        .await
    }

    /// Sends a form of the account's page.
    pub(crate) async fn act(&mut self, path: &str, pairs: &[(&str, &str)]) -> Answer {
        let token = self.get("/account").await.form();
        let mut pairs = pairs.to_vec();
        pairs.push(("form", &token));
        self.post(path, &pairs).await
    }
}
