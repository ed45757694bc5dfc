//! What the platform's own library makes of the committed file is what the registry says.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use syscall_sdk::registry::{Data, Registry, ServiceRecord};

use super::tools::tools;

const LASTING: [&str; 3] = ["production", "staging", "development"];
/// As the platform calls the environment of a pull request.
const OF_PULL_REQUEST: &str = "blackroad-os-pr-12";

fn context(registry: &Registry, environment: &str) -> Value {
    json!({ "projectId": registry.file().railway_project, "projectName": "fleet", "environment": environment })
}

fn names(map: &Value) -> BTreeSet<&str> {
    map.as_object()
        .map(|map| map.keys().map(String::as_str).collect())
        .unwrap_or_default()
}

fn host(url: &str) -> &str {
    url.trim_start_matches("https://")
}

#[test]
fn the_committed_file_has_the_types_that_the_platforms_library_asks_for() -> Result<()> {
    let Some(tools) = tools()? else { return Ok(()) };
    let copy = tools.copy()?;
    assert_eq!(tools.type_check(copy.path())?, "");
    // That nothing is found means something: a wrong word is.
    let fleet = copy.path().join("railway/fleet.ts");
    let text = std::fs::read_to_string(&fleet)?;
    std::fs::write(
        &fleet,
        text.replacen("restartPolicyType: \"ALWAYS\"", "restartPolicyType: \"SOMETIMES\"", 1),
    )?;
    assert!(tools.type_check(copy.path())?.contains("SOMETIMES"));
    Ok(())
}

#[test]
fn what_the_platform_reads_is_what_the_registry_says() -> Result<()> {
    let Some(tools) = tools()? else { return Ok(()) };
    let copy = tools.copy()?;
    let registry = Registry::builtin();
    for environment in LASTING.into_iter().chain([OF_PULL_REQUEST]) {
        let project = tools.evaluate(copy.path(), &context(&registry, environment))?;
        let project = project.map_err(anyhow::Error::msg).context(environment)?;
        assert_eq!(project["name"], "fleet");
        let resources = project["resources"].as_array().context("there are resources")?;
        let of = |kind: &str| -> BTreeSet<&str> {
            resources
                .iter()
                .filter(|one| one["type"] == kind)
                .filter_map(|one| one["name"].as_str())
                .collect()
        };
        let lasting = LASTING.contains(&environment);
        let called: Vec<String> = registry
            .services()
            .map(|service| format!("{}-production", service.name))
            .collect();
        assert_eq!(
            of("service"),
            called.iter().map(String::as_str).collect(),
            "{environment}"
        );
        let volumes: Vec<String> = registry
            .services()
            .filter(|service| lasting && service.data == Data::Volume)
            .map(|service| format!("{}-data", service.name))
            .collect();
        assert_eq!(
            of("volume"),
            volumes.iter().map(String::as_str).collect(),
            "{environment}"
        );
        assert_eq!(
            of("database"),
            if lasting { ["postgres"].into() } else { [].into() },
            "{environment}"
        );
        assert_eq!(
            resources.len(),
            of("service").len() + of("volume").len() + of("database").len()
        );
        for (service, called) in registry.services().zip(&called) {
            let told = resources
                .iter()
                .find(|one| one["type"] == "service" && one["name"] == **called);
            let told = told.context("it is there")?;
            like_the_registry(&registry, service, environment, told);
        }
    }
    Ok(())
}

fn like_the_registry(registry: &Registry, service: &ServiceRecord, environment: &str, told: &Value) {
    let whose = format!("{} in {environment}", service.key);
    let (production, lasting) = (environment == "production", LASTING.contains(&environment));
    let source =
        json!({ "type": "github", "repo": "BlackRoad-OS/blackroad-os", "branch": "main", "checkSuites": true });
    assert_eq!(told["source"], source, "{whose}");
    assert_eq!(told["build"]["builder"], "DOCKERFILE", "{whose}");
    assert_eq!(told["build"]["dockerfilePath"], "Dockerfile", "{whose}");

    let deploy = &told["deploy"];
    assert_eq!(deploy["healthcheckPath"], registry.file().health_path, "{whose}");
    assert_eq!(deploy["healthcheckTimeout"], 10, "{whose}");
    assert_eq!(deploy["restartPolicyType"], "ALWAYS", "{whose}");
    assert_eq!(deploy["drainingSeconds"], 15, "{whose}");
    assert_eq!(
        deploy["overlapSeconds"],
        if service.data == Data::Postgres { 10 } else { 0 },
        "{whose}"
    );
    assert_eq!(
        deploy["numReplicas"],
        if production { service.replicas } else { 1 },
        "{whose}"
    );

    let networking = &told["networking"];
    // Its host on the private network is the registry's, whatever the project calls it.
    assert_eq!(
        service.internal(),
        format!("http://{}.railway.internal:{}", service.name, service.port)
    );
    assert_eq!(networking["privateNetworkEndpoint"], *service.name, "{whose}");
    let edge = match environment {
        "production" => Some(host(&service.production.railway)),
        "development" => Some(host(&service.development.railway)),
        _ => None,
    };
    assert_eq!(
        names(&networking["serviceDomains"]),
        edge.into_iter().collect(),
        "{whose}"
    );
    let own: BTreeSet<&str> = if production {
        own_domains(&service.key)
    } else {
        BTreeSet::new()
    };
    assert_eq!(names(&networking["customDomains"]), own, "{whose}");
    for domains in ["serviceDomains", "customDomains"] {
        for (domain, settings) in networking[domains].as_object().into_iter().flatten() {
            assert_eq!(settings["port"], service.port, "{whose}: {domain}");
        }
    }
    let proxied = service.tcp_proxy.is_some() && matches!(environment, "production" | "development");
    let port = service.port.to_string();
    assert_eq!(
        names(&networking["tcpProxies"]),
        if proxied { [&*port].into() } else { [].into() },
        "{whose}"
    );

    let variable = |name: &str| &told["variables"][name];
    let literal = |value: &str| json!({ "type": "literal", "value": value });
    assert_eq!(*variable("SERVICE"), literal(&service.name), "{whose}");
    assert_eq!(*variable("PORT"), literal(&port), "{whose}");
    assert_eq!(
        *variable("ENVIRONMENT"),
        literal(if lasting { environment } else { "staging" }),
        "{whose}"
    );
    assert_eq!(
        *variable("TRUST_EDGE"),
        literal(if production { "cloudflare" } else { "railway" }),
        "{whose}"
    );
    assert_eq!(
        *variable("SYSCALL_AUTH"),
        literal(if lasting { "required" } else { "open" }),
        "{whose}"
    );
    for callee in &service.calls {
        let peer = registry.get(callee).expect("who is called is there");
        let name = format!("{}_INTERNAL_URL", callee.to_uppercase());
        let at = format!("{}-production", peer.name);
        let url = format!("http://${{{{{at}.RAILWAY_PRIVATE_DOMAIN}}}}:${{{{{at}.PORT}}}}");
        assert_eq!(*variable(&name), literal(&url), "{whose} calls {callee}");
    }
    let secrets = ["SYSCALL_TOKEN", "SYSCALL_ROOT_KEYS"]
        .into_iter()
        .chain(service.secrets.iter().map(String::as_str));
    for name in secrets {
        let kept = if lasting {
            json!({ "type": "preserve" })
        } else {
            Value::Null
        };
        assert_eq!(*variable(name), kept, "{whose}: {name}");
    }
    let mounted = &told["volumeAttachments"][format!("{}-data", service.name)];
    let database = json!({ "type": "reference", "resource": "database.postgres", "output": "DATABASE_URL" });
    match (lasting, service.data) {
        (true, Data::Postgres) => {
            assert_eq!(*variable("DATABASE_URL"), database, "{whose}");
            assert!(mounted.is_null() && variable("DATA_DIR").is_null(), "{whose}");
        }
        (true, Data::Volume) => {
            assert_eq!(mounted["mountPath"], "/data", "{whose}");
            assert_eq!(*variable("DATA_DIR"), literal("/data"), "{whose}");
            assert!(variable("DATABASE_URL").is_null(), "{whose}");
        }
        (false, _) => {
            assert_eq!(*variable("AMNESIA"), literal("true"), "{whose}");
            assert!(
                mounted.is_null() && variable("DATABASE_URL").is_null() && variable("DATA_DIR").is_null(),
                "{whose}"
            );
        }
    }

    let watched: Vec<&str> = told["build"]["watchPatterns"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(Value::as_str)
        .collect();
    let own = format!("/services/{}/**", service.key);
    for wanted in [
        &own,
        "/sdk/**",
        "/Cargo.lock",
        "/Cargo.toml",
        "/rust-toolchain.toml",
        "/Dockerfile",
        "/registry.toml",
    ] {
        assert!(
            watched.contains(&wanted),
            "{whose} watches {watched:?} and not {wanted}"
        );
    }
    assert_eq!(watched.contains(&"/docs/**"), service.key == "docs", "{whose}");
}

/// By hand from registry.toml: the public names, and the records of both zones that lead to them.
fn own_domains(key: &str) -> BTreeSet<&'static str> {
    match key {
        "operator" => ["operator.blackroad.systems"].into(),
        "core" => ["core.blackroad.systems"].into(),
        "api" => ["api.blackroad.systems", "api.blackroad.io"].into(),
        "app" => [
            "app.blackroad.systems",
            "blackroad.io",
            "www.blackroad.io",
            "app.blackroad.io",
        ]
        .into(),
        "console" => ["console.blackroad.systems"].into(),
        "docs" => ["docs.blackroad.systems", "docs.blackroad.io"].into(),
        "web" => ["web.blackroad.systems"].into(),
        "os" => ["os.blackroad.systems"].into(),
        "root" => ["blackroad.systems", "www.blackroad.systems"].into(),
        other => panic!("{other} is new: say which domains lead to it"),
    }
}

#[test]
fn the_file_refuses_to_be_applied_where_it_would_delete_what_is_anothers() -> Result<()> {
    let Some(tools) = tools()? else { return Ok(()) };
    let copy = tools.copy()?;
    let registry = Registry::builtin();
    let mut another = context(&registry, "production");
    another["projectId"] = json!("00000000-0000-4000-8000-000000000000");
    let refused = tools
        .evaluate(copy.path(), &another)?
        .expect_err("it is another project");
    assert!(refused.contains(&registry.file().railway_project), "{refused}");
    let nowhere = json!({ "projectId": registry.file().railway_project });
    let refused = tools
        .evaluate(copy.path(), &nowhere)?
        .expect_err("it is no environment");
    assert!(refused.contains("no environment is linked"), "{refused}");
    Ok(())
}
