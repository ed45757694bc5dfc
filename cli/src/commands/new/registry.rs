//! Changing the text of `registry.toml` and leaving the rest of it as people wrote it: comments, order, spaces.

use std::ops::Range;

use anyhow::{Context as _, Result, bail, ensure};
use syscall_sdk::registry::Registry;

use super::names::Names;

/// What the registry is to say of a new service.
pub(super) struct Entry<'a> {
    pub(super) names: &'a Names,
    pub(super) port: u16,
    pub(super) calls: &'a [String],
    pub(super) called_by: &'a [String],
}

/// The registry with the service in it, checked.
pub(super) fn with(text: &str, entry: &Entry<'_>) -> Result<String> {
    let registry = Registry::parse(text)?;
    let key = &entry.names.key;
    for name in [key, &entry.names.package] {
        ensure!(
            !registry.has(name),
            "the registry has {name:?} already; choose another key, or remove its entry"
        );
    }
    for other in entry.calls.iter().chain(entry.called_by) {
        registry
            .get(other)
            .map_err(|error| anyhow::anyhow!("{}; there are {}", error.message(), registry.keys().join(", ")))?;
    }
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    for service in registry.services() {
        let asked = entry
            .called_by
            .iter()
            .any(|caller| *caller == service.key || *caller == service.name);
        if asked || calls_every_other(&registry, &service.key) {
            add_to_calls(&mut lines, &service.key, key)?;
        }
        let may_call = service.rights.is_empty() || service.rights.get("*").is_some_and(|rights| any_method(rights));
        if asked && !may_call {
            add_right(&mut lines, &service.key, key)?;
        }
    }
    let end = blocks(&lines).last().map(|block| block.end);
    let at = end.context("registry.toml has no [[service]]")?;
    let mut added = vec![String::new()];
    added.extend(block(&registry, entry).lines().map(str::to_owned));
    lines.splice(at..at, added);
    let text = lines.join("\n") + "\n";
    // What was added by text is read back: nothing is written that the SDK would refuse.
    let read = Registry::parse(&text).context("the registry would not be one any more; add the service by hand")?;
    ensure!(
        read.has(key) && read.keys().len() == registry.keys().len() + 1,
        "registry.toml is written in a way that cannot be added to; add the service by hand"
    );
    Ok(text)
}

/// Who keeps the roster, the trail, the dashboard: a service that calls all the others calls the new one as well. Of a fleet of two nobody
/// can be said to.
fn calls_every_other(registry: &Registry, key: &str) -> bool {
    let Ok(service) = registry.get(key) else { return false };
    let mut others = registry.services().filter(|other| other.key != key);
    service.calls.len() > 1 && others.all(|other| service.calls.contains(&other.key))
}

fn any_method(rights: &[String]) -> bool {
    rights.iter().any(|right| right.starts_with("rpc * "))
}

fn block(registry: &Registry, entry: &Entry<'_>) -> String {
    let Names { key, package, .. } = entry.names;
    let domain = &registry.file().domain;
    // The roster's keeper is called by everybody.
    let keeper = registry.has("operator").then(|| "operator".to_owned());
    let called: Vec<&String> = entry.calls.iter().filter(|other| *other != "operator").collect();
    let calls: Vec<String> = keeper
        .iter()
        .chain(called.iter().copied())
        .map(|key| format!("{key:?}"))
        .collect();
    let rights: String = called
        .iter()
        .map(|other| format!(", {other} = [\"rpc {other} *\"]"))
        .collect();
    format!(
        "[[service]]\n\
         key = \"{key}\"\n\
         name = \"{package}\"\n\
         role = \"{key}\"\n\
         port = {port}\n\
         production = {{ cloudflare = \"https://{key}.{domain}\", railway = \"https://{package}-production.up.railway.app\" }}\n\
         development = {{ railway = \"https://{package}-dev.up.railway.app\" }}\n\
         calls = [{calls}]\n\
         rights = {{ \"*\" = []{rights} }}\n",
        port = entry.port,
        calls = calls.join(", "),
    )
}

/// The lines of each service's entry, without the blank lines and comments before the next one.
fn blocks(lines: &[String]) -> Vec<Range<usize>> {
    let begins = (0..lines.len()).filter(|at| lines[*at].trim() == "[[service]]");
    begins
        .map(|begin| {
            let after = (begin + 1..lines.len()).find(|at| lines[*at].starts_with('['));
            let mut end = after.unwrap_or(lines.len());
            while lines[end - 1].trim().is_empty() || lines[end - 1].starts_with('#') {
                end -= 1;
            }
            begin..end
        })
        .collect()
}

fn block_of(lines: &[String], service: &str) -> Result<Range<usize>> {
    let said = format!("\"{service}\"");
    let is_its = |block: &Range<usize>| {
        let mut fields = lines[block.clone()].iter().filter_map(|line| line.split_once('='));
        fields.any(|(name, value)| name.trim() == "key" && value.trim() == said)
    };
    blocks(lines)
        .into_iter()
        .find(is_its)
        .with_context(|| format!("the entry of {service} was not found in registry.toml; add the service by hand"))
}

/// The line of a field, where it is there; it must be one line.
fn field(lines: &[String], block: &Range<usize>, name: &str, close: char) -> Result<Option<usize>> {
    let is_it = |at: &usize| lines[*at].split('=').next().is_some_and(|word| word.trim() == name);
    let Some(at) = block.clone().find(is_it) else {
        return Ok(None);
    };
    if !lines[at].trim_end().ends_with(close) {
        bail!(
            "registry.toml, line {}: {name} goes over several lines; put it into one",
            at + 1
        );
    }
    Ok(Some(at))
}

fn add_to_calls(lines: &mut Vec<String>, caller: &str, key: &str) -> Result<()> {
    let block = block_of(lines, caller)?;
    match field(lines, &block, "calls", ']')? {
        Some(at) => {
            let line = lines[at]
                .trim_end()
                .trim_end_matches(']')
                .trim_end()
                .trim_end_matches(',')
                .to_owned();
            let comma = if line.ends_with('[') { "" } else { ", " };
            lines[at] = format!("{line}{comma}\"{key}\"]");
        }
        None => lines.insert(block.end, format!("calls = [\"{key}\"]")),
    }
    Ok(())
}

fn add_right(lines: &mut [String], caller: &str, key: &str) -> Result<()> {
    let block = block_of(lines, caller)?;
    let at = field(lines, &block, "rights", '}')?;
    let at = at.with_context(|| {
        format!("the rights of {caller} are a table of their own in registry.toml; put them into one line")
    })?;
    let line = lines[at]
        .trim_end()
        .trim_end_matches('}')
        .trim_end()
        .trim_end_matches(',')
        .to_owned();
    lines[at] = format!("{line}, {key} = [\"rpc {key} *\"] }}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use syscall_sdk::registry::BUILTIN;

    use super::*;

    fn added(text: &str, called_by: &[&str], calls: &[&str]) -> Result<Registry> {
        let owned = |keys: &[&str]| keys.iter().map(|key| (*key).to_owned()).collect::<Vec<_>>();
        let entry = Entry {
            names: &Names::new("blackroad-os", "billing")?,
            port: 8000,
            calls: &owned(calls),
            called_by: &owned(called_by),
        };
        Ok(Registry::parse(&with(text, &entry)?)?)
    }

    #[test]
    fn who_calls_everybody_calls_the_new_one_and_nobody_else_does_unless_asked() {
        let registry = added(BUILTIN, &["app"], &["core"]).unwrap();
        let callers: Vec<&str> = registry
            .services()
            .filter(|service| service.calls.iter().any(|key| key == "billing"))
            .map(|service| service.key.as_str())
            .collect();
        assert_eq!(callers, ["operator", "core", "api", "app", "console", "os"]);
        assert_eq!(registry.get("app").unwrap().rights["billing"], ["rpc billing *"]);
        assert!(!registry.get("os").unwrap().rights.contains_key("billing"));
        let billing = registry.get("billing").unwrap();
        assert_eq!(billing.calls, ["operator", "core"]);
        assert_eq!(billing.rights["core"], ["rpc core *"]);
        assert!(billing.rights["*"].is_empty());
        assert_eq!(registry.keys().last(), Some(&"billing"));
    }

    #[test]
    fn the_rest_of_the_file_is_as_it_was_written() {
        let names = Names::new("blackroad-os", "billing").unwrap();
        let entry = Entry {
            names: &names,
            port: 8000,
            calls: &[],
            called_by: &[],
        };
        let text = with(BUILTIN, &entry).unwrap();
        let gone: Vec<&str> = BUILTIN
            .lines()
            .filter(|line| !text.lines().any(|other| other == *line))
            .collect();
        assert!(gone.iter().all(|line| line.starts_with("calls = [")), "{gone:#?}");
        assert!(text.contains("rights = { \"*\" = [] }\n\n# Beside the nine proxied CNAMEs."));
    }

    #[test]
    fn a_key_that_is_taken_and_a_caller_that_there_is_not_are_refused() {
        assert!(
            added(BUILTIN, &["nobody"], &[])
                .unwrap_err()
                .to_string()
                .contains("there are operator")
        );
        let twice = with(
            BUILTIN,
            &Entry {
                names: &Names::new("blackroad-os", "core").unwrap(),
                port: 8000,
                calls: &[],
                called_by: &[],
            },
        );
        assert!(twice.unwrap_err().to_string().contains("has \"core\" already"));
    }

    #[test]
    fn a_list_over_several_lines_is_named_with_its_line() {
        let text = BUILTIN.replace(
            "calls = [\"operator\", \"core\", \"api\"]",
            "calls = [\n  \"operator\", \"core\", \"api\"\n]",
        );
        let told = added(&text, &["app"], &[]).unwrap_err().to_string();
        assert!(told.contains("calls goes over several lines"), "{told}");
    }
}
