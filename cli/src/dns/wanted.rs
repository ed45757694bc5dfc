//! What the registry wants of a zone: pure, without asking anybody.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, anyhow, bail};
use syscall_sdk::config::Variables;
use syscall_sdk::registry::{RegistryFile, Zone};

use super::handed::Handed;
use super::record::{Kind, OWNERSHIP, Record, below, host, in_full, within};
use super::txt;

/// The platform's public names: what leads there is a custom domain of the platform and needs its proof.
const PLATFORM: &str = ".up.railway.app";
/// How the edge may speak to the origin, from the weakest on.
const TLS_MODES: [&str; 4] = ["off", "flexible", "full", "strict"];
/// The versions of TLS that can be the oldest.
const TLS_VERSIONS: [&str; 4] = ["1.0", "1.1", "1.2", "1.3"];
/// Longest chain of names within a zone that is followed: `www` to the apex to the platform is two.
const CHAIN_MAX: usize = 8;

/// What the environment says of the zones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Naming {
    /// The fleet's domain, where it is another than the registry's.
    domain: Option<String>,
    /// Whether the services' names are proxied.
    proxied: bool,
}

/// A zone as it is wanted.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    /// Its apex.
    pub(super) name: String,
    /// The registry's own words on it, for its settings.
    pub(super) zone: Zone,
    pub(super) records: Vec<Record>,
    /// Names whose text is not known here; what is there is left alone.
    pub(super) open: Vec<Open>,
    /// The public hosts of services in this zone: key and host.
    pub(super) hosts: Vec<(String, String)>,
    pub(super) notes: Vec<String>,
}

/// A text that somebody else hands out and nobody has told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Open {
    pub(super) name: String,
    /// The custom domain that it proves; `None` where the registry leaves the value to the owner.
    pub(super) proves: Option<String>,
}

impl Naming {
    /// `CLOUDFLARE_DOMAIN` and `CLOUDFLARE_PROXIED`.
    pub(super) fn of(variables: &Variables) -> Result<Self> {
        let said = |name: &str| {
            let value = variables.get(name)?.trim();
            (!value.is_empty()).then(|| value.to_owned())
        };
        let domain = said("CLOUDFLARE_DOMAIN").map(|domain| host(&domain));
        if let Some(domain) = domain.as_deref().filter(|domain| !is_name(domain)) {
            bail!("CLOUDFLARE_DOMAIN is {domain:?}; it is a domain, such as example.com");
        }
        let proxied = match said("CLOUDFLARE_PROXIED")
            .map(|said| said.to_ascii_lowercase())
            .as_deref()
        {
            None | Some("true" | "1" | "yes" | "on") => true,
            Some("false" | "0" | "no" | "off") => false,
            Some(other) => bail!("CLOUDFLARE_PROXIED is {other:?}; it is \"true\" or \"false\""),
        };
        Ok(Naming { domain, proxied })
    }

    /// A name of the registry's domain as one of the fleet's.
    fn of_fleet(&self, name: &str, file: &RegistryFile) -> String {
        let name = host(name);
        match (&self.domain, name.strip_suffix(&file.domain)) {
            (Some(domain), Some(rest)) if within(&name, &file.domain) => format!("{rest}{domain}"),
            _ => name,
        }
    }
}

/// Every zone of the registry, or those that were named.
pub(super) fn zones(file: &RegistryFile, naming: &Naming, handed: &Handed, only: &[String]) -> Result<Vec<Wanted>> {
    let names: Vec<String> = file.zone.iter().map(|zone| naming.of_fleet(&zone.name, file)).collect();
    if let Some(unknown) = only.iter().find(|name| !names.contains(&host(name))) {
        bail!("the registry has no zone {unknown:?}; there are {}", names.join(", "));
    }
    if let Some(stray) = handed
        .texts
        .keys()
        .find(|name| !names.iter().any(|zone| within(name, zone)))
    {
        bail!(
            "{stray} has a value and is in no zone of the registry; there are {}",
            names.join(", ")
        );
    }
    file.zone
        .iter()
        .zip(&names)
        .filter(|(_, name)| only.is_empty() || only.iter().any(|wanted| host(wanted) == **name))
        .map(|(zone, name)| of_zone(file, naming, handed, zone, name))
        .collect()
}

fn of_zone(file: &RegistryFile, naming: &Naming, handed: &Handed, zone: &Zone, name: &str) -> Result<Wanted> {
    for (what, said, known) in [
        ("tls_mode", &zone.tls_mode, &TLS_MODES),
        ("minimum_tls", &zone.minimum_tls, &TLS_VERSIONS),
    ] {
        if !known.contains(&said.as_str()) {
            bail!(
                "registry.toml: zone {:?}: {what} is {said:?}; it is {}",
                zone.name,
                known.join(", ")
            );
        }
    }
    let mut wanted = Wanted {
        name: name.to_owned(),
        zone: zone.clone(),
        records: Vec::new(),
        open: Vec::new(),
        hosts: Vec::new(),
        notes: Vec::new(),
    };
    for service in &file.service {
        let Some(url) = &service.production.cloudflare else {
            continue;
        };
        let public = naming.of_fleet(of_url(url), file);
        if !within(&public, name) {
            continue;
        }
        let mut record = Record::new(&public, Kind::Cname, of_url(&service.production.railway));
        record.proxied = naming.proxied;
        wanted.hosts.push((service.key.clone(), public));
        wanted.records.push(record);
    }
    for said in &zone.records {
        let at = |problem: &str| {
            anyhow!(
                "registry.toml: zone {:?}: {} {}: {problem}",
                zone.name,
                said.r#type,
                said.name
            )
        };
        let full = in_full(&said.name, name);
        let kind = Kind::parse(&said.r#type).ok_or_else(|| at("it is A, AAAA, CNAME, MX or TXT"))?;
        let given = handed
            .texts
            .get(&full)
            .filter(|_| kind == Kind::Txt && said.value.is_empty());
        let value = match given {
            Some(value) => value.clone(),
            None if kind == Kind::Txt => said.value.clone(),
            None => naming.of_fleet(&said.value, file),
        };
        if value.is_empty() {
            if kind != Kind::Txt {
                return Err(at("it has no value"));
            }
            wanted.open.push(Open {
                name: full,
                proves: None,
            });
            continue;
        }
        if kind == Kind::Txt && !txt::writable(&value) {
            return Err(at("the text is too long or not plain ASCII"));
        }
        if said.proxied && !kind.proxiable() {
            return Err(at("only A, AAAA and CNAME can be proxied"));
        }
        let mut record = Record::new(&full, kind, &value);
        record.proxied = said.proxied;
        record.priority = match (kind, said.priority) {
            (Kind::Mx, Some(priority)) => Some(priority),
            (Kind::Mx, None) => return Err(at("an MX has a priority")),
            _ => None,
        };
        wanted.records.push(record);
    }
    prove(&mut wanted, handed);
    beside(&mut wanted, handed);
    sound(&wanted)?;
    wanted.records.sort();
    Ok(wanted)
}

/// The proofs of every custom domain, or the want of them.
fn prove(wanted: &mut Wanted, handed: &Handed) {
    let targets: BTreeMap<&str, &str> = wanted
        .records
        .iter()
        .filter(|record| record.kind == Kind::Cname)
        .map(|record| (record.name.as_str(), record.value.as_str()))
        .collect();
    let leads = |start: &str| {
        let mut name = start;
        for _ in 0..CHAIN_MAX {
            match targets.get(name) {
                Some(next) if next.ends_with(PLATFORM) => return true,
                Some(next) => name = next,
                None => return false,
            }
        }
        false
    };
    let domains: Vec<String> = targets
        .keys()
        .filter(|name| leads(name))
        .map(|name| (*name).to_owned())
        .collect();
    for domain in domains {
        let known = handed.domains.get(&domain);
        let usual = match below(&domain, &wanted.name) {
            "@" => format!("{OWNERSHIP}.{}", wanted.name),
            label => format!("{OWNERSHIP}.{label}.{}", wanted.name),
        };
        let at = known
            .filter(|known| !known.host.is_empty())
            .map_or(usual, |known| in_full(&known.host, &wanted.name));
        let told = known
            .map(|known| known.token.as_str())
            .filter(|token| !token.is_empty());
        let filed = handed.texts.get(&at).map(String::as_str);
        if let (Some(told), Some(filed)) = (told, filed)
            && told != filed
        {
            wanted.notes.push(format!(
                "{at}: the file of ownership values says another text than the platform, whose word is taken"
            ));
        }
        if let (Some(target), Some(here)) = (
            known.and_then(|known| known.target.as_deref()),
            targets_of(wanted, &domain),
        ) && here.ends_with(PLATFORM)
            && host(target) != here
        {
            wanted.notes.push(format!(
                "{domain}: the platform wants its CNAME to lead to {}, the registry says {here}; the registry's is planned, so put the other there if it is the newer",
                host(target)
            ));
        }
        match told.or(filed) {
            Some(value) if txt::writable(value) => wanted.records.push(Record::new(&at, Kind::Txt, value)),
            _ => {
                if handed.asked && known.is_none() {
                    wanted.notes.push(format!(
                        "{domain} is no custom domain of the platform's project: add it to its service there, else it answers 404"
                    ));
                }
                wanted.open.push(Open {
                    name: at,
                    proves: Some(domain),
                });
            }
        }
    }
}

fn targets_of<'a>(wanted: &'a Wanted, name: &str) -> Option<&'a str> {
    let cname = |record: &&Record| record.kind == Kind::Cname && record.name == name;
    wanted.records.iter().find(cname).map(|record| record.value.as_str())
}

/// Texts of the file that no record of the registry asks for by name.
fn beside(wanted: &mut Wanted, handed: &Handed) {
    let there: BTreeSet<&str> = wanted
        .records
        .iter()
        .filter(|record| record.kind == Kind::Txt)
        .map(|record| record.name.as_str())
        .collect();
    let missing: Vec<Record> = handed
        .texts
        .iter()
        .filter(|(name, _)| within(name, &wanted.name) && !there.contains(name.as_str()))
        .map(|(name, value)| Record::new(name, Kind::Txt, value))
        .collect();
    wanted.records.extend(missing);
}

/// Whether the records can be in one zone together.
fn sound(wanted: &Wanted) -> Result<()> {
    let mut slots = BTreeSet::new();
    for record in &wanted.records {
        let Record { name, kind, .. } = record;
        if !within(name, &wanted.name) || !is_name(name) {
            bail!("registry.toml: {name:?} is no name of the zone {}", wanted.name);
        }
        if !slots.insert(record.slot()) {
            bail!(
                "registry.toml: zone {}: two records want the same place, {kind} {name}",
                wanted.name
            );
        }
        let alias = |other: &&Record| other.kind == Kind::Cname && other.name == *name;
        if matches!(kind, Kind::A | Kind::Aaaa) && wanted.records.iter().any(|other| alias(&other)) {
            bail!(
                "registry.toml: zone {}: {name} has a CNAME and addresses; keep one",
                wanted.name
            );
        }
    }
    Ok(())
}

/// Whether a text can be a name in DNS: labels of at most 63 letters, digits, dashes and underscores, 253 in all.
fn is_name(name: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'*'))
    };
    name.len() <= 253 && name.contains('.') && name.split('.').all(label)
}

/// The host of a URL.
fn of_url(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split(['/', ':']).next().unwrap_or(rest)
}
