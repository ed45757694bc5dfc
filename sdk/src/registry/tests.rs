use super::*;

#[test]
fn the_registry_that_ships_is_well_formed() {
    let registry = Registry::builtin();
    assert_eq!(
        registry.keys(),
        ["operator", "core", "api", "app", "console", "docs", "web", "os", "root"]
    );
    assert_eq!(registry.get("blackroad-os-core").unwrap().key, "core");
    assert_eq!(registry.by_role("shell").unwrap().key, "app");
}

#[test]
fn an_unknown_service_is_named() {
    let error = Registry::builtin().get("nope").unwrap_err();
    assert_eq!(
        (error.code(), error.message()),
        ("UNKNOWN_SERVICE", "Unknown service: nope")
    );
}

#[test]
fn cloudflare_outside_production_falls_to_railway() {
    let registry = Registry::builtin();
    let url = |environment, way| registry.url("core", environment, way).unwrap();
    assert_eq!(
        url(Environment::Production, Way::Cloudflare),
        "https://core.blackroad.systems"
    );
    assert_eq!(
        url(Environment::Development, Way::Cloudflare),
        "https://blackroad-os-core-dev-19b6.up.railway.app"
    );
    assert_eq!(
        url(Environment::Development, Way::Internal),
        "http://blackroad-os-core.railway.internal:8000"
    );
}

#[test]
fn a_host_names_a_service_by_any_of_its_names() {
    let registry = Registry::builtin();
    for host in [
        "core.localhost:8000",
        "CORE.localhost",
        "blackroad-os-core.railway.internal:8000",
        "core.blackroad.systems",
        "9gw4d0h2.up.railway.app",
        "blackroad-os-core-dev-19b6.up.railway.app:443",
    ] {
        assert_eq!(
            registry.by_host(host).map(|service| service.key.as_str()),
            Some("core"),
            "{host}"
        );
    }
    assert_eq!(
        registry
            .by_host("blackroad.systems")
            .map(|service| service.key.as_str()),
        Some("root")
    );
    for host in [
        "localhost:8000",
        "127.0.0.1",
        "[::1]:8000",
        "healthcheck.railway.app",
        "elsewhere.example",
    ] {
        assert!(registry.by_host(host).is_none(), "{host}");
    }
}

#[test]
fn the_environment_overrides_urls_and_the_names_of_2_0_win() {
    let variables = Variables::from([
        ("CORE_URL".to_owned(), "http://own".to_owned()),
        ("CORE_API_URL".to_owned(), "https://old.example/".to_owned()),
        ("CORE_INTERNAL_URL".to_owned(), "http://127.0.0.1:9".to_owned()),
        ("OPERATOR_URL".to_owned(), "operator:80".to_owned()),
    ]);
    let mut problems = Problems::default();
    let registry = Registry::builtin().with_overrides(&variables, &mut problems);
    assert_eq!(
        registry.public_url("core", Environment::Development).unwrap(),
        "https://old.example"
    );
    assert_eq!(registry.internal_url("core").unwrap(), "http://127.0.0.1:9");
    assert_eq!(problems.iter().count(), 1);
}

#[test]
fn a_peers_internal_url_without_a_port_is_a_fault_and_a_public_one_is_not() {
    for (variable, url, faulty) in [
        ("CORE_INTERNAL_URL", "http://blackroad-os-core.railway.internal", true),
        ("CORE_INTERNAL_URL", "https://core.internal.example", true),
        ("CORE_API_INTERNAL_URL", "http://[fd12::1]", true),
        (
            "CORE_INTERNAL_URL",
            "http://blackroad-os-core.railway.internal:8000",
            false,
        ),
        ("CORE_INTERNAL_URL", "http://[fd12::1]:8000/", false),
        ("CORE_URL", "https://core.example", false),
    ] {
        let variables = Variables::from([(variable.to_owned(), url.to_owned())]);
        let mut problems = Problems::default();
        let _ = Registry::builtin().with_overrides(&variables, &mut problems);
        let told: Vec<&str> = problems.iter().collect();
        assert_eq!(told.len(), usize::from(faulty), "{url}: {told:?}");
        assert!(
            told.iter()
                .all(|problem| problem.contains(variable) && problem.contains("the port"))
        );
    }
}

#[test]
fn what_could_not_be_deployed_is_refused_when_it_is_read() {
    let with = |field: &str| BUILTIN.replacen("key = \"docs\"", &format!("key = \"docs\"\n{field}"), 1);
    for (field, said) in [
        (
            "replicas = 2",
            "2 replicas want data = \"postgres\": a volume has one reader",
        ),
        ("secrets = [\"api-key\"]", "\"api-key\" is no variable's name"),
        ("variables = { 2ND = \"x\" }", "\"2ND\" is no variable's name"),
        (
            "secrets = [\"KEY\"]\nvariables = { KEY = \"x\" }",
            "KEY is among its secrets and its variables",
        ),
    ] {
        let error = Registry::parse(&with(field)).unwrap_err();
        assert!(error.message().contains(said), "{field}: {}", error.message());
        assert!(error.message().contains("\"docs\""), "{}", error.message());
    }
    assert!(Registry::parse(&with("replicas = 2\ndata = \"postgres\"")).is_ok());
}

#[test]
fn staging_falls_to_development_where_it_has_no_urls() {
    let of = |text: &str| {
        let registry = Registry::parse(text).unwrap();
        (
            registry.url("docs", Environment::Staging, Way::Railway).unwrap(),
            registry,
        )
    };
    assert_eq!(of(BUILTIN).0, "https://blackroad-os-docs-dev.up.railway.app");
    let own = "key = \"docs\"\nstaging = { railway = \"https://docs-staging.up.railway.app\" }";
    let (url, registry) = of(&BUILTIN.replacen("key = \"docs\"", own, 1));
    assert_eq!(url, "https://docs-staging.up.railway.app");
    assert_eq!(registry.by_host("docs-staging.up.railway.app").unwrap().key, "docs");
}
