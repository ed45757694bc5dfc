//! The real fleet, all nine services in this process, on a port of the system's choice and with data of its own.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};

use anyhow::{Context as _, Result};
use serde_json::Value;
use syscall_sdk::auth::{Caller, EVERY_SERVICE, Grant, Right, Rights, SigningKey, Word, seconds, sign_first};
use syscall_sdk::clock::Clock;
use syscall_sdk::config::{Secret, Variables};
use syscall_sdk::context::JobContext;
use syscall_sdk::contract::Task;
use syscall_sdk::host::{Door, DrainBudget, Host, Running};
use syscall_sdk::registry::{BUILTIN, Registry};
use syscall_sdk::service::Service;
use syscall_sdk::transport::{Bind, Bound};
use syscall_sdk::wire::MetricRequest;

use crate::browser::{Browser, Page};
use crate::pages::{LIVE, SOON, check, picture};

/// A job that runs until it is cancelled: what a test needs to cancel.
pub(crate) const REST: Task<(), ()> = Task::new("core", "rest").attempts(1);

/// A running fleet; it ends when this is dropped, or in order by [`Fleet::stop`].
pub(crate) struct Fleet {
    running: Running,
    port: u16,
    data: tempfile::TempDir,
    /// What signs tokens, where callers are asked for them.
    root: Option<SigningKey>,
}

impl Fleet {
    /// Starts the nine services as they ship, save that web probes each second and core has the job [`REST`].
    pub(crate) async fn start() -> Result<Self> {
        Self::start_without(&[]).await
    }

    /// Starts the services but some, which then nobody can reach.
    pub(crate) async fn start_without(missing: &[&str]) -> Result<Self> {
        Self::start_with(tempfile::tempdir()?, missing, None).await
    }

    /// Starts the nine services as `up --auth required` does: each with a token of its own, and asking everybody for theirs.
    pub(crate) async fn start_guarded() -> Result<Self> {
        Self::start_with(tempfile::tempdir()?, &[], Some(SigningKey::generate()?)).await
    }

    /// The caller who holds the owner's token, which allows everything everywhere.
    pub(crate) fn owner(&self) -> Result<Caller> {
        let root = self
            .root
            .as_ref()
            .context("nobody is asked for a token in this fleet")?;
        let grant = Grant {
            subject: "owner".to_owned(),
            audience: vec![EVERY_SERVICE.to_owned()],
            rights: Rights::new([Right::all(Word::Admin)]),
            life: std::time::Duration::from_secs(600),
            holder: None,
        };
        let token = sign_first(root, &grant, seconds(&Clock::system()))?;
        Ok(Caller {
            credential: Some(Secret::new(format!("Bearer {token}"))),
            ..Caller::default()
        })
    }

    /// Ends it in order and starts it anew over the same data.
    pub(crate) async fn again(self) -> Result<Self> {
        self.running.stop(DrainBudget::none(), "it is started anew").await;
        Self::start_with(self.data, &[], self.root).await
    }

    async fn start_with(data: tempfile::TempDir, missing: &[&str], root: Option<SigningKey>) -> Result<Self> {
        let registry = Registry::parse(&BUILTIN.replace("probe_interval_seconds = 30", "probe_interval_seconds = 1"))?;
        let mut variables = Variables::from([("DATA_DIR".to_owned(), data.path().display().to_string())]);
        for key in missing {
            // Nothing listens on port 1 of this machine.
            let variable = format!("{}_INTERNAL_URL", key.to_uppercase());
            variables.insert(variable, "http://127.0.0.1:1".to_owned());
        }
        let door = Door::of_fleet("root", vec![Bind::Tcp(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))]);
        let mut tokens = BTreeMap::new();
        if let Some(root) = &root {
            variables.insert("SYSCALL_AUTH".to_owned(), "required".to_owned());
            variables.insert("SYSCALL_ROOT_KEYS".to_owned(), root.public().text());
            for (key, _) in SERVICES {
                let token = registry.mint(key, root, seconds(&Clock::system()))?.to_text();
                tokens.insert((*key).to_owned(), token);
            }
        }
        let host = Host::new(variables).registry(registry).tokens(tokens);
        let running = SERVICES
            .iter()
            .copied()
            .filter(|(key, _)| !missing.contains(key))
            .fold(host, |host, (_, make)| host.mount(make))
            .start(vec![door])
            .await?;
        let port = running
            .bound()
            .iter()
            .find_map(|bound| match bound {
                Bound::Tcp(address) => Some(address.port()),
                Bound::Unix(_) => None,
            })
            .context("a TCP door")?;
        Ok(Fleet {
            running,
            port,
            data,
            root,
        })
    }

    /// The URL of a service's path, as a browser beside the fleet opens it.
    pub(crate) fn url(&self, service: &str, path: &str) -> String {
        match service {
            "root" => format!("http://localhost:{}{path}", self.port),
            other => format!("http://{other}.localhost:{}{path}", self.port),
        }
    }

    /// Asks the fleet under a Host, without a browser: the status, the headers and the body.
    pub(crate) async fn get(&self, host: &str, path: &str) -> Result<reqwest::Response> {
        let client = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .build()?;
        let request = client
            .get(format!("http://127.0.0.1:{}{path}", self.port))
            .header("host", host.replace("PORT", &self.port.to_string()));
        Ok(request.send().await?)
    }

    /// A path of a service as JSON.
    pub(crate) async fn json(&self, service: &str, path: &str) -> Result<Value> {
        Ok(self
            .get(&format!("{service}.localhost:PORT"), path)
            .await?
            .json()
            .await?)
    }

    /// Waits until JSON of a service is as wanted, asking again whenever the service has written something.
    pub(crate) async fn until(&self, service: &str, path: &str, wanted: impl Fn(&Value) -> bool) -> Result<Value> {
        let kernel = self.running.kernel(service).context("the service runs")?;
        let mut heads = kernel.store.heads();
        let look = async {
            loop {
                heads.borrow_and_update();
                let value = self.json(service, path).await?;
                if wanted(&value) {
                    return Ok(value);
                }
                heads.changed().await?;
            }
        };
        tokio::time::timeout(SOON, look)
            .await
            .with_context(|| format!("{service}{path} was not as wanted in {SOON:?}"))?
    }

    /// The context of a service, for what a test does in its place.
    pub(crate) fn context(&self, service: &str) -> syscall_sdk::context::Context {
        syscall_sdk::context::Context::new(self.running.kernel(service).expect("the service runs"))
    }

    /// Records figures as kernels do every 10 s, which is longer than a test waits.
    pub(crate) fn record_vitals(&self) -> Result<()> {
        for (at, service) in self.running.registry().keys().into_iter().enumerate() {
            let context = self.context(service);
            for step in 0..40_i32 {
                let wave = 1.0 + (f64::from(step) / 6.0 + at as f64).sin() / 2.0;
                for (name, value) in [
                    ("http.rate", 12.0 * wave * (at + 1) as f64),
                    ("http.errors", if at == 2 { 0.012 * wave } else { 0.0 }),
                    ("http.p50", 0.6 * wave),
                    ("http.p95", 4.0 * wave),
                    ("http.p99", 11.0 * wave),
                    ("process.rss", 180_000_000.0 + 4_000_000.0 * wave),
                ] {
                    let name = name.to_owned();
                    context.metrics().record(MetricRequest {
                        name,
                        value,
                        unit: None,
                        tags: None,
                    })?;
                }
            }
        }
        Ok(())
    }

    /// The port that everything listens on.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Ends it at once, in order.
    pub(crate) async fn stop(self) {
        self.running.stop(DrainBudget::none(), "the test is over").await;
    }
}

pub(crate) type MakeService = fn() -> Service;

/// Every service of the registry, in its order.
pub(crate) const SERVICES: &[(&str, MakeService)] = &[
    // One a line: `blackroad new service` adds to them.
    ("operator", blackroad_os_operator::service),
    ("core", || blackroad_os_core::service().task(REST, rest)),
    ("api", blackroad_os_api::service),
    ("app", blackroad_operating_system::service),
    ("console", blackroad_os_prism_console::service),
    ("docs", blackroad_os_docs::service),
    ("web", blackroad_os_web::service),
    ("os", blackroad_os_interface::service),
    ("root", blackroad_os_root::service),
];

async fn rest(context: JobContext, (): ()) -> syscall_sdk::error::Result<()> {
    context.cancelled().await;
    Ok(())
}

/// A page to look at: the service, the path, and what its pictures are called.
pub(crate) type Place<'a> = (&'a str, &'a str, &'a str);

/// Opens pages wide and narrow, in light and dark, live and whole; takes their pictures; fails where anything is wrong with one.
pub(crate) async fn whole_everywhere(fleet: &Fleet, browser: &Browser, places: &[Place<'_>]) -> Result<()> {
    for (width, height) in [(1280, 800), (360, 740)] {
        for dark in [false, true] {
            let page = browser.page(width, height, dark).await?;
            for (service, path, name) in places {
                let place = format!("{name}-{width}-{}", if dark { "dark" } else { "light" });
                page.goto(&fleet.url(service, path)).await?;
                page.wait_for(LIVE, SOON).await?;
                page.wait_for(SETTLED, SOON).await?;
                page.screenshot(&picture(&place)).await?;
                check(&page, &place).await?;
            }
        }
    }
    Ok(())
}

/// Opens pages where no script runs: all there is to read is there, and nothing that would do nothing.
pub(crate) async fn whole_without_script(fleet: &Fleet, browser: &Browser, places: &[Place<'_>]) -> Result<()> {
    let page = browser.page(360, 740, false).await?;
    page.set_script_enabled(false).await?;
    for (service, path, name) in places {
        page.goto(&fleet.url(service, path)).await?;
        page.screenshot(&picture(&format!("{name}-script-off"))).await?;
        check(&page, name).await?;
        let dead: u32 = page
            .eval("[...document.querySelectorAll('.needs-script')].filter((one) => one.checkVisibility()).length")
            .await?;
        assert_eq!(dead, 0, "{name}: controls that would do nothing are not shown");
    }
    Ok(())
}

/// The first view is at most 30 KB gzipped and its scripts 15 KB, as the brief says.
pub(crate) async fn within_budget(fleet: &Fleet, browser: &Browser, (service, path, name): Place<'_>) -> Result<()> {
    let page = browser.page(1280, 800, false).await?;
    page.goto(&fleet.url(service, path)).await?;
    let [html, script, style]: [u32; 3] = page
        .eval(
            "(async () => {
                const size = async (...urls) => {
                    const texts = await Promise.all(urls.map(async (url) => (await fetch(url)).text()));
                    const zipped = new Blob(texts).stream().pipeThrough(new CompressionStream('gzip'));
                    return (await new Response(zipped).arrayBuffer()).byteLength;
                };
                const scripts = [...document.scripts].map((script) => script.src);
                return [await size(location.href), await size(...scripts), await size(...[...document.styleSheets].map((sheet) => sheet.href))];
            })()",
        )
        .await?;
    println!("{name} gzipped: page {html} B, scripts {script} B, styles {style} B");
    assert!(html <= 30_000, "{name}: the page has {html} B gzipped");
    assert!(script <= 15_000, "{name}: the scripts have {script} B gzipped");
    Ok(())
}

/// Nothing has moved since the page was first painted, also when its live parts came.
pub(crate) async fn stays_still(page: &Page, name: &str) -> Result<()> {
    let shifts: Vec<String> = page
        .eval(
            "new Promise((resolve) => {
                const [shifts, end] = [[], performance.now()];
                new PerformanceObserver((list) => {
                    for (const { value, startTime, sources, hadRecentInput } of list.getEntries()) {
                        if (startTime >= end) resolve(shifts);
                        else if (!hadRecentInput) shifts.push(`${value}: ${sources.map(({ node }) => (node?.outerHTML ?? node?.data)?.slice(0, 160)).join('; ')}`);
                    }
                }).observe({ type: 'layout-shift', buffered: true });
                const block = document.createElement('div');
                block.style.height = '200px';
                document.querySelector('main').prepend(block);
            })",
        )
        .await?;
    assert!(shifts.is_empty(), "{name} shifts by {}", shifts.join("\n"));
    Ok(())
}

const SETTLED: &str = "document.getAnimations().every((one) => one.effect.getTiming().iterations === Infinity || one.playState === 'finished')";
