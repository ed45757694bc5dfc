use super::*;

fn variables(pairs: &[(&str, &str)]) -> Variables {
    pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

fn core(pairs: &[(&str, &str)]) -> Result<Settings, Problems> {
    parse(&variables(pairs), "core", "blackroad-os-core", "core")
}

#[test]
fn an_empty_environment_is_development_and_open() {
    let settings = core(&[]).unwrap();
    assert_eq!(settings.environment, Environment::Development);
    assert_eq!(settings.auth, AuthMode::Open);
    assert!(settings.features.jobs);
}

#[test]
fn the_platforms_development_is_nobodys_laptop() {
    let settings = core(&[("RAILWAY_ENVIRONMENT_NAME", "development")]).unwrap();
    assert_eq!(settings.environment, Environment::Development);
    assert_eq!(settings.auth, AuthMode::Required);
    assert!(settings.caller_rate.is_some());
}

#[test]
fn every_fault_is_told_in_one_message() {
    let problems = core(&[
        ("SERVICE_NAME", "blackroad-os-api"),
        ("ENVIRONMENT", "prod"),
        ("PORT", "eighty"),
        ("SYSCALL_AUTH", "maybe"),
        ("ENABLE_JOBS", "perhaps"),
        ("LOG_LEVEL", "loud"),
        ("DATABASE_URL", "mysql://x"),
        ("ALLOWED_ORIGINS", "https://ok.example, example.com"),
    ])
    .unwrap_err();
    let text = problems.to_string();
    assert_eq!(problems.iter().count(), 8, "{text}");
    for variable in [
        "SERVICE_NAME",
        "ENVIRONMENT",
        "PORT",
        "SYSCALL_AUTH",
        "ENABLE_JOBS",
        "LOG_LEVEL",
        "DATABASE_URL",
        "ALLOWED_ORIGINS",
    ] {
        assert!(text.contains(variable), "{variable} is missing in: {text}");
    }
}

#[test]
fn a_service_says_how_many_bytes_it_keeps() {
    assert_eq!(core(&[]).unwrap().kept_max, KeptMax::DEFAULT);
    let said = core(&[("EVENTS_MAX_BYTES", "16777216"), ("JOBS_MAX_BYTES", "1099511627776")]).unwrap();
    let expected = KeptMax {
        events: KeptMax::MIN,
        jobs: 1 << 40,
        ..KeptMax::DEFAULT
    };
    assert_eq!(said.kept_max, expected);
    for wrong in ["16777215", "0", "-1", "16 MiB", "1.5"] {
        let problems = core(&[("CHANGES_MAX_BYTES", wrong)]).unwrap_err().to_string();
        let sentence =
            format!("CHANGES_MAX_BYTES is \"{wrong}\"; it is a whole number of bytes, 16777216 (16 MiB) at least");
        assert!(problems.contains(&sentence), "{problems}");
    }
}

#[test]
fn callers_have_a_minutes_worth_where_credentials_are_asked_for() {
    assert_eq!(
        core(&[]).unwrap().rates,
        Rates::default(),
        "on a laptop everybody is one address"
    );
    let asked = core(&[("SYSCALL_AUTH", "required"), ("PAGE_RATE", "0"), ("KEY_RATE", "7")]).unwrap();
    let expected = Rates {
        api: Some(100),
        key: Some(7),
        auth: Some(10),
        page: None,
    };
    assert_eq!(asked.rates, expected);
    let wrong = core(&[("AUTH_RATE", "ten")]).unwrap_err().to_string();
    assert!(
        wrong.contains("AUTH_RATE is \"ten\"; it is requests a minute of one caller"),
        "{wrong}"
    );
}

#[test]
fn a_pull_requests_environment_counts_as_staging() {
    assert_eq!(
        core(&[("RAILWAY_ENVIRONMENT_NAME", "pr-17")]).unwrap().environment,
        Environment::Staging
    );
    assert_eq!(
        core(&[("RAILWAY_ENVIRONMENT_NAME", "production"), ("DATA_DIR", "/data")])
            .unwrap()
            .environment,
        Environment::Production
    );
}

#[test]
fn production_needs_a_place_that_lasts() {
    assert!(
        core(&[("ENVIRONMENT", "production")])
            .unwrap_err()
            .to_string()
            .contains("DATABASE_URL")
    );
    assert!(core(&[("ENVIRONMENT", "production"), ("AMNESIA", "true")]).is_ok());
}

#[test]
fn a_blank_variable_is_as_absent() {
    assert_eq!(core(&[("PORT", " "), ("ENVIRONMENT", "")]).unwrap().port, None);
}

#[test]
fn a_secret_never_prints() {
    let settings = core(&[
        ("SYSCALL_TOKEN", "hunter2"),
        ("DATABASE_URL", "postgres://u:hunter2@h/d"),
    ])
    .unwrap();
    assert!(!format!("{settings:?}").contains("hunter2"));
}
