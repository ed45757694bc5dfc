//! A zone's settings: what the registry wants of them, what is there, and what differs.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, json};
use syscall_sdk::registry::Zone;

/// Cloudflare's managed rules, by the identifier that they have in every account.
pub(super) const MANAGED_RULES: &str = "efb7b8c949ac4650a09736fc376e9aee";
/// The plan on which the platform itself deploys a smaller set of managed rules.
const FREE: &str = "free";

/// Which part of the API keeps a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Family {
    /// `zones/{zone}/settings/{id}`; permission Zone Settings.
    Setting,
    /// `zones/{zone}/bot_management`; permission Bot Management.
    Bots,
    /// `zones/{zone}/rulesets`; permission Zone WAF.
    Firewall,
}

/// A setting as it is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Setting {
    pub(super) family: Family,
    /// Cloudflare's name of it.
    pub(super) id: &'static str,
    pub(super) value: String,
}

/// What the API said when it was asked for something.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Reading<T> {
    /// What there is.
    Is(T),
    /// It may not be read, and why.
    Refused(String),
}

/// A setting as it is.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct State {
    /// Its value as a word; `None` where the plan has something else in its place.
    pub(super) value: Option<String>,
    /// Whether the zone's plan lets it be changed.
    pub(super) editable: bool,
    /// For the firewall: the ruleset that a rule is added to, where there is one.
    pub(super) ruleset: Option<String>,
}

/// A change of a setting.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Change {
    pub(super) family: Family,
    pub(super) setting: &'static str,
    pub(super) from: Option<String>,
    pub(super) to: String,
    #[serde(skip)]
    pub(super) ruleset: Option<String>,
}

/// What the registry says of a zone.
pub(super) fn wanted(zone: &Zone) -> Vec<Setting> {
    let switch = |on: bool| if on { "on" } else { "off" }.to_owned();
    let setting = |id, value| Setting {
        family: Family::Setting,
        id,
        value,
    };
    vec![
        setting("ssl", zone.tls_mode.clone()),
        setting("min_tls_version", zone.minimum_tls.clone()),
        setting("always_use_https", switch(zone.always_https)),
        setting("automatic_https_rewrites", switch(zone.automatic_https_rewrites)),
        setting("opportunistic_encryption", switch(zone.opportunistic_encryption)),
        Setting {
            family: Family::Firewall,
            id: "waf",
            value: switch(zone.waf),
        },
        Setting {
            family: Family::Bots,
            id: "bot_fight_mode",
            value: switch(zone.bot_fight_mode),
        },
    ]
}

/// What differs, and what should be told.
pub(super) fn diff(
    wanted: &[Setting],
    there: &BTreeMap<&'static str, Reading<State>>,
    plan: &str,
) -> (Vec<Change>, Vec<String>) {
    let (mut changes, mut notes) = (Vec::new(), Vec::new());
    for setting in wanted {
        let state = match there.get(setting.id) {
            Some(Reading::Is(state)) => state,
            Some(Reading::Refused(why)) => {
                notes.push(format!("{} was not looked at: {why}", setting.id));
                continue;
            }
            None => continue,
        };
        if state.value.as_ref() == Some(&setting.value) {
            continue;
        }
        if setting.family == Family::Firewall && plan == FREE {
            if setting.value == "on" {
                notes.push(
                    "waf: the free plan has its own managed rules, always on; there is nothing to set".to_owned(),
                );
            }
            continue;
        }
        if setting.family == Family::Firewall && setting.value == "off" {
            notes.push(
                "waf: the registry says off and the managed rules are on; take their rule away by hand".to_owned(),
            );
            continue;
        }
        if state.value.is_none() && setting.family == Family::Bots {
            notes.push(
                "bot_fight_mode: the zone's plan has Super Bot Fight Mode in its place; set that by hand".to_owned(),
            );
            continue;
        }
        if !state.editable {
            let value = state.value.as_deref().unwrap_or("unset");
            let (id, to) = (setting.id, &setting.value);
            notes.push(format!(
                "{id} is {value} and would be {to}; the zone's plan does not let it be changed"
            ));
            continue;
        }
        if setting.id == "ssl" && state.value.as_deref() == Some("strict") && setting.value == "full" {
            notes.push(
                "ssl goes from strict to full, since Railway may show a certificate of another name to Cloudflare, which strict refuses with 526; where strict works, put it into the registry"
                    .to_owned(),
            );
        }
        changes.push(Change {
            family: setting.family,
            setting: setting.id,
            from: state.value.clone(),
            to: setting.value.clone(),
            ruleset: state.ruleset.clone(),
        });
    }
    (changes, notes)
}

/// The rule that deploys Cloudflare's managed rules.
pub(super) fn managed_rule() -> Value {
    json!({
        "action": "execute",
        "action_parameters": { "id": MANAGED_RULES },
        "expression": "true",
        "enabled": true,
        "description": super::record::MARK,
    })
}
