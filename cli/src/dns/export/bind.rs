use std::fmt::Write as _;

use crate::dns::record::{MARK, Record, TTL_AUTO, below};
use crate::dns::wanted::Wanted;

/// A zone file, as Cloudflare imports it: what is proxied is said in the comment, a TTL of 1 is "automatic". Names are written below the
/// zone, targets in full with their last dot.
pub(in crate::dns) fn bind(zone: &Wanted) -> String {
    let mut out = format!("; The zone {} as the registry wants it.\n", zone.name);
    for open in &zone.open {
        let _ = writeln!(out, "; TXT {} is not in here: its value is not known.", open.name);
    }
    let _ = writeln!(out, "$ORIGIN {}.", zone.name);
    for record in &zone.records {
        let Record { name, kind, .. } = record;
        let priority = record
            .priority
            .map(|priority| format!("{priority} "))
            .unwrap_or_default();
        let value = format!("{priority}{}", record.absolute());
        let _ = write!(
            out,
            "{}\t{TTL_AUTO}\tIN\t{kind}\t{value}\t; {MARK}",
            below(name, &zone.name)
        );
        if kind.proxiable() {
            let _ = write!(out, " cf_tags=cf-proxied:{}", record.proxied);
        }
        out.push('\n');
    }
    out
}
