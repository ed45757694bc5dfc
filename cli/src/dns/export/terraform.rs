use std::fmt::Write as _;

use crate::dns::record::{MARK, TTL_AUTO, below};
use crate::dns::settings::{self, Family};
use crate::dns::wanted::Wanted;

/// Records and settings for Cloudflare's provider, version 5. A zone's identifier is a variable; the firewall's rules are an account's and
/// stay out.
pub(in crate::dns) fn terraform(zones: &[Wanted]) -> String {
    let mut out = String::from(
        "terraform {\n  required_providers {\n    cloudflare = {\n      source  = \"cloudflare/cloudflare\"\n      version = \"~> 5.0\"\n    }\n  }\n}\n",
    );
    for zone in zones {
        // An identifier begins with a letter or an underscore.
        let digit = zone.name.starts_with(|c: char| c.is_ascii_digit());
        let id = format!("{}{}", if digit { "_" } else { "" }, word(&zone.name));
        let _ = write!(
            out,
            "\nvariable \"zone_{id}\" {{\n  type        = string\n  description = {}\n}}\n",
            literal(&format!("The identifier of the zone {}", zone.name))
        );
        if !zone.open.is_empty() {
            out.push('\n');
        }
        for open in &zone.open {
            let _ = writeln!(out, "# TXT {} is not in here: its value is not known.", open.name);
        }
        let mut counts = std::collections::BTreeMap::new();
        for record in &zone.records {
            let name = below(&record.name, &zone.name);
            let base = format!("{id}_{}_{}", word(name), record.kind.as_str().to_ascii_lowercase());
            let count = counts.entry(base.clone()).or_insert(0u32);
            *count += 1;
            let label = if *count == 1 { base } else { format!("{base}_{count}") };
            let _ = write!(
                out,
                "\nresource \"cloudflare_dns_record\" \"{label}\" {{\n  zone_id = var.zone_{id}\n  name    = {}\n  type    = \"{}\"\n  content = {}\n  ttl     = {TTL_AUTO}\n",
                literal(&record.name),
                record.kind,
                literal(&record.content()),
            );
            if let Some(priority) = record.priority {
                let _ = writeln!(out, "  priority = {priority}");
            }
            let _ = write!(
                out,
                "  proxied = {}\n  comment = {}\n}}\n",
                record.proxied,
                literal(MARK)
            );
        }
        for setting in settings::wanted(&zone.zone) {
            let on = setting.value == "on";
            let _ = match setting.family {
                Family::Setting => write!(
                    out,
                    "\nresource \"cloudflare_zone_setting\" \"{id}_{}\" {{\n  zone_id    = var.zone_{id}\n  setting_id = {}\n  value      = {}\n}}\n",
                    setting.id,
                    literal(setting.id),
                    literal(&setting.value)
                ),
                Family::Bots => write!(
                    out,
                    "\nresource \"cloudflare_bot_management\" \"{id}\" {{\n  zone_id    = var.zone_{id}\n  fight_mode = {on}\n}}\n"
                ),
                Family::Firewall => Ok(()),
            };
        }
    }
    out
}

/// A text as Terraform writes it: nothing in it is taken for a template.
fn literal(text: &str) -> String {
    let escaped = text
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace("${", "$${")
        .replace("%{", "%%{");
    format!("\"{escaped}\"")
}

/// A name as part of an identifier.
fn word(name: &str) -> String {
    match name {
        "@" => "apex".to_owned(),
        name => name
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
            .collect(),
    }
}
